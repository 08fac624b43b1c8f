"""The API's bearer tokens: JSON Web Tokens signed with HMAC-SHA256."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from typing import Any

from django.conf import settings

LIFETIME_SECONDS = 900


class InvalidTokenError(Exception):
    """The token is malformed, expired or not ours; the message never contains it."""


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def hashed(secret: str) -> str:
    """Return what may be kept of a secret, to recognise it again."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _sign(signed: str) -> str:
    return _encode(hmac.new(settings.SECRET_KEY.encode(), signed.encode(), hashlib.sha256).digest())


def issue(user_id: int, *, purpose: str = "access", mfa: bool = False) -> str:
    """Issue a token that says who the caller is and what the token may be used for."""
    header = {"alg": "HS256", "typ": "JWT"}
    claims = {
        "sub": str(user_id),
        # Two tokens of one second would otherwise be the same token.
        "jti": secrets.token_hex(8),
        "purpose": purpose,
        "mfa": mfa,
        "exp": int(time.time()) + LIFETIME_SECONDS,
    }
    signed = ".".join(_encode(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims))
    return f"{signed}.{_sign(signed)}"


def verify(token: str, *, purpose: str = "access") -> dict[str, Any]:
    """Return the claims of a valid token."""
    signed, _, signature = token.rpartition(".")
    if not hmac.compare_digest(_sign(signed).encode(), signature.encode()):
        raise InvalidTokenError("signature mismatch")
    claims: dict[str, Any] = json.loads(_decode(signed.partition(".")[2]))
    if claims["exp"] < time.time():
        raise InvalidTokenError("expired")
    if claims["purpose"] != purpose:
        raise InvalidTokenError("issued for another purpose")
    return claims
