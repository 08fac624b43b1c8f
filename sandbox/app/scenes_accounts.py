"""Scenes about accounts: sign-up, login, two factors, a forgotten password."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, quote, urlsplit

import pyotp
from django.core import mail

from sandbox.app.people import Person
from sandbox.app.visitor import UnexpectedAnswerError, Visitor

LOGIN = "/api/auth/login/"


def last_link_to(email: str) -> str:
    """Return the path and query of the link in the newest message to an address."""
    for message in reversed(mail.outbox):
        if message.to == [email]:
            link = re.search(r"https://[^/\s]+(\S+)", message.body)
            if link:
                return link[1]
    raise UnexpectedAnswerError("a message with a link was expected and has not arrived")


def sign_up(visitor: Visitor, person: Person) -> int:
    """Create an account."""
    visitor.manifest.add("email", person.email)
    body = {"email": person.email, "password": person.password, "phone": person.phone}
    return int(visitor.post("/api/auth/signup/", body, expect=201)["id"])


def refused_sign_ups(visitor: Visitor, person: Person) -> None:
    """Sign up again by mistake: a typing error, a forgotten field, then the address that is already taken."""
    password = person.password
    visitor.post("/api/auth/signup/", {"email": "not an address", "password": password}, expect=400)
    visitor.post("/api/auth/signup/", {"email": person.email}, expect=400)
    visitor.post("/api/auth/signup/", {"email": person.email, "password": password}, expect=400)


def sign_in(visitor: Visitor, person: Person) -> None:
    """Mistype the password once, then log in and look at the profile."""
    visitor.post(LOGIN, {"email": person.email, "password": "mistyped"}, expect=401)
    visitor.use_token(visitor.post(LOGIN, {"email": person.email, "password": person.password})["access"])
    visitor.get("/api/users/me/")


def two_factor(visitor: Visitor, person: Person) -> list[str]:
    """Set up an authenticator, log out, and log in with two factors; returns the recovery codes."""
    url = visitor.post("/api/auth/2fa/setup/", {})["otpauth_url"]
    secret = parse_qs(urlsplit(url).query)["secret"][0]
    # The address's parts as well: a sink that escapes `&`, or a redaction that stops halfway, leaves only those.
    visitor.manifest.add("otpauth_url", url)
    visitor.manifest.add("totp_secret", secret)
    visitor.manifest.add("email", quote(person.email))
    visitor.post("/api/auth/2fa/verify-setup/", {"code": "no code"}, expect=400)
    visitor.manifest.add("phone", person.phone)
    code = pyotp.TOTP(secret).now()
    codes: list[str] = visitor.post("/api/auth/2fa/verify-setup/", {"code": code})["recovery_codes"]
    visitor.post("/api/auth/logout/", {})
    visitor.token = None

    challenge = _challenge(visitor, person)
    answer = {"challenge": challenge, "code": "no code"}
    visitor.post("/api/auth/2fa/verify-login/", answer, expect=400)
    answer["code"] = pyotp.TOTP(secret).now()
    visitor.use_token(visitor.post("/api/auth/2fa/verify-login/", answer)["access"])
    visitor.get("/api/users/me/")
    return codes


def recovery_code(visitor: Visitor, person: Person, codes: list[str]) -> None:
    """Log in with a recovery code, and find that it works once."""
    visitor.token = None
    answer = {"challenge": _challenge(visitor, person), "recovery_code": codes[0]}
    token = visitor.post("/api/auth/2fa/verify-login/", answer)["access"]
    visitor.post("/api/auth/2fa/verify-login/", answer, expect=400)
    visitor.use_token(token)


def _challenge(visitor: Visitor, person: Person) -> str:
    body = {"email": person.email, "password": person.password}
    return str(visitor.post(LOGIN, body, expect=202)["challenge"])


def forgotten_password(visitor: Visitor, person: Person, new_password: str) -> None:
    """Ask for a reset link, for a wrong address first, and use the link."""
    ask, confirm = "/api/auth/password/reset/request/", "/api/auth/password/reset/confirm/"
    unknown = f"typo.{person.email}"
    visitor.manifest.add("email", unknown)
    visitor.post(ask, {"email": unknown}, expect=202)
    visitor.post(ask, {"email": person.email}, expect=202)
    link = last_link_to(person.email)
    query = parse_qs(urlsplit(link).query)
    uid, token = query["uid"][0], query["token"][0]
    visitor.manifest.add("reset_token", token)
    visitor.get(link)
    visitor.post(confirm, {"uid": uid, "token": token, "password": new_password})
    visitor.get(link, expect=400)
    body = {"email": person.email, "password": new_password}
    visitor.use_token(visitor.post(LOGIN, body)["access"])
    visitor.get("/api/users/me/")
