"""Shorthand that keeps a row on a few lines."""

from __future__ import annotations


def arn(service: str, resource: str) -> str:
    """The template of a regional ARN."""
    return f"arn:{{partition}}:{service}:{{region}}:{{account}}:{resource}"


def global_arn(service: str, resource: str) -> str:
    """The template of an ARN of a service without regions."""
    return f"arn:{{partition}}:{service}::{{account}}:{resource}"


def keys(*names: str) -> frozenset[str]:
    """Property names, for `replace_on` and its like."""
    return frozenset(names)
