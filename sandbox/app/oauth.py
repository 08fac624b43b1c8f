"""The first half of "Sign in with Google": what is checked before anybody is sent anywhere."""

from __future__ import annotations

from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from sandbox.app.web import endpoint, reply

_log = structlog.get_logger("oauth.security")

SHORTEST_STATE = 32


@endpoint("GET", signed_in=False)
def initiate(request: HttpRequest) -> HttpResponse:
    """Start a sign-in, for redirect addresses that are ours."""
    redirect_uri = request.GET.get("redirect_uri", "")
    if redirect_uri not in settings.TINYBEANS_OAUTH_REDIRECTS:
        _log.warning(
            "Redirect URI not in whitelist",
            event_name="oauth.redirect_uri_not_whitelisted",
            redirect_host=urlsplit(redirect_uri).hostname,
            outcome="denied",
            log_class="security",
        )
        return reply(400, error="redirect_uri_not_allowed")
    _log.debug("Redirect URI validated", event_name="oauth.redirect_uri_validated", log_class="security")
    return reply()


@endpoint("GET", signed_in=False)
def callback(request: HttpRequest) -> HttpResponse:
    """Refuse an answer whose state cannot be one that we issued."""
    state = request.GET.get("state", "")
    if len(state) < SHORTEST_STATE:
        _log.warning(
            "State token too short",
            event_name="oauth.state_validation_failed",
            state_length=len(state),
            outcome="denied",
            log_class="security",
        )
    return reply(400, error="invalid_state")
