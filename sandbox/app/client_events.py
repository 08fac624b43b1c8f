"""Critical events of the React frontend, logged again by the service so that they take the same path."""

from __future__ import annotations

import logging

import structlog
from django.http import HttpRequest, HttpResponse

from sandbox.app.web import body_of, endpoint, reply

_client_log = structlog.get_logger("tinybeans.client")
_log = structlog.get_logger("mysite.client_events.views")

LEVELS = {"warning": logging.WARNING, "error": logging.ERROR}
FIELDS = ("url", "component", "stack", "release", "user_agent")
LONGEST_VALUE = 2000


@endpoint("POST", signed_in=False)
def collect(request: HttpRequest) -> HttpResponse:
    """Accept one event; only known fields are taken, and none of them without a limit."""
    body = body_of(request)
    name, message = body.get("name"), body.get("message")
    level = LEVELS.get(str(body.get("level")))
    if not isinstance(name, str) or not isinstance(message, str) or level is None:
        _log.warning("Client event refused", event_name="client_events.refused")
        return reply(400, error="invalid_event")
    details = {field: str(body[field])[:LONGEST_VALUE] for field in FIELDS if field in body}
    _client_log.log(level, message[:LONGEST_VALUE], event_name=f"client.{name}", client=details)
    return reply(202)
