"""What somebody would write who wants a value to get past redaction, or a record to get lost: through the real stages.

Nothing here speaks of how the stages work; only of what arrives. A record may be withheld; it may not leak, and it may
not vanish.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from infra.documents.collector import collector_config, load_fragments
from sandbox.score.cleaning import QUARANTINE, cut_after_classes
from sandbox.score.collector import Scoring, ends, receivers, scoring_collector
from sandbox.score.otlp import pairs, request
from sandbox.score.run import cleaning_collector
from tests.collector_process import executable
from tests.factories import ROOT, context, policy
from tests.redaction_records import BROKEN_TEXT, FORGED, GAPS, MARKED, ODD, SENSITIVE, TEXT, UNSEEN
from tests.redaction_run import arrived_once, fate, sent

pytestmark = pytest.mark.collector


@pytest.fixture(scope="module")
def run() -> Iterator[Scoring]:
    with cleaning_collector(context("sandbox"), executable()) as found:
        yield found


@pytest.mark.parametrize("place", FORGED)
def test_a_forged_marker_opens_nothing(run: Scoring, place: str) -> None:
    found = sent(run, FORGED[place])
    assert arrived_once(found)
    assert {value: found.where(value) for value in SENSITIVE if value in found.readable} == {}
    assert "tinybeans.redaction" not in found.attributes()


@pytest.mark.parametrize("place", MARKED)
def test_no_marker_of_a_pseudonym_arrives_whoever_wrote_it(run: Scoring, place: str) -> None:
    found = sent(run, MARKED[place])
    assert arrived_once(found)
    assert found.where("hmac-of=") == []


@pytest.mark.parametrize(
    "name",
    [*ODD, *(pytest.param(name, marks=pytest.mark.xfail(strict=True, reason=reason)) for name, reason in GAPS.items())],
)
def test_an_odd_record_arrives_once_and_without_what_was_sensitive(run: Scoring, name: str) -> None:
    found = sent(run, {**ODD, **UNSEEN}[name])
    assert arrived_once(found)
    assert {value: found.where(value) for value in SENSITIVE if value in found.readable} == {}


@pytest.mark.parametrize("place", ["record", "resource", "scope"])
def test_a_name_that_stands_twice_hides_nothing(run: Scoring, place: str) -> None:
    made = request({"body": "b"})
    scoped = made.resource_logs[0].scope_logs[0]
    of_place = {"record": scoped.log_records[0], "resource": made.resource_logs[0].resource, "scope": scoped.scope}
    for name in ("note", "password", "", "tinybeans.redaction", "tinybeans.log.class"):
        for value in ("ok", TEXT, f"{TEXT} twice"):
            of_place[place].attributes.extend(pairs({name: value}))
    found = fate(run.carry(made.SerializeToString()))
    assert arrived_once(found)
    assert {value: found.where(value) for value in SENSITIVE if value in found.readable} == {}


@pytest.mark.parametrize("place", BROKEN_TEXT)
def test_bytes_that_are_not_utf_8_arrive_as_text_that_a_sink_takes(run: Scoring, place: str) -> None:
    payload = bytes(request(BROKEN_TEXT[place]).SerializeToString()).replace(b"####", b"\xff\xfe\xc3(")
    found = fate(run.carry(payload))
    assert arrived_once(found)
    assert {value: found.where(value) for value in SENSITIVE if value in found.readable} == {}


def stages() -> list[str]:
    """Return every processor between a door and the classes' own pipelines, but for the guard of memory."""
    whole = collector_config(context("sandbox"), load_fragments(ROOT / "collector_configs"))
    classes = policy().data_classes.classes
    found = cut_after_classes(whole, classes, receivers(), ends())["service"]["pipelines"]
    own = {f"logs/{name}" for name in classes} | {QUARANTINE}
    return [
        f"{pipeline} {processor}"
        for pipeline, parts in found.items()
        if pipeline not in own
        for processor in parts["processors"]
        if processor != "memory_limiter"
    ]


@pytest.mark.parametrize("stage", stages())
def test_without_any_one_stage_nothing_sensitive_is_delivered(stage: str, tmp_path: Any) -> None:
    whole = collector_config(context("sandbox"), load_fragments(ROOT / "collector_configs"))
    config = cut_after_classes(whole, policy().data_classes.classes, receivers(), ends())
    pipeline, _, processor = stage.partition(" ")
    config["service"]["pipelines"][pipeline]["processors"].remove(processor)
    with scoring_collector(executable(), config, tmp_path) as found:
        for name, parts in {**FORGED, **ODD}.items():
            # A schema address is emptied by one statement that cannot fail; no later stage looks at it.
            if "MB" in name or name == "schema urls":
                continue
            became = sent(found, parts)
            assert became.status == 200, name
            assert {value: became.where(value) for value in SENSITIVE if value in became.readable} == {}, name
            assert became.where("hmac-of=") == [], name
