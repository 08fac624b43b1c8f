"""What a provider refuses, as sentences an engineer can act on."""

from __future__ import annotations

from dataclasses import dataclass


class ProviderError(Exception):
    """The request cannot be carried out; the message says what to change and where."""


@dataclass(frozen=True)
class Problem:
    """One input that is wrong: the property's path and the reason, never a secret's value."""

    path: str
    reason: str
