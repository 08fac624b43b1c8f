"""Certificates of expiry: what policy removed in a month, and what it did not."""

import datetime
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from infra.archive import commands_keeping
from infra.archive.__main__ import app
from infra.archive.keeping.certificate import certify, expires, parse_month
from infra.archive.keeping.place import Place, Services, place_of
from infra.archive.keeping.register import Kind, append, entries
from infra.export import chain
from infra.export.chain import Link
from infra.problems import InputError
from tests.factories import context
from tests.keeping_run import NOW, archive, asked

UTC = datetime.UTC
DAY = datetime.timedelta(days=1)
WRITTEN = datetime.datetime(2026, 10, 1, 9, tzinfo=UTC)
EXPIRED = datetime.datetime(2026, 10, 9, 0, 7, tzinfo=UTC)
"""Seven days later, at the next midnight: the sandbox's application class."""


class Listing:
    """S3's listing of versions, two a page, and the manifests that it lists."""

    def __init__(self) -> None:
        self.items: list[tuple[str, datetime.datetime, int, bool]] = []
        self.bodies: dict[str, bytes] = {}

    def add(self, key: str, written: datetime.datetime, size: int, marked: datetime.datetime | None = None) -> None:
        if marked is not None:
            self.items.append((key, marked, 0, True))
        self.items.append((key, written, size, False))

    def get_paginator(self, name: str) -> "Listing":
        assert name == "list_object_versions"
        return self

    def paginate(self, Bucket: str, Prefix: str) -> Iterator[dict[str, Any]]:  # noqa: N803 - AWS's names
        assert Bucket
        found = sorted((item for item in self.items if item[0].startswith(Prefix)), key=lambda item: item[0])
        for at in range(0, len(found), 2):
            page: dict[str, Any] = {"Versions": [], "DeleteMarkers": []}
            for key, when, size, marker in found[at : at + 2]:
                page["DeleteMarkers" if marker else "Versions"].append(
                    {"Key": key, "LastModified": when, "Size": size, "VersionId": "v", "IsLatest": True}
                )
            yield page

    def get_object(self, **asked: str) -> dict[str, Any]:
        return {"Body": type("Body", (), {"read": lambda _: self.bodies[asked["Key"]]})()}


@pytest.fixture
def listing() -> Listing:
    return Listing()


@pytest.fixture
def place(listing: Listing) -> Place:
    return place_of(context("sandbox"), "application", Services(listing, None, None, None, None))


def test_a_certificate_says_day_objects_bytes_records_rule_and_policy(listing: Listing, place: Place) -> None:
    for number in range(5):
        listing.add(f"otlp/{number}.gz", WRITTEN, 100, EXPIRED)
    keys = [f"export/g/2026-09-30/1/t/collector/{number}.gz" for number in range(3)]
    for key in keys:
        listing.add(key, WRITTEN, 10, EXPIRED)
    listing.add("export/g/aws-logs-write-test", WRITTEN, 27, EXPIRED)
    listing.add("otlp/young.gz", NOW - DAY, 100)
    body = {
        "group": place.target.log_group, "sequence": 1, "state": {"final": [], "days": {}},
        "objects": [{"key": key, "records": 7} for key in keys],
    }  # fmt: skip
    at = chain.key(place.target, 1)
    listing.add(at, WRITTEN, 1)
    listing.bodies[at] = chain.dumps(Link(body, chain.digest(body), b"s", "k"))

    found = certify(place, "2026-10", NOW)

    assert found.clean
    document = found.document(place)
    assert document["rows"] == [
        {"day": "2026-10-09", "prefix": "export/", "objects": 4, "bytes": 57, "records": 21},
        {"day": "2026-10-09", "prefix": "otlp/", "objects": 5, "bytes": 500, "records": None},
    ]
    assert document["rule"] == {
        "ids": ["expire-otlp", "expire-export"],
        "keep_days": 7,
        "replaced_versions_keep_days": 1,
    }
    assert (document["objects"], document["bytes"]) == (9, 557)
    assert certify(place, "2026-09", NOW).document(place)["rows"] == []


def test_whoever_waits_for_a_certificate_sees_versions_being_looked_at(listing: Listing, place: Place) -> None:
    for number in range(5):
        listing.add(f"otlp/{number}.gz", WRITTEN, 100, EXPIRED)
    listing.add("export/g/1.gz", WRITTEN, 10)
    seen: list[int] = []
    certify(place, "2026-10", NOW, seen.append)
    assert sum(seen) == 6


def test_what_was_removed_early_or_not_in_time_is_a_finding(listing: Listing, place: Place) -> None:
    listing.add("otlp/early.gz", WRITTEN, 100, WRITTEN + 3 * DAY)
    listing.add("otlp/late.gz", WRITTEN, 100)
    listing.add("otlp/not-late-yet.gz", NOW - 8 * DAY, 100)

    found = certify(place, "2026-10", NOW)

    assert (found.early, found.overdue, found.clean) == (["otlp/early.gz"], ["otlp/late.gz"], False)
    assert found.document(place)["objects"] == 0
    assert certify(place, "2026-11", NOW).overdue == ["otlp/late.gz"]


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        (datetime.datetime(2026, 1, 15, 10, 30, tzinfo=UTC), datetime.datetime(2026, 1, 19, tzinfo=UTC)),
        (datetime.datetime(2026, 1, 15, tzinfo=UTC), datetime.datetime(2026, 1, 18, tzinfo=UTC)),
    ],
)
def test_an_age_is_reached_at_the_midnight_after_its_days(
    written: datetime.datetime, wanted: datetime.datetime
) -> None:
    # S3 User Guide: created on 15 January at 10:30 with a rule of three days, acted upon on 19 January at 00:00.
    assert expires(written, 3) == wanted


@pytest.mark.parametrize("text", ["2026-12", "October", "2026-13"])
def test_a_month_that_is_none_or_lies_ahead_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"MONTH.*a month such as 2026-11"):
        parse_month(text, NOW)


def test_december_ends_with_the_year() -> None:
    assert parse_month("2025-12", NOW)[1] == datetime.datetime(2026, 1, 1, tzinfo=UTC)


def test_certificates_follow_each_other_in_the_register(tmp_path: Path) -> None:
    with archive(tmp_path) as kept:
        for month in ("2026-09", "2026-10"):
            subject = certify(kept.place, month, NOW).document(kept.place)
            append(kept.place, entries(kept.place), Kind.CERTIFICATE, asked(), subject)
        first, second = entries(kept.place)

        assert [entry.subject["month"] for entry in (first, second)] == ["2026-09", "2026-10"]
        assert second.body["previous"] == first.digest


def test_the_command_writes_the_certificate_and_says_what_it_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with archive(tmp_path) as kept:
        kept.put("otlp/year=2026/1.gz")
        monkeypatch.setattr(commands_keeping, "place_in", lambda *_: kept.place)
        month = f"{datetime.datetime.now(UTC):%Y-%m}"
        options = ["certificate", "--class", "application", "--month", month, "--who", "Ada", "--output", str(tmp_path)]
        result = CliRunner().invoke(app, options)

        assert result.exit_code == 0, result.output
        (path,) = tmp_path.glob("expiry-*.json")
        (entry,) = entries(kept.place)
        assert json.loads(path.read_text())["digest"] == entry.digest
        assert f"digest {entry.digest}" in result.output
