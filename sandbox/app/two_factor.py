"""Authenticator apps (TOTP) and recovery codes."""

from __future__ import annotations

import secrets

import pyotp
import structlog
from django.http import HttpRequest, HttpResponse

from sandbox.app import tokens
from sandbox.app.accounts import signed_in
from sandbox.app.events import audit, security
from sandbox.app.messaging import link, send_email, send_sms
from sandbox.app.models import Member, RecoveryCode
from sandbox.app.web import auth_context_of, body_of, endpoint, reply

_setup_log = structlog.get_logger("mysite.auth.views.two_factor.setup")
_login_log = structlog.get_logger("mysite.auth.views.two_factor.login")

RECOVERY_CODES = 4


@endpoint("POST")
def setup(request: HttpRequest) -> HttpResponse:
    """Create an authenticator secret and the address that its QR code shows."""
    member = request.user
    member.totp_secret = pyotp.random_base32()
    member.save(update_fields=["totp_secret"])
    uri = pyotp.TOTP(member.totp_secret).provisioning_uri(name=member.email, issuer_name="Tinybeans")
    _setup_log.debug(f"Provisioning authenticator with {uri}", event_name="auth.twofa.setup_started")
    return reply(otpauth_url=uri)


@endpoint("POST")
def verify_setup(request: HttpRequest) -> HttpResponse:
    """Enable two factors once a first code proves that the authenticator works."""
    member = request.user
    if not _code_matches(member, body_of(request, "code")["code"]):
        _setup_log.warning("Invalid code during 2FA setup", event_name="auth.twofa.setup_invalid_code")
        audit("twofa.setup.failed", actor_id=member.pk, succeeded=False)
        return reply(400, error="invalid_code")
    codes = [secrets.token_hex(5) for _ in range(RECOVERY_CODES)]
    RecoveryCode.objects.bulk_create(RecoveryCode(member=member, code_hash=tokens.hashed(code)) for code in codes)
    member.two_factor_enabled = True
    member.save(update_fields=["two_factor_enabled"])
    send_sms("2fa_enabled", to=member.phone_number, text="Two-step sign-in is on for your Tinybeans account.")
    audit("twofa.sms.sent", actor_id=member.pk)
    audit("twofa.enabled", actor_id=member.pk, target_id=member.pk, auth_context=auth_context_of(request))
    _setup_log.info("2FA enabled", event_name="auth.twofa.enabled", recovery_codes=RECOVERY_CODES)
    return reply(recovery_codes=codes)


@endpoint("POST", signed_in=False)
def verify_login(request: HttpRequest) -> HttpResponse:
    """Answer the challenge of a login with a code of the authenticator or a recovery code."""
    body = body_of(request, "challenge")
    try:
        claims = tokens.verify(str(body["challenge"]), purpose="challenge")
    except tokens.InvalidTokenError as error:
        security("auth.twofa.invalid_challenge", "2FA challenge refused", reason=str(error))
        return reply(401, error="invalid_challenge")
    member = Member.objects.get(pk=int(claims["sub"]))
    structlog.contextvars.bind_contextvars(user_id=member.pk)
    if "recovery_code" in body:
        return _login_with_recovery_code(member, str(body["recovery_code"]))
    if not _code_matches(member, body.get("code")):
        _login_log.warning("Invalid 2FA code", event_name="auth.twofa.invalid_code", outcome="failure")
        audit("twofa.verify.failed", actor_id=member.pk, succeeded=False)
        return reply(400, error="invalid_code")
    audit("twofa.verify.success", actor_id=member.pk)
    return signed_in(member, method="totp", mfa=True)


def _code_matches(member: Member, code: object) -> bool:
    # One step either way: a code that was typed as it expired is still good.
    return pyotp.TOTP(member.totp_secret).verify(str(code), valid_window=1)


def _login_with_recovery_code(member: Member, code: str) -> HttpResponse:
    used = member.recovery_codes.filter(code_hash=tokens.hashed(code), used=False).update(used=True)
    if not used:
        security("auth.twofa.recovery_code_refused", "Recovery code is unknown or already used")
        return reply(400, error="invalid_recovery_code")
    audit("twofa.recovery_code.used", actor_id=member.pk)
    send_email("twofa.recovery_code_used", to=member.email, subject="A recovery code was used", text=link("/help"))
    return signed_in(member, method="recovery_code", mfa=True)
