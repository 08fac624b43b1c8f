"""One record at a time through the real cleaning stages, and what arrived of it; the words that adversarial tests use."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, settings

from infra.policy.redaction import RedactionRule
from sandbox.score.collector import Carried, Scoring
from sandbox.score.judge import Judge
from sandbox.score.otlp import Text, request, texts
from sandbox.score.readable import Readable
from tests.factories import policy

MASK = Judge.of(policy().redaction).mask
explored = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    # The same records in each run of the suite; EXPLORE=1 tries others.
    derandomize="EXPLORE" not in os.environ,
    print_blob=True,
)


@dataclass(frozen=True)
class Fate:
    """What became of one record: where it arrived, and every text in it."""

    status: int
    delivered: int
    quarantined: int
    texts: tuple[Text, ...]

    @property
    def readable(self) -> Readable:
        """Everything that can be read, masks taken out, in whatever spelling."""
        return Readable(MASK.sub("[]", item.text) for item in self.texts)

    @property
    def body(self) -> str:
        (found,) = [item.text for item in self.texts if item.place == "body"]
        return found

    @property
    def masks(self) -> list[str]:
        return [match[1] for item in self.texts for match in MASK.finditer(item.text)]

    def attributes(self, place: str = "attribute") -> dict[str, str]:
        return {item.key: item.text for item in self.texts if item.place == place}

    def where(self, value: str) -> list[str]:
        """Return the places at which `value` can be read."""
        return sorted(
            {f"{item.place} {item.key}" for item in self.texts if value in Readable([MASK.sub("[]", item.text)])}
        )


def sent(run: Scoring, parts: Mapping[str, Any]) -> Fate:
    """Send one record, its parts as sandbox.score.otlp.request takes them."""
    return fate(run.carry(bytes(request(parts).SerializeToString())))


def fate(carried: Carried) -> Fate:
    requests = (*carried.delivered, *carried.quarantined)
    return Fate(
        carried.status,
        len(carried.delivered),
        len(carried.quarantined),
        tuple(item for one in requests for item in texts(one)),
    )


def arrived_once(found: Fate) -> bool:
    """Return whether a record reached exactly one of the two ends."""
    return (found.status, found.delivered + found.quarantined) == (200, 1)


def sensitive_parts(rule: RedactionRule, example: str) -> list[str]:
    """Return what of an example must not be readable: all that the rule's pattern finds, and each word of it that is
    long and mixed enough to be a value.
    """
    if rule.pattern is None:
        return []
    found = re.search(rule.pattern, example)
    assert found is not None
    text = found[0].removeprefix(found.groupdict().get("keep") or "")
    words = re.split(r"[\s\"'=:,;&?/()\[\]{}<>@]+", text)
    mixed = [word for word in words if len(word) >= 8 and re.search("[0-9]", word) and re.search("[A-Za-z]", word)]
    return [text, *mixed]
