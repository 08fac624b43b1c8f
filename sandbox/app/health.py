"""What the load balancer asks, and what a visitor gets where there is nothing."""

from __future__ import annotations

import structlog
from django.db import connection
from django.http import HttpRequest, HttpResponse

from sandbox.app.web import endpoint, reply

_log = structlog.get_logger("mysite.health")


@endpoint("GET", signed_in=False)
def health(_request: HttpRequest) -> HttpResponse:
    """Say that the service and its database work."""
    connection.ensure_connection()
    _log.debug("Database reachable", event_name="health.database.ok")
    return reply(status="ok")


def bad_request(_request: HttpRequest, **_exception: object) -> HttpResponse:
    """Answer 400 as JSON."""
    return reply(400, error="bad_request")


def not_found(_request: HttpRequest, **_exception: object) -> HttpResponse:
    """Answer 404 as JSON."""
    return reply(404, error="not_found")


def forbidden(_request: HttpRequest, **_exception: object) -> HttpResponse:
    """Answer 403 as JSON."""
    return reply(403, error="forbidden")


def server_error(_request: HttpRequest) -> HttpResponse:
    """Answer 500 as JSON, without a word about the reason."""
    return reply(500, error="internal")
