"""The score of redaction: what counts as readable, as a leak, as an extra mask; which files it takes; what it prints."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from typer.testing import CliRunner

from infra.documents.collector import collector_config, load_fragments
from infra.problems import InputError
from sandbox.score import __main__ as command
from sandbox.score.cleaning import QUARANTINE, Ends, cut_after_classes, stock
from sandbox.score.collector import Carried
from sandbox.score.judge import Fate, Judge, Verdict
from sandbox.score.labelled import Labelled, read_labelled
from sandbox.score.otlp import request, texts
from sandbox.score.readable import Readable
from sandbox.score.score import added_up
from sandbox.score.structured import payloads
from sandbox.score.throughput import Pace, Throughput
from tests.collector_process import executable
from tests.factories import ROOT, context, policy

JUDGE = Judge.of(policy().redaction)
MAIL = "grandma@example.com"
SPELLINGS = {
    "as it is": MAIL,
    "in capitals": MAIL.upper(),
    "percent-encoded": quote(MAIL, safe=""),
    "percent-encoded twice": quote(quote(MAIL, safe=""), safe=""),
    "each character percent-encoded": "".join(f"%{ord(item):02X}" for item in MAIL),
    "unicode-escaped": "".join(f"\\u{ord(item):04x}" for item in MAIL),
    "unicode-escaped in JSON in JSON": json.dumps(json.dumps(MAIL).replace("@", "\\u0040")),
    "as HTML entities": MAIL.replace("@", "&#64;").replace(".", "&period;"),
    "with an invisible character": MAIL.replace("@", "\u200b@"),
    "with a wide @": MAIL.replace("@", "\uff20"),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_value_is_readable_however_it_is_spelt(spelling: str) -> None:
    assert MAIL in Readable([f"mail to {SPELLINGS[spelling]} failed"])


def test_a_value_across_two_texts_is_not_readable() -> None:
    assert MAIL not in Readable(["grandma", "@example.com"])


@pytest.mark.parametrize(
    ("text", "found"), [("otp 4928 sent", True), ("id 149281", False), ("a4928", False), ("otp=4928", True)]
)
def test_a_short_value_is_readable_only_where_it_stands_alone(text: str, found: bool) -> None:
    assert ("4928" in Readable([text])) is found


def test_texts_are_found_in_every_field_of_a_request() -> None:
    fields = {
        "body": {"a": ["t0", {"t1": b"t2"}]},
        "attributes": {"t3": "t4", "n": 55},
        "resource": {"t6": ["t7"]},
        "scope": {"name": "t8", "version": "t9", "attributes": {"t10": "t11"}},
        "event_name": "t12",
        "severity_text": "t13",
        "resource_schema_url": "t14",
        "scope_schema_url": "t15",
    }
    found = {item.text for item in texts(request(fields))}
    assert {f"t{number}" for number in range(16) if number != 5} | {"55"} <= found


def line(text: Any, *labels: tuple[str, str], harmless: tuple[str, ...] = ()) -> Labelled:
    sensitive = [{"value": value, "rule": rule} for value, rule in labels]
    plain = text if isinstance(text, str) else json.dumps(text)
    return Labelled.model_validate({"id": "x", "line": plain, "sensitive": sensitive, "harmless": list(harmless)})


def judged(sent: Labelled, *, quarantined: bool = False, **arrived: Any) -> Verdict:
    """Return the verdict where `arrived` (parts of a record) is what the sink got; nothing, if empty."""
    requests = [request(arrived)] if arrived else []
    return JUDGE.verdict(sent, Carried(200, "", [] if quarantined else requests, requests if quarantined else []))


MAILED = line({"message": f"mail to {MAIL} failed", "user_id": 42}, (MAIL, "email"), harmless=("mail to", "42"))


def test_a_masked_value_counts_for_its_rule() -> None:
    found = judged(MAILED, body="mail to [email:0123456789abcdef01234567] failed", attributes={"user_id": "42"})
    assert (found.fates, found.masks, found.extra) == ((("email", Fate.MASKED),), Counter(email=1), Counter())
    assert (found.leaks, found.harmless, found.gone) == ((), 2, 0)


def test_a_leak_names_places_and_no_value() -> None:
    found = judged(MAILED, body="mail to [email] failed", attributes={"note": MAIL.upper(), MAIL: "v"})
    assert found.fates == (("email", Fate.LEAKED),)
    assert [leak.places for leak in found.leaks] == [("attribute", "attribute key")]
    assert MAIL not in repr(found)


def test_a_mask_of_another_rule_hides_a_value_too_and_is_not_extra() -> None:
    found = judged(MAILED, body="mail to [personal_name] failed", attributes={"user_id": "42"})
    assert (found.fates, found.extra) == ((("email", Fate.BY_ANOTHER),), Counter())


@pytest.mark.parametrize(
    ("body", "extra"),
    [
        ("[password] to [email] failed", Counter(password=1)),
        ("mail to [email] [password]", Counter(password=1)),
        ("mail [email] failed", Counter()),
        ("[password]", Counter()),
    ],
)
def test_a_mask_is_extra_where_nothing_labelled_stood(body: str, extra: Counter[str]) -> None:
    assert judged(MAILED, body=body, attributes={"user_id": "42"}).extra == extra


def test_a_mask_over_a_harmless_field_is_extra_and_its_text_is_gone() -> None:
    found = judged(MAILED, body="mail to [email] failed", attributes={"user_id": "[phone]"})
    assert (found.extra, found.gone) == (Counter(phone=1), 1)


def test_a_withheld_record_is_no_leak_and_no_success() -> None:
    found = judged(MAILED, quarantined=True, body="[withheld]")
    assert (found.fates, found.quarantined, found.gone) == ((("email", Fate.WITHHELD),), True, 2)


def test_a_value_that_vanished_without_a_mask_is_lost() -> None:
    assert judged(MAILED, body="mail to", attributes={"user_id": "42"}).fates == (("email", Fate.LOST),)


HARMLESS = line(
    {
        "timestamp": "2026-11-23T03:54:40+00:00",
        "level": "INFO",
        "logger": "a.b",
        "message": "kept",
        "n": 1.0,
        "c": [True],
    }
)


@pytest.mark.parametrize(
    ("arrived", "why"),
    [
        ({"body": "kept", "attributes": {"logger.name": "a.b", "n": "1", "c.0": "true"}}, ()),
        ({"body": "kept", "attributes": {"logger.name": "a.b", "n": 1.0, "c": [True]}}, ()),
        ({"body": "[email]", "attributes": {"logger.name": "a.b", "n": "1", "c.0": "true"}}, ("mask email",)),
        ({"body": "kept", "attributes": {"logger.name": "a.b", "c.0": "true"}}, ("changed",)),
        ({"body": "kep", "attributes": {"logger.name": "a.b", "n": "1", "c.0": "true"}}, ("changed",)),
        ({}, ("dropped",)),
    ],
)
def test_a_harmless_line_is_touched_by_a_mask_a_change_or_a_loss(arrived: dict[str, Any], why: tuple[str, ...]) -> None:
    assert judged(HARMLESS, **arrived).touched == why


def test_a_harmless_line_is_touched_when_it_is_withheld() -> None:
    assert judged(HARMLESS, quarantined=True, body="[withheld]").touched == ("withheld",)


def test_rates_are_shares_of_labels_and_of_masks() -> None:
    clean = judged(MAILED, body="mail to [email] failed", attributes={"user_id": "42"})
    leaky = judged(MAILED, body=f"mail to {MAIL} [email]", attributes={"user_id": "[email]"})
    withheld = judged(MAILED, quarantined=True, body="[withheld]")
    found = added_up([clean, leaky, withheld, judged(HARMLESS, body="[phone]")], ["email", "phone"])
    email, phone = found.rules
    assert (email.labels, email.leak_rate, email.recall) == (3, 1 / 3, 1 / 3)
    assert (email.masks, email.extra, phone.precision) == (3, 2, 0.0)
    assert (found.harmless_lines, found.touched_share, found.quarantined) == (1, 1.0, 1)
    assert len(found.broken) == 2
    assert (
        added_up([clean, judged(HARMLESS, body="kept", attributes={"l": "a.b", "n": "1", "c": "true"})], []).broken
        == ()
    )


BAD: dict[str, tuple[str, str]] = {
    "no JSON": ('{"id": "a", "line": "Zaphod77"', "not JSON"),
    "an unknown key": ('{"id": "a", "line": "Zaphod77", "rule": "Zaphod77"}', "rule: unknown key"),
    "neither line nor record": ('{"id": "a"}', "exactly one of line and record"),
    "both": ('{"id": "a", "line": "Zaphod77", "record": {"body": "Zaphod77"}}', "exactly one of line and record"),
    "a value that is not there": (
        '{"id": "a", "line": "x", "sensitive": [{"value": "Zaphod77", "rule": "email"}]}',
        "sensitive.0: the value does not stand in the line",
    ),
    "a harmless text that is not there": (
        '{"id": "a", "line": "x", "harmless": ["Zaphod77"]}',
        "harmless.0: the text does not stand in the line",
    ),
    "a bad rule name": (
        '{"id": "a", "line": "Zaphod77", "sensitive": [{"value": "Zaphod77", "rule": "Zaphod 77"}]}',
        "sensitive.0.rule",
    ),
    "a number as line": ('{"id": "a", "line": 7707}', "line: "),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_line_is_refused_with_its_place_and_without_its_value(what: str, tmp_path: Path) -> None:
    text, expected = BAD[what]
    path = tmp_path / "own.jsonl"
    path.write_text(f'{{"id": "first", "line": "fine"}}\n\n{text}\n')
    with pytest.raises(InputError) as raised:
        read_labelled(path)
    assert f"{path}:3: " in str(raised.value)
    assert expected in str(raised.value)
    assert "Allowed: " in str(raised.value)
    assert not re.search("Zaphod|7707", str(raised.value))


def test_ids_that_stand_twice_an_empty_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    doubled, empty = tmp_path / "doubled.jsonl", tmp_path / "empty.jsonl"
    doubled.write_text('{"id": "a", "line": "x"}\n' * 2)
    empty.write_text("\n")
    for path, expected in ((doubled, "stand twice"), (empty, "no lines"), (tmp_path / "none", "No such file")):
        with pytest.raises(InputError, match=expected):
            read_labelled(path)


def test_a_label_may_stand_in_the_line_in_any_spelling() -> None:
    line(f"next={quote(MAIL, safe='')}", (MAIL, "email"))
    line({"message": "m", "n": 52.520008}, ("52.520008", "location"))


def test_everything_between_door_and_class_pipelines_stays() -> None:
    whole = collector_config(context("sandbox"), load_fragments(ROOT / "collector_configs"))
    classes = policy().data_classes.classes
    found = cut_after_classes(whole, classes, {"otlp": {}}, Ends({"debug/a": {}}, {"debug/b": {}}))
    before, after = whole["service"]["pipelines"], found["service"]["pipelines"]
    # Where services of a class have a rate limit, its records come to another pipeline first.
    own = {first if (first := f"logs/thin-{name}") in before else f"logs/{name}" for name in classes} | {QUARANTINE}
    assert own < set(after)
    assert {name: after[name]["processors"] for name in after if name not in own} == {
        name: before[name]["processors"] for name in after if name not in own
    }
    assert {name: after[name]["exporters"] for name in own} == {
        name: ["debug/b"] if name == QUARANTINE else ["debug/a"] for name in own
    }
    used = {item for parts in after.values() for item in parts["processors"]}
    assert {name: whole["processors"][name] for name in used} == found["processors"]
    assert not [name for name in used if "sampl" in name]


def test_the_stock_processor_is_given_every_pattern_and_every_name() -> None:
    found = stock(policy().redaction, {"otlp": {}}, {"debug": {}})["processors"]["redaction"]
    rules = policy().redaction.rules
    assert len(found["blocked_values"]) == sum(rule.pattern is not None for rule in rules)
    assert len(found["blocked_key_patterns"]) == sum(len(rule.keys) for rule in rules)
    assert "hash_function" not in found


def test_lines_become_records_as_an_sdk_sends_them() -> None:
    sent = {
        "timestamp": "2026-11-23T03:54:40.133106+00:00",
        "level": "WARNING",
        "logger": "a.b",
        "message": "m",
        "service": "web",
        "trace_id": "5b8efff798038103d269b633813fc60c",
        "context": {"n": 1},
    }
    (payload,) = payloads([json.dumps(sent)])
    found = ExportLogsServiceRequest.FromString(payload)
    (record,) = found.resource_logs[0].scope_logs[0].log_records
    assert (record.body.string_value, record.severity_number, record.severity_text) == ("m", 13, "WARNING")
    assert (record.time_unix_nano, record.trace_id.hex()) == (1795406080133106000, sent["trace_id"])
    assert {item.key for item in record.attributes} == {"logger.name", "n"}
    assert len(payloads(["{}"] * 250)) == 3


def test_the_bars_of_throughput_name_what_is_too_slow() -> None:
    fast = [Pace(door, gogc, [20_000.0], [4_000.0]) for door in ("OTLP", "file_log") for gogc in (100, 400)]
    slow = [
        Pace(door, gogc, [9_000.0, 9_100.0], [4_000.0, 4_000.0]) for door in ("OTLP", "file_log") for gogc in (100,)
    ]
    assert Throughput("x", tuple(fast)).broken == ()
    assert len(Throughput("x", tuple(slow)).broken) == 3


@pytest.mark.collector
def test_the_command_prints_ids_and_rules_and_never_a_value(tmp_path: Path) -> None:
    executable()
    path = tmp_path / "own.jsonl"
    rows = [
        {"id": "caught", "line": f"mail to {MAIL}", "sensitive": [{"value": MAIL, "rule": "email"}]},
        {"id": "missed", "line": "call Zaphod", "sensitive": [{"value": "Zaphod", "rule": "nickname"}]},
        {"id": "harmless", "line": json.dumps({"level": "info", "message": "photo stored"}), "harmless": ["photo"]},
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    answers = [
        CliRunner().invoke(command.app, ["--labelled", str(path), "--no-throughput", *more])
        for more in ([], ["--json"])
    ]
    assert [answer.exit_code for answer in answers] == [command.EXIT_BAR_BROKEN] * 2
    for answer in answers:
        assert "missed" in answer.output
        assert not re.search("Zaphod|grandma", answer.output)
    found = json.loads(answers[1].stdout)
    assert found["leaks"] == [{"id": "missed", "rule": "nickname", "places": ["body"]}]
    assert (found["total"]["recall"], found["harmless_lines_touched"]) == (0.5, [])
    assert {row["rule"]: row["masks"] for row in found["rules"]}["email"] == 1


def test_bad_input_ends_the_command_with_status_2(tmp_path: Path) -> None:
    answer = CliRunner().invoke(command.app, ["--labelled", str(tmp_path / "none"), "--no-throughput"])
    assert answer.exit_code == command.EXIT_BAD_INPUT
