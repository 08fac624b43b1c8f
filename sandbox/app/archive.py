"""The archive database, which nobody can reach: how a failing dependency looks in the log."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

from django.conf import settings

TIMEOUT_SECONDS = 0.5


class ArchiveUnavailableError(Exception):
    """The archive database did not answer."""


def albums_of(circle_id: int) -> list[str]:
    """List a circle's archived albums.

    The error names the whole connection string, password included, because that is how such errors are written.
    """
    dsn = settings.TINYBEANS_ARCHIVE_DSN
    address = urlsplit(dsn)
    try:
        with socket.create_connection((address.hostname, address.port), timeout=TIMEOUT_SECONDS):
            return [f"circle-{circle_id}"]
    except OSError as error:
        raise ArchiveUnavailableError(f"could not connect to {dsn} for circle {circle_id}") from error
