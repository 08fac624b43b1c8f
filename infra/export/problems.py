"""What can keep a day from being exported, in words for the person who has to act."""

from __future__ import annotations


class ExportError(Exception):
    """Something that a person has to put right; the message says what, where, and what to do next."""


class BadAssignmentError(ExportError):
    """What the function was given to do cannot be read."""


class CorruptManifestError(ExportError):
    """A manifest is not what this program wrote; nothing is built on top of it."""


class ObjectChangedError(ExportError):
    """An exported object is gone, truncated or altered."""


class RefusedError(ExportError):
    """AWS refuses what has to be done: a permission or a setting is missing."""


class TakenError(Exception):
    """Another run has written the next link of this chain: look again, then decide anew."""


class LaterError(Exception):
    """AWS asked for patience: the next run does it."""
