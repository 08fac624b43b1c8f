"""Sign-up, login, logout and the profile."""

from __future__ import annotations

import structlog
from django.conf import settings
from django.contrib.auth import authenticate
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.http import HttpRequest, HttpResponse

from sandbox.app import tokens
from sandbox.app.events import audit, security
from sandbox.app.messaging import link, send_email
from sandbox.app.models import Member
from sandbox.app.web import auth_context_of, body_of, endpoint, reply

_log = structlog.get_logger("mysite.auth.views.account")
_profile_log = structlog.get_logger("mysite.users.views.profile")

LOGIN_WINDOW_SECONDS = 60


@endpoint("POST", signed_in=False)
def signup(request: HttpRequest) -> HttpResponse:
    """Create an account."""
    body = body_of(request, "email", "password")
    email = str(body["email"])
    try:
        validate_email(email)
    except ValidationError:
        _log.warning("Sign-up refused: invalid e-mail address", event_name="auth.signup.invalid")
        return reply(400, error="invalid_email")
    if Member.objects.filter(email=email).exists():
        _log.warning(f"Sign-up refused: {email} already has an account", event_name="auth.signup.duplicate")
        return reply(400, error="already_registered")
    member = Member.objects.create_user(
        username=email, email=email, password=body["password"], phone_number=body.get("phone", "")
    )
    structlog.contextvars.bind_contextvars(user_id=member.pk)
    send_email("users.email.verification", to=email, subject="Welcome to Tinybeans", text=link("/verify-email"))
    audit("user.signup", actor_id=member.pk, target_id=member.pk)
    _log.info("User signup completed", event_name="auth.signup.success")
    return reply(201, id=member.pk)


def over_the_limit(request: HttpRequest, email: str) -> bool:
    """Count a login attempt; True if this caller has made too many for this account."""
    key = f"login:{request.headers.get('X-Forwarded-For', '')}:{email}"
    cache.add(key, 0, LOGIN_WINDOW_SECONDS)
    return bool(cache.incr(key) > settings.TINYBEANS_LOGIN_ATTEMPTS)


@endpoint("POST", signed_in=False)
def login(request: HttpRequest) -> HttpResponse:
    """Check a password; answer with a token, or with a challenge if the member uses two factors."""
    body = body_of(request, "email", "password")
    email = str(body["email"])
    member = authenticate(request, username=email, password=body["password"])
    if member is None:
        if over_the_limit(request, email):
            security("auth.login.rate_limited", f"Too many login attempts for {email}", limit="login")
            return reply(429, error="too_many_attempts")
        known = Member.objects.filter(email=email).first()
        _log.warning(f"Login failed for {email}", event_name="auth.login.failed", outcome="failure")
        audit(
            "user.login.failure",
            actor_id=None if known is None else known.pk,
            succeeded=False,
            auth_context={"method": "password", "mfa": False},
        )
        return reply(401, error="invalid_credentials")
    structlog.contextvars.bind_contextvars(user_id=member.pk)
    _log.info("Credentials validated for login request", event_name="auth.login.credentials_valid")
    if member.two_factor_enabled:
        return reply(202, challenge=tokens.issue(member.pk, purpose="challenge"))
    return signed_in(member, method="password", mfa=False)


def signed_in(member: Member, *, method: str, mfa: bool) -> HttpResponse:
    """Finish a login however it was proven."""
    auth_context: dict[str, object] = {"method": method, "mfa": mfa}
    audit("user.login.success", actor_id=member.pk, target_id=member.pk, auth_context=auth_context)
    _log.info("Login succeeded", event_name="auth.login.success", outcome="success", auth_context=auth_context)
    return reply(access=tokens.issue(member.pk, mfa=mfa))


@endpoint("POST")
def logout(request: HttpRequest) -> HttpResponse:
    """End the session."""
    audit("user.logout", actor_id=request.user.pk, auth_context=auth_context_of(request))
    _log.info("User logged out", event_name="auth.logout.success", outcome="success")
    return reply()


@endpoint("GET")
def profile(request: HttpRequest) -> HttpResponse:
    """Show the caller's own account."""
    _profile_log.debug("User profile read", event_name="users.profile.read")
    return reply(id=request.user.pk, email=request.user.email)
