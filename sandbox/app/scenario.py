"""The scripted evening of one family: which requests are sent, and which sensitive values they put into the log."""

from __future__ import annotations

import random

from django.core import mail

from sandbox.app.manifest import Manifest
from sandbox.app.people import Household, household
from sandbox.app.scenes_accounts import (
    forgotten_password,
    recovery_code,
    refused_sign_ups,
    sign_in,
    sign_up,
    two_factor,
)
from sandbox.app.scenes_attacks import guessing, oauth_probes, outsider, probes, tampering
from sandbox.app.scenes_family import browser_trouble, cleaning_up, failing_export, invitation, uploads
from sandbox.app.visitor import Visitor


def run_scenario(manifest: Manifest, *, seed: int = 0, repeat: int = 1) -> None:
    """Play the evening `repeat` times, each with people of its own that depend on the seed only."""
    for index in range(repeat):
        rng = random.Random(f"{seed}/{index}")  # noqa: S311 - a script that can be repeated, not a secret
        play(household(rng), rng, manifest)
        mail.outbox.clear()


def play(family: Household, rng: random.Random, manifest: Manifest) -> None:
    """Play the evening once."""

    def visitor(ip: str) -> Visitor:
        return Visitor(ip=ip, rng=rng, manifest=manifest)

    balancer = Visitor(ip="192.0.2.10", rng=rng, manifest=manifest, user_agent="ELB-HealthChecker/2.0")
    parent, grandparent = visitor(family.parent.ip), visitor(family.grandparent.ip)
    stranger, prober = visitor(family.stranger.ip), visitor(family.prober_ip)

    balancer.get("/health/")
    sign_up(parent, family.parent)
    refused_sign_ups(parent, family.parent)
    sign_in(parent, family.parent)
    circle = int(parent.post("/api/users/circles/", {"name": family.circle_name}, expect=201)["id"])
    codes = two_factor(parent, family.parent)
    recovery_code(parent, family.parent, codes)
    member = invitation(parent, grandparent, family.grandparent, circle)
    uploads(parent, grandparent, family, circle)
    outsider(stranger, family, circle)
    browser_trouble(grandparent, family.grandparent)
    guessing(prober, family.stranger)
    forgotten_password(visitor(family.stranger.ip), family.stranger, family.new_password)
    failing_export(parent, circle)
    oauth_probes(prober)
    tampering(prober)
    probes(prober)
    cleaning_up(parent, grandparent, family, circle, member)
    balancer.get("/health/")
