"""docs/failure-modes.md: what it names exists, and whatever exists to find failures is named in it."""

import re
from collections.abc import Iterator

from sandbox.loss.cases import CASES
from tests.factories import ROOT, policy

PAGE = ROOT / "docs" / "failure-modes.md"
HEAD = ("fails", "what is seen", "what is lost", "alert", "chaos", "remark")
ALERTS = {*policy().alerts.alerts}
CHAOS = {case.name for case in CASES}
PARTS: tuple[str, ...] = (
    "collector",
    "sink",
    "spill",
    "disk",
    "KMS key",
    "bucket",
    "Lambda",
    "Scheduler",
    "pipeline",
    "CloudTrail",
)
PARTS += ("secret", "configuration store", "NLB", "zone", "region", "clock")


def rows() -> Iterator[dict[str, str]]:
    """Yield each row of each table."""
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if not line.startswith("| ") or line.startswith("| fails "):
            continue
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        cells += [""] * (len(HEAD) - len(cells))
        yield dict(zip(HEAD, (cell.strip(" |") for cell in cells), strict=True))


def named(column: str) -> set[str]:
    return {name for row in rows() for name in re.findall(r"`([^`]+)`", row[column])}


def test_every_row_says_what_is_seen_and_what_is_lost() -> None:
    found = list(rows())
    assert len(found) > 35
    assert [row["fails"] for row in found if not row["what is seen"] or not row["what is lost"]] == []


def test_each_alert_that_is_named_exists_and_every_alert_is_named() -> None:
    assert named("alert") == ALERTS


def test_each_chaos_case_that_is_named_exists_and_every_case_is_named() -> None:
    assert named("chaos") == CHAOS


def test_a_row_that_nothing_covers_says_so_and_why() -> None:
    for row in rows():
        assert row["alert"] == "-" or row["alert"].startswith("`"), row
        assert row["chaos"] == "-" or row["chaos"].startswith("`"), row
        assert row["remark"] or row["alert"] != "-" or row["chaos"] != "-", row


def test_every_part_of_the_system_has_a_row() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert [part for part in PARTS if part not in page] == []


def test_each_test_and_page_that_is_named_exists() -> None:
    text = PAGE.read_text(encoding="utf-8")
    files = re.findall(r"`(tests/[^`]+\.py)`", text)
    links = re.findall(r"\]\(([^)#]+)", text)
    assert len(files) > 3
    assert len(links) > 2
    assert [name for name in files if not (ROOT / name).is_file()] == []
    assert [link for link in links if not (PAGE.parent / link).is_file()] == []
