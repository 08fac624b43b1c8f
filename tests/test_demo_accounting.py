"""The demo's sums hold only when the collector's counters and the sinks' contents tell the same story."""

from dataclasses import replace

import pytest

from sandbox.demo.accounting import Accounts, Counted, accounts
from sandbox.demo.arrivals import Arrived
from sandbox.demo.redactions import before_and_after
from sandbox.demo.run import destinations_from
from sandbox.demo.sensitive import Sensitive, found_by_policy, leaks
from sandbox.demo.traffic import Sent
from tests.factories import policy

ALLOWED = {"audit": ("archive", "cloudwatch"), "access": ("archive", "cloudwatch", "newrelic")}
SENT = [Sent(f"u{n}", "{}") for n in range(6)]
COUNTED = Counted({"audit": 2, "access": 3}, {"audit": 2, "access": 2}, {("access", "successes"): 1}, 1)


def at(sink: str, cls: str, uid: str, place: str = "x") -> Arrived:
    return Arrived(sink, place, cls, uid, "", "")


ARRIVED = [
    *(at(sink, "audit", uid) for sink in ("archive", "cloudwatch") for uid in ("u0", "u1")),
    *(at(sink, "access", uid) for sink in ("archive", "cloudwatch", "newrelic") for uid in ("u2", "u3")),
    at("cloudwatch", "", "u5", "/tinybeans/x:quarantine"),
]


def run(sent: list[Sent] = SENT, counted: Counted = COUNTED, arrived: list[Arrived] = ARRIVED) -> Accounts:
    return accounts(sent, counted, arrived, ALLOWED, "quarantine")


def broken(result: Accounts) -> list[str]:
    return [check.what for check in result.checks if not check.holds]


def test_a_run_in_which_everything_is_accounted_for_balances() -> None:
    assert broken(run()) == []


def test_the_table_says_where_each_class_arrived_and_why_records_were_dropped() -> None:
    access = run().rows[1]
    assert access.arrived == {"archive": 2, "cloudwatch": 2, "newrelic": 2}
    assert access.dropped == {"successes": 1}
    assert run().rows[0].arrived["newrelic"] is None


@pytest.mark.parametrize("lost", range(len(ARRIVED)))
def test_one_record_missing_at_one_sink_breaks_a_sum(lost: int) -> None:
    assert broken(run(arrived=[*ARRIVED[:lost], *ARRIVED[lost + 1 :]]))


def test_a_record_nobody_classified_breaks_a_sum() -> None:
    assert broken(run(sent=[*SENT, Sent("u6", "{}")])) == [
        "acknowledged = classified + quarantined + dropped by redaction"
    ]


def test_a_drop_that_was_not_counted_breaks_a_sum() -> None:
    assert broken(run(counted=replace(COUNTED, dropped={}))) == ["access: accepted = kept + dropped"]


def test_a_record_at_a_sink_its_class_may_not_reach_breaks_a_sum() -> None:
    assert "records of a class at a sink it may not reach" in broken(
        run(arrived=[*ARRIVED, at("newrelic", "audit", "u0")])
    )


def test_a_record_that_was_never_sent_breaks_a_sum() -> None:
    found = broken(run(arrived=[*ARRIVED, at("archive", "audit", "stranger")]))
    assert "records that arrived and were never sent" in found


def test_a_record_in_two_classes_breaks_a_sum() -> None:
    found = broken(run(arrived=[*ARRIVED, at("archive", "access", "u0")]))
    assert "records that arrived in two classes" in found


def test_a_duplicate_is_reported_and_breaks_nothing() -> None:
    result = run(arrived=[*ARRIVED, ARRIVED[0]])
    assert result.duplicates == 1
    assert result.balanced


@pytest.mark.parametrize(
    "stored",
    [
        "to a&b@example.com",
        '{"m": "to a\\u0026b@example.com"}',
        "next=a%26b%40example.com",
        '"{\\"m\\": \\"a&b@example.com\\"}"',
    ],
)
def test_a_leak_is_found_however_the_sink_escaped_it(stored: str) -> None:
    assert [leak.kind for leak in leaks([Sensitive("email", "a&b@example.com")], {"sink": stored})] == ["email"]


def test_a_leak_never_shows_the_value() -> None:
    found = leaks([Sensitive("email", "a@example.com")], {"sink": "a@example.com"})
    assert "example" not in repr(found)
    assert "example" not in repr(Sensitive("email", "a@example.com"))


def test_the_policy_lists_what_is_sensitive_in_a_strangers_lines() -> None:
    line = '{"message": "mail to ada@example.org", "context": {"child_name": "Mathilda", "n": 3}, "remote_ip": "203.0.113.9"}'
    kinds = {item.kind for item in found_by_policy([line], policy().redaction)}
    assert kinds == {"email", "personal_name", "ip_address"}


def test_redactions_are_shown_by_the_field_that_changed() -> None:
    line = '{"message": "to a@example.com", "context": {"exif": {"gps_latitude": "52.520008"}}, "logger": "x"}'
    text = '{"body": "to [email:0a1b2c3d4e]", "attributes": {"exif.gps_latitude": "[location]", "logger.name": "x"}}'
    stored = Arrived("cloudwatch", "x", "audit", "u0", "to [email:0a1b2c3d4e]", text)
    shown = before_and_after({"u0": line}, [stored], ["email", "location"])
    assert {(item.rule, item.field, item.sent, item.stored) for item in shown} == {
        ("email", "message", "to a@example.com", "to [email:0a1b2c3d4e]"),
        ("location", "gps_latitude", "52.520008", "[location]"),
    }


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, "cloudwatch,newrelic"),
        ({"DATADOG": "1"}, "cloudwatch,newrelic,datadog"),
        ({"LOG_DESTINATION": "local"}, "local"),
        ({"LOG_DESTINATION": "local,loggly", "DATADOG": "1"}, "local,loggly"),
        ({"LOG_DESTINATION": " "}, "cloudwatch,newrelic"),
    ],
)
def test_the_demo_goes_where_log_destination_says(environ: dict[str, str], expected: str) -> None:
    assert destinations_from(environ) == expected
