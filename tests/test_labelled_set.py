"""The policy finds every labelled value and leaves everything harmless alone; the set itself is large and honest."""

import json
import random
import uuid
from collections import Counter

import pytest

from infra.policy.redaction import compiled
from tests.factories import policy
from tests.labelled_set import DIRECTORY, Labelled, labelled, redacted

FILES = sorted(path.name for path in DIRECTORY.glob("*.jsonl"))
EVERYTHING = [item for file in FILES for item in labelled(file)]


@pytest.mark.parametrize("file", FILES)
def test_labelled_lines_are_redacted_where_they_must_be_and_nowhere_else(file: str) -> None:
    found = {item.name: _wrong(item, redacted(item.fields())) for item in labelled(file)}
    assert {name: wrong for name, wrong in found.items() if wrong != ([], [])} == {}


def _wrong(item: Labelled, after: str) -> tuple[list[str], list[str]]:
    """Return what is left of the sensitive values, and what is lost of the harmless texts."""
    left = [f"{rule}: {value}" for value, rule in item.sensitive if value in after]
    return left, [text for text in item.harmless if text not in after]


@pytest.mark.parametrize("file", FILES)
def test_labels_name_what_stands_there(file: str) -> None:
    for item in labelled(file):
        texts = "\n".join(f"{name}\t{text}" for name, text in item.fields().items())
        assert [value for value, _ in item.sensitive if value not in texts] == [], item.name
        assert [text for text in item.harmless if text not in texts] == [], item.name
        assert {rule for _, rule in item.sensitive} <= {rule.name for rule in policy().redaction.rules}


@pytest.mark.parametrize("file", FILES)
def test_what_a_rule_finds_in_a_value_it_finds_in_the_value_as_json(file: str) -> None:
    rules = [rule for rule in policy().redaction.rules if rule.pattern is not None]
    texts = {text for item in labelled(file) for text in item.fields().values()}
    texts |= {text for rule in rules for text in rule.examples}
    for rule in rules:
        pattern = compiled(rule.pattern or "")
        for text in filter(pattern.search, texts):
            scanned = _as_the_collector_writes_it(["first", text, "last"])
            assert pattern.search(scanned), f"{rule.name}: {scanned}"
            assert rule.suspects(scanned), f"{rule.name}: {scanned}"


def _as_the_collector_writes_it(values: list[str]) -> str:
    """Return a JSON list with `&`, `<` and `>` escaped (Go, encoding/json, HTMLEscape)."""
    text = json.dumps(values, ensure_ascii=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def test_the_set_is_large_and_no_rule_is_forgotten() -> None:
    assert len(EVERYTHING) >= 600
    assert len(labelled("heldout.jsonl")) >= 80
    assert len([item for item in EVERYTHING if not item.sensitive]) >= 200
    counted = Counter(rule for item in EVERYTHING for rule in {rule for _, rule in item.sensitive})
    assert [rule.name for rule in policy().redaction.rules if counted[rule.name] < 15] == []
    assert len({item.name for item in EVERYTHING}) == len(EVERYTHING)


def test_identifiers_and_numbers_of_machines_stay_readable() -> None:
    dice = random.Random(7)  # noqa: S311
    made = [
        text
        for _ in range(4_000)
        for text in (
            str(uuid.UUID(int=dice.getrandbits(128), version=4)),
            f"{dice.getrandbits(128):032x}",
            f"{dice.random():.19f}s",
            repr(dice.random() * 10),
        )
    ]
    lines = [json.dumps({"message": " ".join(made[at : at + 40])}) for at in range(0, len(made), 40)]
    assert [line for line in lines if redacted({"": line}) != f"\t{line}"] == []


def test_no_dashed_uuid_passes_for_a_payment_card() -> None:
    card = compiled(next(rule.pattern for rule in policy().redaction.rules if rule.name == "payment_card") or "")
    dice = random.Random(7)  # noqa: S311
    assert card.search("card 4111-1111-1111-1111 declined")
    made = (str(uuid.UUID(int=dice.getrandbits(128), version=4)) for _ in range(200_000))
    assert [text for text in made if card.search(text)] == []
