"""Whoever waits for a command on archives sees what it is at: from the listing to the last step."""

from __future__ import annotations

import datetime
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from infra.archive import commands_export, commands_replay
from infra.archive.__main__ import app
from infra.archive.verify_parts import PARTS
from sandbox.doubles.aws_clients import SANDBOX_CREDENTIALS
from sandbox.perf.archive_commands import Command, Made, made, replay, search, verification
from sandbox.perf.archive_server import serving
from sandbox.perf.null_sink import null_sink
from tests.factories import context

RECORDS = 10_000
NARROW = 80
"""Columns of the narrowest terminal in which every step is told whole."""


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the consoles that were made when their modules were imported draw, too."""
    for console in (commands_export.err, commands_export.out, commands_replay.out):
        monkeypatch.setattr(console, "is_interactive", True)
        monkeypatch.setattr(console, "_width", NARROW)


@pytest.fixture(scope="module")
def place() -> Iterator[tuple[Made, str, str]]:
    """Yield a small archive, where it is served, and what takes a replay."""
    it = made(RECORDS, datetime.datetime.now(datetime.UTC), an_object=1_000)
    with serving(it.cloud) as served, null_sink() as taker:
        yield it, served.endpoint, taker


def seen(command: Command, endpoint: str) -> str:
    """Return everything that a command shows on a terminal."""
    region = context("prod").region
    variables = SANDBOX_CREDENTIALS.child_environment(region, {"PATH": os.environ["PATH"]})
    # What rich takes a terminal by.
    shown = {**variables, "AWS_ENDPOINT_URL": endpoint, "FORCE_COLOR": "1", "COLUMNS": "200", "TERM": "xterm"}
    result = CliRunner(env={**dict.fromkeys(os.environ), **shown}).invoke(app, list(command.arguments))
    assert result.exit_code == 0, result.output
    return result.output


def test_a_verification_says_what_it_looks_at(place: tuple[Made, str, str]) -> None:
    it, endpoint, _ = place
    found = seen(verification(it), endpoint)
    group = it.context.log_group("application")
    for step in (
        f"chain of {group}: ",
        f"objects of {group}: ",
        f"collected records of {group}, thousands: ",
        f"exported records of {group}, thousands: ",
        f"parts compared, of {PARTS}, of {group}: {PARTS}",
    ):
        assert step in found


def test_a_search_shows_the_listing_the_reading_and_the_answering(place: tuple[Made, str, str]) -> None:
    it, endpoint, _ = place
    found = seen(search(it), endpoint)
    for step in ("listing the archive", "searching", "answering"):
        assert step in found


def test_a_replay_shows_the_listing_and_the_reading(place: tuple[Made, str, str], tmp_path: Path) -> None:
    it, endpoint, taker = place
    found = seen(replay(it, tmp_path, taker), endpoint)
    for step in ("listing the archive", "reading the archive"):
        assert step in found


def test_so_does_its_dry_run(place: tuple[Made, str, str], tmp_path: Path) -> None:
    it, endpoint, taker = place
    real = replay(it, tmp_path, taker)
    found = seen(Command("dry run", [*real.arguments, "--dry-run"], (), 1), endpoint)
    for step in ("listing the archive", "reading the archive", f"{RECORDS:,} records in {RECORDS // 1_000} of"):
        assert step in found
