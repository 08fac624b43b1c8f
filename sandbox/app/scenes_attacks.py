"""Scenes that the service has to refuse: outsiders, guessing, tampering, probing."""

from __future__ import annotations

from django.conf import settings

from sandbox.app.people import Household, Person
from sandbox.app.scenes_accounts import LOGIN, sign_in, sign_up
from sandbox.app.settings import SITE_HOST
from sandbox.app.tokens import issue
from sandbox.app.visitor import Visitor


def outsider(stranger: Visitor, family: Household, circle: int) -> None:
    """Let somebody with an account look for a circle they do not belong to."""
    sign_up(stranger, family.stranger)
    sign_in(stranger, family.stranger)
    stranger.get(f"/api/users/circles/{circle}/", expect=403)
    stranger.get(f"/api/circles/{circle}/keeps/", expect=403)
    stranger.delete(f"/api/circles/{circle}/keeps/{family.photos[0].keep_id}/", expect=403)


def guessing(prober: Visitor, victim: Person) -> None:
    """Guess a password until the service stops answering."""
    for attempt in range(settings.TINYBEANS_LOGIN_ATTEMPTS):
        prober.post(LOGIN, {"email": victim.email, "password": f"guess-{attempt}"}, expect=401)
    prober.post(LOGIN, {"email": victim.email, "password": "guess-last"}, expect=429)


def oauth_probes(prober: Visitor) -> None:
    """Start a sign-in properly, then with a redirect elsewhere, then answer with a made-up state."""
    start = "/api/auth/google/initiate/?redirect_uri="
    prober.get(f"{start}https://{SITE_HOST}/auth/google/callback")
    prober.get(f"{start}https://collect.example.net/", expect=400)
    prober.get("/api/auth/google/callback/?state=short", expect=400)


def tampering(prober: Visitor) -> None:
    """Present a token whose claims were changed after it was signed, and a challenge that is none."""
    head, _, signature = issue(0).split(".")
    _, claims, _ = issue(1, mfa=True).split(".")
    prober.use_token(f"{head}.{claims}.{signature}")
    prober.get("/api/users/me/", expect=401)
    prober.token = None
    prober.get("/api/users/me/", expect=401)
    prober.post("/api/auth/2fa/verify-login/", {"challenge": "made up", "code": "000000"}, expect=401)


def probes(prober: Visitor) -> None:
    """Look for what other software leaves lying around, and name a host that is not ours."""
    prober.get("/.env", expect=404)
    prober.get("/wp-login.php", expect=404)
    prober.send("GET", "/health/", expect=400, host="elsewhere.example.net")
