"""Somebody who sends requests: a browser or an app, with an address and perhaps a token."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from typing import Any

from django.test import Client

from sandbox.app.manifest import Manifest
from sandbox.app.settings import SITE_HOST

# Where the load balancer stands; the visitor's own address arrives in X-Forwarded-For.
LOAD_BALANCER_IP = "192.0.2.10"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


class UnexpectedAnswerError(Exception):
    """The service answered differently from what the scenario is written for."""


@dataclass(kw_only=True)
class Visitor:
    """Sends requests and insists on the answer that the scenario expects."""

    ip: str
    rng: random.Random
    manifest: Manifest
    user_agent: str = BROWSER
    token: str | None = None

    def __post_init__(self) -> None:
        """Note the address: from now on it is in the access log."""
        self.manifest.add("ip_address", self.ip)

    def use_token(self, token: str) -> None:
        """Send this bearer token from now on."""
        self.manifest.add("jwt", token)
        self.token = token

    def send(
        self, method: str, path: str, body: object = None, *, expect: int, host: str = SITE_HOST
    ) -> dict[str, Any]:
        """Send one request and return the answer's JSON."""
        headers = {
            "Host": host,
            "User-Agent": self.user_agent,
            "X-Forwarded-For": self.ip,
            "X-Request-ID": f"{self.rng.getrandbits(128):032x}",
            "traceparent": f"00-{self.rng.getrandbits(128) | 1:032x}-{self.rng.getrandbits(64) | 1:016x}-01",
        }
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token}"
        response = Client(raise_request_exception=False).generic(
            method,
            path,
            b"" if body is None else json.dumps(body).encode(),
            content_type="application/json",
            headers=headers,
            REMOTE_ADDR=LOAD_BALANCER_IP,
        )
        if response.status_code != expect:
            raise UnexpectedAnswerError(
                f"{method} {path.partition('?')[0]} answered {response.status_code}, the scenario expects {expect}"
            )
        answer: dict[str, Any] = json.loads(response.content) if "json" in response["Content-Type"] else {}
        return answer

    def get(self, path: str, *, expect: int = 200) -> dict[str, Any]:
        """Send a GET."""
        return self.send("GET", path, expect=expect)

    def post(self, path: str, body: object, *, expect: int = 200) -> dict[str, Any]:
        """Send a POST."""
        return self.send("POST", path, body, expect=expect)

    def delete(self, path: str, *, expect: int = 200) -> dict[str, Any]:
        """Send a DELETE."""
        return self.send("DELETE", path, expect=expect)
