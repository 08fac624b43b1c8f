"""The SaaS doubles that a list of destinations needs, each with a key made up for this run."""

import secrets
from collections.abc import Iterable, Mapping

from infra.policy.destinations import Destination
from infra.secrets import CATALOGUE, SecretEntry
from sandbox.doubles.otlp_intake import IntakeSpec, datadog, elastic, newrelic

INTAKES = {Destination.DATADOG: datadog, Destination.NEWRELIC: newrelic, Destination.ELASTIC: elastic}
"""Destinations that have a double; loggly speaks syslog and has none here."""


def keys_for(destinations: Iterable[Destination]) -> dict[SecretEntry, str]:
    """Return a new key for each destination that needs one."""
    wanted = set(destinations)
    return {entry: secrets.token_hex(32) for entry in CATALOGUE if entry.needed_by in wanted}


def intakes_for(keys: Mapping[SecretEntry, str]) -> list[IntakeSpec]:
    """Return the doubles that expect these keys."""
    return [INTAKES[entry.needed_by](value) for entry, value in keys.items() if entry.needed_by in INTAKES]
