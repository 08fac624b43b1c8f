"""Where this project keeps what is dear to make and cheap to make again: tools and Python environments."""

import os
from pathlib import Path

OVERRIDE = "TINYBEANS_LOGGING_CACHE"


def cache_dir() -> Path:
    """Return the per-user cache directory as an absolute path; it need not exist yet.

    `$TINYBEANS_LOGGING_CACHE` wins, then `$XDG_CACHE_HOME/tinybeans-logging`, then
    `~/.cache/tinybeans-logging`. Everything in it can be deleted at any time and comes back.

    Raises:
        RuntimeError: no variable is set and this user has no home directory.
    """
    if chosen := os.environ.get(OVERRIDE):
        return Path(chosen).expanduser().absolute()
    shared = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG specification says that a relative path here is to be ignored.
    root = Path(shared) if Path(shared).is_absolute() else Path.home() / ".cache"
    return root / "tinybeans-logging"
