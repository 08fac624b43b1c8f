"""The way from the doors to the classes as data: what is searched, redacted and looked at again, and in which order."""

import json
import re
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.context import Context
from infra.documents.collector import collector_config, load_fragments
from infra.documents.collector.clues import clues, led_by_literals
from infra.documents.collector.limit import ways
from infra.policy.redaction import RedactionRule
from tests.factories import ROOT, STACKS, context, policy

FRAGMENTS = load_fragments(ROOT / "collector_configs")
CLASSES = tuple(policy().data_classes.classes)
RULES = policy().redaction.rules


@cache
def config(stack: str = "prod") -> dict[str, Any]:
    return collector_config(context(stack), FRAGMENTS)


def statements(processor: str, place: str | None = None) -> list[str]:
    groups = config()["processors"][processor]["log_statements"]
    return [item for group in groups if place in (None, group["context"]) for item in group["statements"]]


def test_what_comes_in_is_normalised_classified_searched_and_judged_in_this_order() -> None:
    accept = config()["service"]["pipelines"]["logs/accept"]
    assert accept["processors"] == [
        "memory_limiter",
        "transform/normalise",
        "transform/classify",
        "transform/names",
        "redaction/pseudonyms",
        "transform/shared",
        "transform/scan",
        "redaction/gate",
        "transform/gate",
    ]
    assert [end for end in accept["exporters"] if end != "count/accepted"] == ["routing/gate"]


def test_what_the_gate_holds_back_is_redacted_searched_again_and_verified_in_this_order() -> None:
    assert config()["service"]["pipelines"]["logs/redact"] == {
        "receivers": ["routing/gate"],
        "processors": [
            "transform/redact",
            "redaction/pseudonyms",
            "transform/rescan",
            "redaction/again",
            "transform/verify",
        ],
        "exporters": ["routing/class"],
    }


@pytest.mark.parametrize("stack", STACKS)
def test_a_class_is_reached_through_the_two_routers_alone_and_quarantine_through_the_second_and_the_way_back(
    stack: str,
) -> None:
    pipelines = config(stack)["service"]["pipelines"]
    for name in CLASSES:
        assert pipelines[ways(policy())[name]]["receivers"] == ["routing/gate", "routing/class"]
        # Behind the rate limits of its services a class is reached through its first pipeline alone.
        if ways(policy())[name] != f"logs/{name}":
            assert pipelines[f"logs/{name}"]["receivers"] == [f"routing/limit-{name}", f"forward/{name}"]
    # What comes back from a spill and is of no known way is withheld too (docs/adr/0011).
    assert pipelines["logs/quarantine"]["receivers"] == ["routing/class", "routing/loopback"]


@pytest.mark.parametrize(
    ("router", "otherwise"), [("routing/gate", "logs/redact"), ("routing/class", "logs/quarantine")]
)
def test_a_record_that_is_not_marked_clean_takes_the_careful_way(router: str, otherwise: str) -> None:
    found = config()["connectors"][router]
    assert found["default_pipelines"] == [otherwise]
    assert all('attributes["tinybeans.redaction"] == "ok"' in row["condition"] for row in found["table"])
    assert [row["pipelines"] for row in found["table"]] == [[ways(policy())[name]] for name in CLASSES]


def test_a_marker_that_a_client_forges_is_overwritten_before_anything_else_is_known_of_the_record() -> None:
    first = config()["processors"]["transform/normalise"]["log_statements"][0]
    assert "conditions" not in first
    assert first["statements"][-1] == 'set(log.attributes["tinybeans.redaction"], "pending")'
    assert statements("transform/rescan", "log")[1] == 'set(log.attributes["tinybeans.redaction"], "pending")'


def test_a_record_is_marked_clean_in_two_places_and_in_each_as_the_last_thing() -> None:
    marking = {
        name: [
            group
            for group in item["log_statements"]
            if any('redaction"], "ok")' in line for line in group["statements"])
        ]
        for name, item in config()["processors"].items()
        if "log_statements" in item
    }
    assert {name: len(groups) for name, groups in marking.items() if groups} == {
        "transform/gate": 1,
        "transform/verify": 2,
    }
    for groups in marking.values():
        for group in groups:
            assert 'redaction"], "ok")' in group["statements"][-1]
            assert "conditions" in group


def test_the_gate_lets_nothing_pass_whose_text_the_search_changed_or_whose_resource_or_scope_is_in_doubt() -> None:
    (condition,) = config()["processors"]["transform/gate"]["log_statements"][0]["conditions"]
    for part in (
        'Index(body, "****") == Len(body) - 4',
        "IsString(body)",
        'resource.attributes["tinybeans.shared"] == "ok"',
        'instrumentation_scope.attributes["tinybeans.shared"] == "ok"',
    ):
        assert part in condition
    assert " or " not in condition


def test_the_search_looks_for_every_clue_and_touches_no_attribute() -> None:
    search = config()["processors"]["redaction/gate"]
    assert {clue.replace("$", "$$") for clue in clues(RULES)} <= set(search["blocked_values"])
    assert search["ignored_key_patterns"] == ["^"], "matches every name"
    assert (search["allow_all_keys"], search["summary"]) == (True, "silent")


@given(st.sampled_from(["[2-6][0-9]{3} x", "[0-9]{4}-[0-9]", "[13][0-9]{2}"]), st.data())
def test_a_clue_led_by_digits_is_found_by_one_of_the_clues_that_take_its_place(clue: str, data: st.DataObject) -> None:
    text = data.draw(st.from_regex(clue, fullmatch=True))
    found = led_by_literals(clue)
    assert any(re.search(item, text) for item in found)
    assert all(item[0].isdigit() for item in found)


@pytest.mark.parametrize(
    ("clue", "tried"),
    [
        ("authorization[=:]", "zation[=:]"),
        ("token[=:]", "token[=:]"),
        ("gps", "gps"),
        ("jpe?g", "jpe?g"),
        ("assx?word", "assx?word"),
    ],
)
def test_a_clue_is_looked_for_from_its_rarest_letter_on(clue: str, tried: str) -> None:
    assert led_by_literals(clue) == [tried]


@pytest.mark.parametrize("clue", sorted({clue for rule in RULES for clue in rule.clues}))
def test_what_is_tried_in_place_of_a_clue_is_found_wherever_the_clue_is(clue: str) -> None:
    @given(st.from_regex(re.compile(clue, re.ASCII)))
    def found(text: str) -> None:
        assert any(re.search(item, text, re.ASCII) for item in led_by_literals(clue))

    found()


@given(st.sampled_from(["[2-6][0-9]{3} x", "[0-9]{4}-[0-9]", "[13][0-9]{2}"]), st.data())
def test_what_takes_a_clues_place_finds_nothing_else(clue: str, data: st.DataObject) -> None:
    text = data.draw(st.from_regex(data.draw(st.sampled_from(led_by_literals(clue))), fullmatch=True))
    assert re.fullmatch(clue, text)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
@pytest.mark.parametrize("place", ["log", "resource", "scope"])
def test_every_rule_is_applied_to_records_resources_and_scopes(rule: RedactionRule, place: str) -> None:
    named = [
        item for item in statements("transform/redact", place) if f"[{rule.name}]" in item or f"[{rule.name}:" in item
    ]
    # By its exact names, by names that only a pattern knows, and in text for each kind of quotation mark.
    exact = sum(f"[{rule.name}" in item for item in statements("transform/names", "log")) if place == "log" else 0
    by_name, in_text = 2 * bool(rule.keys), 2 * bool(rule.keys)
    assert len(named) + exact == by_name + in_text + len(rule.usual) + bool(rule.pattern)


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.usual], ids=lambda rule: rule.name)
def test_usual_spellings_come_before_the_pattern_and_its_clues_are_asked_of_what_they_left(rule: RedactionRule) -> None:
    found = statements("transform/redact", "log")
    at = [number for number, item in enumerate(found) if f'cache["usual {rule.name}"]' in item]
    laid_out = max(at)
    assert at == list(range(at[0], laid_out + 1))
    assert found[laid_out].startswith('set(cache["low"], ToLowerCase(')
    assert f"[{rule.name}]" in found[laid_out + 1]
    assert f'cache["usual {rule.name}"]' not in found[laid_out + 1]


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.pattern], ids=lambda rule: rule.name)
def test_every_pattern_is_looked_for_again_at_the_end(rule: RedactionRule) -> None:
    again = [
        item for item in statements("transform/verify") if item.startswith(f'set(log.cache["reason"], "{rule.name}")')
    ]
    assert len(again) == 1


def test_a_new_rule_reaches_the_configuration() -> None:
    rule = RedactionRule.model_validate(
        {
            "name": "passport",
            "what": "Passport numbers of people.",
            "why": "Personal data of families.",
            "action": "drop_record",
            "pattern": "PASS-(?P<digits>[0-9]{6})$",
            "clues": ["pass-[0-9]"],
            "examples": ["PASS-123456"],
            "look_alikes": ["PASS-12"],
        }
    )
    redaction = policy().redaction.model_copy(update={"rules": (*RULES, rule)})
    changed = Context(context().settings, replace(policy(), redaction=redaction))
    found = collector_config(changed, FRAGMENTS)
    assert found["service"]["pipelines"]["logs/redact"]["processors"][-1] == "filter/passport"
    assert "pass-[0-9]" in found["processors"]["redaction/gate"]["blocked_values"]
    text = json.dumps(found["processors"]["transform/redact"])
    assert "{6})$$" in text, "a dollar sign is doubled: the collector expands variables first"
