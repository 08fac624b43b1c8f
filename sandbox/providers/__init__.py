"""Providers that let the production program come up in the real engine with no cloud account.

`write_plugin` makes a directory that a project file can name; behind it a Python process speaks the engine's
plugin protocol, keeps what moto can hold in moto, and records the rest.
"""

from sandbox.providers.plugin import write_plugin

__all__ = ["write_plugin"]
