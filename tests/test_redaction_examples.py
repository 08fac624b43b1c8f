"""The policy's own examples, in other text, in other spellings, and everywhere in a record: through the real stages."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from infra.policy.redaction import RedactionRule, compiled
from sandbox.score.collector import Scoring
from sandbox.score.run import cleaning_collector
from tests.collector_process import executable
from tests.factories import context, policy
from tests.redaction_run import arrived_once, explored, sensitive_parts, sent

pytestmark = pytest.mark.collector


@pytest.fixture(scope="module")
def run() -> Iterator[Scoring]:
    with cleaning_collector(context("sandbox"), executable()) as found:
        yield found


Embedding = Callable[[str], str]
PLAIN: dict[str, Embedding] = {
    "as it is": lambda text: text,
    "among words": lambda text: f"before {text}, after",
    "in brackets": lambda text: f"({text})",
    "quoted": lambda text: f'"{text}"',
    "printed": lambda text: f"args=({text!r},)",
    "between line ends": lambda text: f"one\r\n{text}\r\nthree",
    "between tabs": lambda text: f"one\t{text}\tthree",
    "printed bytes": lambda text: repr(text.encode()),
    "in JSON": lambda text: json.dumps({"x": text}),
    "in JSON in a sentence": lambda text: f"got {json.dumps({'x': text})} and went on",
    "in JSON in JSON": lambda text: json.dumps({"x": json.dumps({"y": text})}),
    "in JSON in JSON in JSON": lambda text: json.dumps({"x": json.dumps({"y": json.dumps({"z": text})})}),
}
LAYERS: dict[str, Embedding] = {
    **PLAIN,
    "in markup": lambda text: f"<b>{text}</b>",
    "in a pair of markup": lambda text: (
        json.dumps({"x": f"<i>{text}</i>"}).replace("<", "\\u003c").replace(">", "\\u003e")
    ),
    "in a cell": lambda text: f"|{text}|",
}
Place = Callable[[str], dict[str, Any]]
PLACES: dict[str, Place] = {
    "body": lambda text: {"body": text},
    "map body": lambda text: {"body": {"message": "m", "deep": {"er": [text]}}},
    "list body": lambda text: {"body": ["x", [text]]},
    "bytes body": lambda text: {"body": text.encode()},
    "line": lambda text: {"body": json.dumps({"message": text, "context": {"a": [{"b": text}]}})},
    "attribute": lambda text: {"body": "b", "attributes": {"note": text}},
    "nested attribute": lambda text: {"body": "b", "attributes": {"a": {"b": ["x", {"c": text}]}}},
    "bytes attribute": lambda text: {"body": "b", "attributes": {"note": text.encode()}},
    "exception": lambda text: {
        "body": "b",
        "attributes": {"exception.stacktrace": f"Traceback\n  x\nValueError: {text}"},
    },
    "event name": lambda text: {"body": "b", "event_name": text},
    "severity text": lambda text: {"body": "b", "severity_text": text},
    "resource": lambda text: {"body": "b", "resource": {"owner": text, "deep": {"er": [text]}}},
    "scope": lambda text: {"body": "b", "scope": {"name": text, "version": text, "attributes": {"a": [text]}}},
    "names": lambda text: {"body": "b", "attributes": {text: "v"}, "resource": {text: "v"}},
}
BY_PATTERN = [(rule, example) for rule in policy().redaction.rules if rule.pattern for example in rule.examples]
NOISE = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=20)


CHOSEN = st.sampled_from(BY_PATTERN)
SOME_PLACES = st.lists(st.sampled_from(sorted(PLACES)), min_size=1, max_size=3, unique=True)


def still_readable(run: Scoring, chosen: Any, text: str, places: list[str]) -> list[str]:
    """Return where what is sensitive in the example `chosen` can be read after `text` was sent in all of `places`."""
    parts: dict[str, Any] = {}
    for place in places:
        parts |= PLACES[place](text)
    found = sent(run, parts)
    assert arrived_once(found)
    readable = found.readable
    return [place for value in sensitive_parts(*chosen) if value in readable for place in found.where(value)]


@settings(explored, max_examples=400)
@given(chosen=CHOSEN, embedding=st.sampled_from(sorted(PLAIN)), places=SOME_PLACES, noise=NOISE)
def test_no_example_of_the_policy_can_be_read_whatever_is_around_it(
    run: Scoring, chosen: Any, embedding: str, places: list[str], noise: str
) -> None:
    # A list becomes JSON first: that is one wrapping in another, and the next test's matter.
    assume(not (embedding.startswith("between") and "list body" in places))
    text = PLAIN[embedding](chosen[1])
    assert still_readable(run, chosen, f"{noise} {text} {noise}", places) == [], (chosen[0].name, embedding, places)


USUAL = [rule for rule in policy().redaction.rules if rule.usual]


@pytest.mark.parametrize("rule", USUAL, ids=lambda rule: rule.name)
def test_every_example_is_masked_beside_one_in_the_usual_spelling(run: Scoring, rule: RedactionRule) -> None:
    usual = next(text for text in rule.examples if any(compiled(usual).search(text) for usual in rule.usual))
    for example in rule.examples:
        found = sent(run, {"body": f"{usual} then {example}", "attributes": {"note": example}})
        assert found.delivered == 1
        for value in sensitive_parts(rule, example):
            assert value not in found.readable, example


@pytest.mark.parametrize("embedding", PLAIN)
def test_an_example_among_other_text_is_masked_and_its_record_delivered(run: Scoring, embedding: str) -> None:
    for rule, example in BY_PATTERN:
        for place in ("body", "attribute", "line"):
            found = sent(run, PLACES[place](PLAIN[embedding](example)))
            assert (found.delivered, bool(found.masks)) == (1, True), (rule.name, place, found.attributes())


@settings(explored, max_examples=400)
@given(
    chosen=CHOSEN,
    layers=st.lists(st.sampled_from(sorted(LAYERS)), min_size=2, max_size=3),
    places=SOME_PLACES,
)
def test_no_example_of_the_policy_can_be_read_in_one_wrapping_in_another(
    run: Scoring, chosen: Any, layers: list[str], places: list[str]
) -> None:
    text = chosen[1]
    for layer in layers:
        text = LAYERS[layer](text)
    assert still_readable(run, chosen, text, places) == [], (chosen[0].name, layers, places)


def escaped(text: str) -> str:
    return "".join(item if item.isalnum() or item == " " else f"\\u{ord(item):04x}" for item in text)


ESCAPES: dict[str, Embedding] = {
    "percent-encoded": lambda text: f"next={quote(text, safe='')}",
    "percent-encoded twice": lambda text: f"next={quote(quote(text, safe=''), safe='')}",
    "unicode-escaped": escaped,
    "as HTML entities": lambda text: text.replace("@", "&#64;").replace(".", "&#46;").replace("=", "&#61;"),
    "with an invisible character": lambda text: f"{text[: len(text) // 2]}\u200b{text[len(text) // 2 :]}",
    "with a wide @": lambda text: text.replace("@", "\uff20"),
}
WRITTEN_PLAINLY = ("email", "jwt", "password", "one_time_code", "api_key", "token", "authorization", "cloud_key")
LIMITS = {
    "percent-encoded": "of a value that is percent-encoded as a whole, only what its own expression spells out is found",
    "percent-encoded twice": "of two layers of percent-encoding, only the @ of an address is known",
    "unicode-escaped": "of escaped signs, only @, =, & and those before a value are known",
    "as HTML entities": "of entities, only the @ of an address is known",
    "with an invisible character": "expressions find what is written, not what is shown",
    "with a wide @": "expressions find what is written, not what is shown",
}
FOUND_ALL_THE_SAME = (
    ("unicode-escaped", "authorization"),
    ("as HTML entities", "authorization"),
    ("as HTML entities", "jwt"),
)
"""Spellings in which every example of a rule is found."""


def spelt(escape: str, rule: str) -> list[tuple[RedactionRule, str]]:
    """Return the examples of a rule that the escape changes."""
    found = [(one, example) for one, example in BY_PATTERN if one.name == rule]
    return [(one, example) for one, example in found if ESCAPES[escape](example) != example]


@pytest.mark.parametrize(
    ("escape", "rule"),
    [
        pytest.param(
            escape,
            rule,
            marks=[]
            if (escape, rule) in FOUND_ALL_THE_SAME
            else [pytest.mark.xfail(strict=True, reason=f"{rule}: {LIMITS[escape]}", raises=AssertionError)],
        )
        for escape in ESCAPES
        for rule in WRITTEN_PLAINLY
        if spelt(escape, rule)
    ],
)
def test_no_value_can_be_read_that_was_escaped(run: Scoring, escape: str, rule: str) -> None:
    leaked = []
    for one, example in spelt(escape, rule):
        for place in ("body", "attribute", "line"):
            found = sent(run, PLACES[place](ESCAPES[escape](example)))
            if not arrived_once(found):
                raise LookupError("the record vanished")
            readable = found.readable
            leaked += [place for value in sensitive_parts(one, example) if value in readable]
    assert leaked == []
