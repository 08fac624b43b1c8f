"""Forgotten passwords."""

from __future__ import annotations

import structlog
from django.contrib.auth.tokens import default_token_generator
from django.http import HttpRequest, HttpResponse
from django.utils.http import urlencode

from sandbox.app.events import audit, security
from sandbox.app.messaging import link, send_email
from sandbox.app.models import Member
from sandbox.app.web import body_of, endpoint, reply

_log = structlog.get_logger("mysite.auth.views.passwords")

CONFIRM_PATH = "/api/auth/password/reset/confirm/"


@endpoint("POST", signed_in=False)
def request_reset(request: HttpRequest) -> HttpResponse:
    """Send a reset link; the answer does not say whether the account exists."""
    email = str(body_of(request, "email")["email"])
    member = Member.objects.filter(email=email).first()
    if member is None:
        _log.info("Password reset requested for unknown identifier", event_name="auth.password_reset.unknown_user")
        return reply(202)
    structlog.contextvars.bind_contextvars(user_id=member.pk)
    query = urlencode({"uid": member.pk, "token": default_token_generator.make_token(member)})
    reset_link = link(f"{CONFIRM_PATH}?{query}")
    _log.debug(f"Password reset link {reset_link}", event_name="auth.password_reset.link_created")
    send_email("users.password.reset", to=email, subject="Reset your password", text=reset_link)
    audit("user.password_reset.requested", actor_id=member.pk, target_id=member.pk)
    return reply(202)


def _member_of_link(uid: object, token: object) -> Member | None:
    member: Member | None = Member.objects.filter(pk=uid).first() if str(uid).isdigit() else None
    if member is None or not default_token_generator.check_token(member, token):
        security("auth.password_reset.invalid_token", "Password reset link is invalid or already used")
        return None
    structlog.contextvars.bind_contextvars(user_id=member.pk)
    return member


@endpoint("GET", signed_in=False)
def check_reset(request: HttpRequest) -> HttpResponse:
    """Tell the browser whether the link it was opened with is still good."""
    member = _member_of_link(request.GET.get("uid"), request.GET.get("token"))
    return reply(400, error="invalid_link") if member is None else reply()


@endpoint("POST", signed_in=False)
def finish_reset(request: HttpRequest) -> HttpResponse:
    """Set the new password."""
    body = body_of(request, "uid", "token", "password")
    member = _member_of_link(body["uid"], body["token"])
    if member is None:
        return reply(400, error="invalid_link")
    member.set_password(body["password"])
    member.save(update_fields=["password"])
    send_email("users.password.changed", to=member.email, subject="Your password was changed", text=link("/help"))
    audit("user.password_reset.completed", actor_id=member.pk, target_id=member.pk)
    return reply()
