"""How fast a replay goes, when it has arrived, and what somebody who waits for it sees."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from infra.archive.objects import ArchiveObject, Form
from infra.archive.replay import show
from infra.archive.replay.carry import arrived
from infra.archive.replay.errors import ReplayStoppedError
from infra.archive.replay.meters import Meters
from infra.archive.replay.pace import Pace
from tests.archive_fake import BUCKET, WRITTEN, Quiet, collected_key


def test_the_rate_holds_on_average_and_a_pause_gives_no_burst_above_a_second() -> None:
    now = [0.0]
    pace = Pace(100, lambda: now[0], lambda seconds: now.__setitem__(0, now[0] + seconds))
    for _ in range(10):
        pace.wait(50)
    assert now[0] == pytest.approx(4.5)
    now[0] += 60
    before = now[0]
    for _ in range(5):
        pace.wait(50)
    assert now[0] - before == pytest.approx(1.0)


def test_a_sink_that_takes_nothing_is_said_with_its_answer() -> None:
    stuck = Meters(accepted=5, passed=5, waiting=900)
    stuck.failures["PermissionDenied"] = 5
    with pytest.raises(
        ReplayStoppedError, match=r"took nothing for 0\.1 s while 900 bytes wait.*answered: PermissionDenied"
    ):
        arrived(lambda: stuck, lambda: "", 0.1, Quiet())


def test_nothing_has_arrived_while_a_queue_holds_it() -> None:
    pages = [Meters(5, 5, sent=0, waiting=9), Meters(5, 5, sent=5, waiting=9), *[Meters(5, 5, sent=5)] * 3]
    assert arrived(lambda: pages.pop(0), lambda: "", 5, Quiet()) == Meters(5, 5, sent=5)
    assert not pages


@pytest.mark.parametrize("terminal", [True, False])
def test_somebody_who_waits_sees_how_far_it_is(terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(show, "SIGN_OF_LIFE_SECONDS", 0.0)
    seen = io.StringIO()
    with show.Bar(Console(file=seen, force_terminal=terminal, width=120), 4_000).shown() as bar:
        bar.object_done(
            ArchiveObject(BUCKET, collected_key("2026-11-24T01"), Form.COLLECTED, 1_000, WRITTEN, "STANDARD")
        )
        bar.sent(1_234)
        bar.waiting(Meters(passed=1_234, sent=34))

    for part in ("25%", "1,234 records", "waiting for the sink: 34 of 1,234 taken"):
        assert part in seen.getvalue()
