"""The configuration on the real collector: what is sent by OTLP, and what arrives at the sinks.

One run serves every test: its policy is the repository's, and a rule for each thing that the policy does not use yet.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from infra.context import Context
from infra.policy.redaction import Action, RedactionRule
from sandbox.doubles.otlp_codec import LogRecord
from tests.collector_process import PEPPER, environment, executable
from tests.collector_run import Run, batch, collector_run, record, with_uid
from tests.factories import ROOT, STACKS, context, policy

pytestmark = pytest.mark.collector

RULES = policy().redaction.rules
SAMPLES = Path(os.environ.get("TINYBEANS_SAMPLES", ROOT.parent / "shared" / "samples")) / "tinybeans_app.jsonl"
EMAIL = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+\.[A-Za-z]{2,}")
TRACES = 300
MASK = re.compile(rf"\[(?:{'|'.join(rule.name for rule in RULES)}|kept_head|attribute_name|withheld)[:\]]")


def made_up(**values: Any) -> RedactionRule:
    texts = {"what": "A rule of the tests.", "why": "A reason of the tests.", "look_alikes": ["nothing"]}
    return RedactionRule.model_validate({**texts, **values})


EXTRA = (
    made_up(
        name="parcel", action="drop_record", pattern="PARCEL-[0-9]{4}", clues=["parcel-"], examples=["PARCEL-1234"]
    ),
    made_up(
        name="scratch",
        action="drop_attribute",
        keys=["scratch"],
        pattern="SCRATCH-[0-9]{4}",
        clues=["scratch-"],
        examples=["SCRATCH-1234"],
    ),
    made_up(
        name="kept_head",
        action="mask",
        pattern="(?P<keep>invite/)[a-z]{6}",
        clues=["invite/"],
        examples=["invite/abcdef"],
    ),
    made_up(
        name="clients_only",
        action="mask",
        pattern="BROWSER-[0-9]{4}",
        clues=["browser-"],
        classes=["client"],
        examples=["BROWSER-1234"],
    ),
)


def sandbox() -> Context:
    redaction = policy().redaction.model_copy(update={"rules": (*RULES, *EXTRA)})
    return Context(
        context("sandbox", destinations="cloudwatch,newrelic").settings, replace(policy(), redaction=redaction)
    )


def sensitive(rule: RedactionRule, example: str) -> str:
    """Return the part of an example that must not arrive."""
    if rule.pattern is None:
        return str(next(iter(json.loads(example).values())))
    found = re.search(rule.pattern, example)
    assert found is not None
    return found[0]


PLACES: dict[str, Any] = {
    "the body": lambda text: (record(text), {}),
    "the body as bytes": lambda text: (record(text.encode()), {}),
    "the body as a list": lambda text: (record([text, [text]]), {}),
    "the body as a map": lambda text: (record({"message": text, "deep": {"er": [text]}}), {}),
    "the message of a line": lambda text: (record(json.dumps({"message": text})), {}),
    "a nested value of a line": lambda text: (
        record(json.dumps({"message": "m", "context": {"a": [{"b": text}]}})),
        {},
    ),
    "an attribute": lambda text: (record("b", {"note": text}), {}),
    "a nested attribute": lambda text: (record("b", {"outer": {"inner": {"note": text}}}), {}),
    "a list attribute": lambda text: (record("b", {"notes": ["x", text, [text]]}), {}),
    "the event name": lambda text: (record("b", eventName=text), {}),
    "the severity text": lambda text: (record("b", severity=0, severityText=text), {}),
    "an attribute's name": lambda text: (record("b", {text: "v"}), {}),
    "the resource": lambda text: (record("b"), {"resource": {"owner": text, "deep": {"er": [text]}}}),
    "the scope's name": lambda text: (record("b"), {"scope": {"name": text, "version": text}}),
    "the scope's attributes": lambda text: (record("b"), {"scope": {"name": "s", "attributes": {"a": [text]}}}),
}
EXAMPLES = [(rule, at) for rule in (*RULES, *EXTRA[2:3]) for at in range(len(rule.examples))]
KEY_VALUES: dict[str, Any] = {
    "an attribute": lambda key: (record("b", {key: "Zaphod77"}), {}),
    "an attribute in capitals": lambda key: (record("b", {key.upper(): "Zaphod77"}), {}),
    "a nested attribute": lambda key: (record("b", {"a": {key: "Zaphod77"}}), {}),
    "a list": lambda key: (record("b", {"a": {key: ["Zaphod77", {"x": "Zaphod77"}]}}), {}),
    "a line": lambda key: (record(json.dumps({"message": "m", "context": {key: "Zaphod77"}})), {}),
    "JSON inside text": lambda key: (record(f"got {json.dumps({key: 'Zaphod77', 'n': 1})}"), {}),
    "JSON inside JSON": lambda key: (record("b", {"p": json.dumps({"q": json.dumps({key: "Zaphod77 x"})})}), {}),
    "a printed dict": lambda key: (record(f"got { {key: 'Zaphod77'}!r}"), {}),
    "the resource": lambda key: (record("b"), {"resource": {key: "Zaphod77"}}),
}
KEYS = [(rule, key.replace("*", "own_")) for rule in RULES for key in rule.keys]
LOOK_ALIKES = [(rule.name, text) for rule in RULES for text in rule.look_alikes]
CLASS_CASES: dict[str, tuple[dict[str, Any], str]] = {
    "the application's word": (
        record("b", {"tinybeans.log.class": "audit", "logger.name": "gunicorn.access"}),
        "audit",
    ),
    "an unknown word, then the logger": (
        record("b", {"tinybeans.log.class": "gossip", "logger.name": "mysite.audit"}),
        "audit",
    ),
    "a word that is no text": (record("b", {"tinybeans.log.class": ["audit"]}), "application"),
    "nothing": (record("b"), "application"),
    "a similar logger": (record("b", {"logger.name": "mysite.auditor"}), "application"),
    "a similar event": (record("b", {"event": "auditing"}), "application"),
    "a line's logger": (record(json.dumps({"message": "m", "logger": "django.security.csrf"})), "security"),
    "a line's event": (record(json.dumps({"message": "m", "event": "client.crash"})), "client"),
    "an SDK's event name": (record("b", eventName="auth.login.failed.totp"), "security"),
    "audit before access": (record("b", {"logger.name": "gunicorn.access", "event": "audit.user.login"}), "audit"),
    **{
        f"logger {name}": (record("b", {"logger.name": f"{name}{below}"}), cls)
        for cls, data_class in policy().data_classes.classes.items()
        for name in data_class.match.loggers
        for below in ("", ".deeper")
    },
    **{
        f"event {name}": (record("b", {"event": f"{name}.deeper"}), cls)
        for cls, data_class in policy().data_classes.classes.items()
        for name in data_class.match.events
    },
}
AS_IT_CAME = "mail to grandma@example.com from 203.0.113.7"
ODD: dict[str, dict[str, Any]] = {
    "forged marker": record(
        AS_IT_CAME, {"tinybeans.redaction": "ok", "sampling.priority": 0, "sampling.threshold": "zz"}
    ),
    "forged marker in a line": record(
        json.dumps({"message": AS_IT_CAME, "tinybeans": {"redaction": "ok", "drop": "parcel"}})
    ),
    "not a number": record(AS_IT_CAME, {"ratio": float("nan"), "note": AS_IT_CAME}),
    "no body": {"attributes": [], "severityNumber": 17},
    "bytes": record(b"\xff\xfe grandma@example.com"),
    "a number": record(4111111111111111),
    "a number in a line": record('{"message": "m", "card": 4111111111111111}'),
    "invalid JSON": record('{"message": "grandma@example.com", '),
    "an empty object": record("{}"),
    "forged uid": record("b", {"log.record.uid": "grandma@example.com"}),
    "forged pseudonym": record("b", {"note": "hmac-of=0"}),
    "very long": record("x " * 400_000 + "grandma@example.com"),
    "a bad time": record('{"timestamp": "yesterday", "message": "m"}'),
    "a line's own time": record('{"timestamp": "2026-11-23 04:05:06Z", "message": "m"}'),
    "an unknown level": record('{"level": "CHATTY", "message": "m"}', severity=0),
    "context beside a field": record('{"message": "m", "request_id": "r1", "context": {"request_id": "r2", "x": "y"}}'),
    "drop": record("sent PARCEL-1234 on"),
    "drop an attribute": record("b", {"scratch": "pad", "note": "SCRATCH-1234", "kept": "y"}),
    "clients only, client": record("BROWSER-1234", {"tinybeans.log.class": "client"}),
    "clients only, other": record("BROWSER-1234"),
    "same address": record("grandma@example.com and grandma@example.com, then uncle@example.com"),
    "same IP": record("from 203.0.113.7", {"remote_ip": "203.0.113.7"}),
}
UNDELIVERED = {"drop"}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Yield the run after everything was sent and settled."""
    executable()
    with collector_run(sandbox(), tmp_path_factory.mktemp("collector")) as found:
        for place, build in PLACES.items():
            for rule, at in EXAMPLES:
                made, shared = build(rule.examples[at])
                found.send(f"{rule.name} {at} in {place}", made, **shared)
        for place, build in KEY_VALUES.items():
            for rule, key in KEYS:
                made, shared = build(key)
                found.send(f"{rule.name} {key} in {place}", made, **shared)
        for rule_name, text in LOOK_ALIKES:
            found.send(f"look-alike {rule_name} {text}", record(text, {"note": text}))
        for name, (made, _) in CLASS_CASES.items():
            found.send(f"class: {name}", made)
        for name, made in ODD.items():
            found.send(name, made)
        found.send("a uid like a card", record("b"), uid="54617021-7372-4658-81f4-c89cd53ae3ca")
        found.send("contract", record(json.dumps({row["key"]: row["example"] for row in contract()}), severity=0))
        found.settle(len(found.sent) - len(UNDELIVERED))
        yield found


def contract() -> list[dict[str, Any]]:
    """Return the rows of the table in docs/logging-contract.md."""
    rows = re.findall(
        r"^\| `([^`]+)` \| (.+?) \| `(.+?)` \| `(.+?)` \|$", (ROOT / "docs" / "logging-contract.md").read_text(), re.M
    )
    return [
        {"key": key, "becomes": to.strip("`"), "example": json.loads(example), "reads": reads}
        for key, to, example, reads in rows
    ]


@pytest.mark.parametrize("stack", STACKS)
def test_the_collector_accepts_the_rendered_file(stack: str, tmp_path: Path) -> None:
    names = ("CLOUDWATCH_LOGS", "CLOUDWATCH_METRICS", "S3", "DATADOG", "DATADOG_METRICS", "NEWRELIC")
    variables = {f"SANDBOX_{name}": "http://127.0.0.1:1" for name in names} | {
        f"SANDBOX_{name}": "127.0.0.1:1" for name in ("OTLP_GRPC", "OTLP_HTTP", "HEALTH", "LOOPBACK")
    }
    variables |= {"SANDBOX_METRICS_PORT": "1", "SANDBOX_COUNTS_PORT": "1", "SANDBOX_DATA": str(tmp_path)}
    config = ROOT / "collector_configs" / "rendered" / f"{stack}.yaml"
    answer = subprocess.run(
        [str(executable()), "validate", f"--config={config}"],
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr[:2000]


@pytest.mark.parametrize("place", PLACES)
def test_every_example_of_the_policy_is_gone_wherever_it_stood(run: Run, place: str) -> None:
    for rule, at in EXAMPLES:
        arrived = run.one(f"{rule.name} {at} in {place}")
        # A name that only the policy's own pattern can judge is found by the second look, and withheld.
        expected = {"collector", "quarantine"} if place == "an attribute's name" else {"collector"}
        assert arrived.stream in expected, f"{rule.name} {at}: {arrived.record.attributes}"
        assert sensitive(rule, rule.examples[at]).lower() not in arrived.text.lower(), rule.name
        assert MASK.search(arrived.text), f"{rule.name} {at} is hidden, not masked: {arrived.text}"


@pytest.mark.parametrize("place", KEY_VALUES)
def test_every_value_under_a_sensitive_name_is_gone(run: Run, place: str) -> None:
    for rule, key in KEYS:
        arrived = run.one(f"{rule.name} {key} in {place}")
        assert arrived.stream == "collector", f"{key}: {arrived.record.attributes}"
        assert "Zaphod77" not in arrived.text, key


@pytest.mark.parametrize(("rule", "text"), LOOK_ALIKES)
def test_every_look_alike_arrives_as_it_was(run: Run, rule: str, text: str) -> None:
    arrived = run.one(f"look-alike {rule} {text}").record
    assert arrived.attributes["note"] == text
    if not text.startswith("{"):
        assert arrived.body == text


@pytest.mark.parametrize("name", CLASS_CASES)
def test_records_get_the_class_that_application_or_policy_says(run: Run, name: str) -> None:
    arrived = run.one(f"class: {name}")
    assert (arrived.cls, arrived.record.attributes["tinybeans.log.class"]) == (CLASS_CASES[name][1],) * 2


def own_time(found: LogRecord) -> str:
    """Return a record's own time, which CloudWatch's window may have moved by the day on which this test runs."""
    seconds, nanoseconds = divmod(found.time_unix_nano, 10**9)
    moved = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{nanoseconds:09d}Z"
    whole, _, fraction = (
        str(found.attributes.get("tinybeans.original_timestamp", moved)).removesuffix("Z").partition(".")
    )
    return f"{whole}.{fraction.rstrip('0')}".removesuffix(".")


@pytest.mark.parametrize("row", contract(), ids=lambda row: row["key"])
def test_a_line_becomes_what_the_contract_says(run: Run, row: dict[str, Any]) -> None:
    found = run.one("contract").record
    match row["becomes"]:
        case "time":
            assert own_time(found) == row["reads"].replace("+00:00", "")
        case "severity":
            assert (found.severity_text, found.severity_number) == (row["reads"], 13)
        case "body":
            assert found.body == row["reads"]
        case "trace id":
            assert found.trace_id == row["reads"]
        case "span id":
            assert found.span_id == row["reads"]
        case attribute:
            assert str(found.attributes[attribute]) == row["reads"]
            assert row["key"] == attribute or row["key"] not in found.attributes


def test_numbers_of_the_contract_are_numbers(run: Run) -> None:
    found = run.one("contract").record.attributes
    assert (found["http.response.status_code"], found["duration_ms"]) == (201, 12.5)


@pytest.mark.parametrize(
    "rule", [rule for rule in RULES if rule.action is Action.MASK and rule.keys], ids=lambda rule: rule.name
)
def test_a_mask_names_its_rule(run: Run, rule: RedactionRule) -> None:
    key = rule.keys[0].replace("*", "own_")
    found = run.one(f"{rule.name} {key} in an attribute").record.attributes
    assert found[key] == f"[{rule.name}]"


def pseudonym(text: str) -> str:
    digest = hashlib.sha256(text.encode()).hexdigest()
    return hmac.new(PEPPER.encode(), f"hmac-of={digest}".encode(), hashlib.sha256).hexdigest()[:24]


def test_a_pseudonym_is_a_keyed_hash_and_the_same_for_the_same_value(run: Run) -> None:
    grandma, uncle = pseudonym("grandma@example.com"), pseudonym("uncle@example.com")
    assert run.one("same address").record.body == f"[email:{grandma}] and [email:{grandma}], then [email:{uncle}]"


def test_an_address_has_one_pseudonym_in_text_and_under_its_name(run: Run) -> None:
    found, expected = run.one("same IP").record, f"[ip_address:{pseudonym('203.0.113.7')}]"
    assert (found.body, found.attributes["remote_ip"]) == (f"from {expected}", expected)


def test_another_pepper_makes_other_pseudonyms(tmp_path: Path) -> None:
    with collector_run(sandbox(), tmp_path, REDACTION_PEPPER=PEPPER[::-1]) as other:
        other.send("x", record("grandma@example.com"))
        other.settle(1)
        body = other.one("x").record.body
    assert re.fullmatch(r"\[email:[0-9a-f]{24}\]", body)
    assert pseudonym("grandma@example.com") not in body


@pytest.mark.parametrize(
    "name",
    [
        "forged marker",
        "forged marker in a line",
        "not a number",
        "bytes",
        "invalid JSON",
        "very long",
        "a number",
        "a number in a line",
    ],
)
def test_odd_records_arrive_without_what_was_sensitive(run: Run, name: str) -> None:
    arrived = run.one(name)
    assert not re.search("grandma@example|203.0.113.7|4111111111111111", arrived.text)
    assert not [
        key
        for key in arrived.record.attributes
        if key.startswith(("tinybeans.redaction", "tinybeans.drop", "tinybeans.text", "sampling."))
    ]


@pytest.mark.parametrize(
    ("name", "problem"), [("invalid JSON", "json"), ("a bad time", "timestamp"), ("very long", "truncated")]
)
def test_what_could_not_be_read_is_delivered_and_says_so(run: Run, name: str, problem: str) -> None:
    arrived = run.one(name)
    assert (arrived.stream, arrived.record.attributes["tinybeans.problem"]) == ("collector", problem)


def test_the_time_of_a_line_is_its_own_and_a_bad_one_is_the_time_of_observation(run: Run) -> None:
    assert own_time(run.one("a line's own time").record) == "2026-11-23T04:05:06"
    bad = run.one("a bad time").record
    assert bad.time_unix_nano == bad.observed_time_unix_nano > 0


def test_an_unknown_level_is_kept_as_text(run: Run) -> None:
    found = run.one("an unknown level").record
    assert (found.severity_number, found.severity_text, found.attributes["level"]) == (0, "", "CHATTY")


def test_a_field_of_the_line_wins_over_its_context(run: Run) -> None:
    found = run.one("context beside a field").record.attributes
    assert (found["request_id"], found["x"]) == ("r1", "y")


def test_a_record_without_a_body_arrives(run: Run) -> None:
    assert run.one("no body").stream == "collector"


def test_a_forged_uid_is_replaced(run: Run) -> None:
    assert not [
        item for item in run.cloudwatch.arrived if "grandma" in str(item.record.attributes.get("log.record.uid"))
    ]


def test_a_uid_that_looks_like_a_card_number_stays(run: Run) -> None:
    assert run.one("a uid like a card").stream == "collector"


def test_what_a_second_look_still_finds_is_withheld(run: Run) -> None:
    arrived = run.one("forged pseudonym")
    assert arrived.stream == "quarantine"
    assert arrived.cls == policy().data_classes.quarantine_class
    assert arrived.record.body == "[withheld]"
    assert arrived.record.attributes == {
        "log.record.uid": run.sent["forged pseudonym"],
        "tinybeans.log.class": "application",
        "tinybeans.quarantine.reason": "pseudonym",
    }
    assert arrived.record.resource == {"service.name": "web"}


def test_a_record_that_a_rule_drops_reaches_no_sink_and_is_counted(run: Run) -> None:
    assert not [
        item for item in run.cloudwatch.arrived if item.record.attributes.get("log.record.uid") == run.sent["drop"]
    ]
    counts = [
        run.collector.metric(f"otelcol_processor_{end}_items", processor="filter/parcel")
        for end in ("incoming", "outgoing")
    ]
    assert counts[0] - counts[1] == 1


def test_an_attribute_that_a_rule_drops_is_gone(run: Run) -> None:
    found = run.one("drop an attribute").record.attributes
    assert "scratch" not in found
    assert (found["note"], found["kept"]) == ("[scratch]", "y")


def test_a_rule_for_one_class_leaves_the_others_alone(run: Run) -> None:
    assert run.one("clients only, client").record.body == "[clients_only]"
    assert run.one("clients only, other").record.body == "BROWSER-1234"


def test_the_part_that_a_rule_keeps_stays_readable(run: Run) -> None:
    assert run.one("kept_head 0 in the body").record.body == "invite/[kept_head]"


def thinned() -> list[dict[str, Any]]:
    """Return, for each trace, two access records below WARN in one trace, and ones that must never be dropped."""
    found = []
    for number in range(TRACES):
        trace: dict[str, Any] = {"traceId": hashlib.md5(str(number).encode(), usedforsecurity=False).hexdigest()}
        access = {"logger.name": "gunicorn.access", "trace": str(number)}
        found += [record("first", access, severity=9, **trace), record("second", access, severity=5, **trace)]
        if number < 20:
            found += [
                record("untraced", access, severity=9),
                record("unknown severity", access, severity=0, **trace),
                record("warned", access, severity=13, **trace),
                record("failed", access, **trace),
                record("audited", {"logger.name": "mysite.audit"}, severity=1, **trace),
                record("suspicious", {"event": "security.x"}, severity=1, **trace),
            ]
    return found


@pytest.fixture(scope="module")
def sampled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Yield a run that was sent `thinned` records only and has been stopped, its queues empty."""
    with collector_run(sandbox(), tmp_path_factory.mktemp("sampled")) as found:
        sent = thinned()
        for at in range(0, len(sent), 200):
            found.collector.send(
                batch(
                    [with_uid(item, f"{at:08x}-0000-7000-8000-{n:012x}") for n, item in enumerate(sent[at : at + 200])]
                )
            )
        kept = sum(
            found.collector.metric("otelcol_processor_outgoing_items", processor=f"attributes/{cls}")
            for cls in policy().data_classes.classes
        )
        found.settle(int(kept))
        yield found


def test_whole_traces_are_kept_or_dropped(sampled: Run) -> None:
    by_trace = Counter(
        item.record.attributes["trace"]
        for item in sampled.cloudwatch.arrived
        if item.record.body in ("first", "second")
    )
    assert set(by_trace.values()) == {2}
    assert 0.35 * TRACES < len(by_trace) < 0.65 * TRACES


@pytest.mark.parametrize("body", ["untraced", "unknown severity", "warned", "failed", "audited", "suspicious"])
def test_nothing_else_is_ever_dropped(sampled: Run, body: str) -> None:
    assert len([item for item in sampled.cloudwatch.arrived if item.record.body == body]) == 20


def test_kept_records_say_how_many_they_stand_for(sampled: Run) -> None:
    counts = {
        item.record.body: item.record.attributes.get("sampling.adjusted_count") for item in sampled.cloudwatch.arrived
    }
    assert (counts["first"], counts["warned"], counts["audited"]) == (2.0, None, None)


def test_the_collectors_counters_account_for_every_record(sampled: Run) -> None:
    def items(end: str, processor: str) -> float:
        return sampled.collector.metric(f"otelcol_processor_{end}_items", processor=processor)

    sampler = "probabilistic_sampler/access-access_successes"
    dropped = items("incoming", sampler) - items("outgoing", sampler)
    sent, arrived = len(thinned()), len(sampled.cloudwatch.arrived)
    assert dropped > 0
    assert sent == arrived + dropped + items("incoming", "transform/withhold")
    assert items("incoming", "memory_limiter") == sent


def test_a_class_reaches_only_the_sinks_it_may(sampled: Run) -> None:
    assert {item.attributes["tinybeans.log.class"] for item in sampled.newrelic.records} == {"access"}


def test_the_archive_holds_the_same_records_partitioned_by_the_hour(sampled: Run) -> None:
    deadline = time.monotonic() + 25  # the archive's batches wait for ten seconds
    while sum(map(len, sampled.bucket.objects.values())) < len(sampled.cloudwatch.arrived):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    paths = list(sampled.bucket.objects)
    named = r"/[a-z0-9-]+/otlp/year=\d{4}/month=\d\d/day=\d\d/hour=\d\d/logs_[0-9a-f-]{36}\.json\.gz"
    assert [path for path in paths if not re.fullmatch(named, path)] == []
    for cls in ("access", "audit", "security"):
        bucket = context("sandbox").archive_bucket(cls)
        archived = {
            item.attributes["log.record.uid"]
            for path, records in sampled.bucket.objects.items()
            if path.startswith(f"/{bucket}/")
            for item in records
        }
        assert archived == {
            item.record.attributes["log.record.uid"] for item in sampled.cloudwatch.arrived if item.cls == cls
        }


def test_the_pepper_and_the_keys_are_not_in_what_the_collector_prints(run: Run) -> None:
    variables = {"SANDBOX_DATA": "/x", "SANDBOX_METRICS_PORT": "1", "SANDBOX_COUNTS_PORT": "1"} | {
        f"SANDBOX_{name}": "127.0.0.1:1" for name in ("OTLP_GRPC", "OTLP_HTTP", "HEALTH")
    }
    variables |= {
        f"SANDBOX_{name}": "http://127.0.0.1:1" for name in ("CLOUDWATCH_LOGS", "CLOUDWATCH_METRICS", "S3", "NEWRELIC")
    }
    answer = subprocess.run(
        [str(executable()), "print-config", f"--config={run.config}"],
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert answer.returncode == 0
    printed = answer.stdout + answer.stderr + run.collector.log.read_text()
    assert "hmac_key" in printed
    assert PEPPER not in printed
    assert "made-up-newrelic" not in printed


def test_the_collectors_own_log_repeats_nothing_of_the_records(run: Run) -> None:
    said = run.collector.log.read_text()
    assert not EMAIL.search(said)
    assert "Zaphod77" not in said


def test_acknowledged_records_outlive_a_killed_collector_and_a_sink_that_was_down(tmp_path: Path) -> None:
    with collector_run(sandbox(), tmp_path) as found:
        found.cloudwatch.stop()
        for number in range(50):
            found.send(f"r{number}", record("b", {"logger.name": "mysite.audit"}))
        found.flush()
        found.collector.process.kill()
        found.collector.process.wait()
        found.cloudwatch.start()
        with found.again():
            found.settle(50)
    assert {item.record.attributes["log.record.uid"] for item in found.cloudwatch.arrived} == set(found.sent.values())


@pytest.mark.skipif(
    not SAMPLES.exists(),
    reason="no sample lines: set TINYBEANS_SAMPLES to the directory that holds tinybeans_app.jsonl",
)
def test_no_address_in_the_sample_lines_of_the_application_arrives(tmp_path: Path) -> None:
    lines = SAMPLES.read_text().splitlines()
    assert sum(bool(EMAIL.search(line)) for line in lines) > 10
    with collector_run(sandbox(), tmp_path) as found:
        found.collector.send(batch([record(line, severity=0) for line in lines]))
        dropped = len(lines) - sum(
            found.collector.metric("otelcol_processor_outgoing_items", processor=f"attributes/{cls}")
            for cls in policy().data_classes.classes
        )
        found.settle(int(len(lines) - dropped))
        arrived = found.cloudwatch.arrived
    assert {item.stream for item in arrived} == {"collector"}
    assert dropped == 0, "the lines have no trace ids, and nothing without one is thinned out"
    assert [item.text for item in arrived if EMAIL.search(item.text)] == []
    assert {item.record.severity_text for item in arrived} == {"DEBUG", "INFO", "WARN", "ERROR"}
