"""What is said of figures about archives: which bars were missed, as a table and as a file."""

from __future__ import annotations

import csv
import datetime
import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from sandbox.perf import archive
from sandbox.perf.__main__ import app
from sandbox.perf.archive_commands import Command, CommandFailedError, Taken, made, run, search
from sandbox.perf.archive_server import serving
from sandbox.perf.surroundings import Machine

SMALL = Taken("verify", 1_000_000, cpu_seconds=30.0, elapsed_seconds=33.0, peak_mib=130.0)
LARGE = replace(SMALL, records=10_000_000, cpu_seconds=310.0)


def test_figures_within_the_bars_miss_none() -> None:
    assert archive.missed([LARGE, SMALL]) == []


def test_too_much_memory_is_said_with_the_size_of_the_archive() -> None:
    (bar,) = archive.missed([SMALL, replace(LARGE, peak_mib=300.0)])
    assert str(bar) == "verify: 300 MiB for 10,000,000 records, at most 300"


def test_time_that_grows_faster_than_the_records_is_said_for_its_command_alone() -> None:
    search_alike = [replace(item, command="search") for item in (SMALL, LARGE)]
    (bar,) = archive.missed([SMALL, replace(LARGE, cpu_seconds=460.0), *search_alike])
    assert str(bar) == "verify: a record takes 1.53 times as long in the largest archive, at most 1.5"


def test_figures_are_a_table_and_a_file(tmp_path: Path) -> None:
    console = Console(width=140, file=io.StringIO(), record=True)
    archive.show(console, Machine("a CPU", 2, 0.5), [SMALL, LARGE])
    text = console.export_text()
    assert "a CPU, 2 cores, load 0.5" in text
    assert "10,000,000" in text
    with archive.write([SMALL, LARGE], tmp_path).open() as file:
        rows = list(csv.DictReader(file))
    assert [row["microseconds_a_record"] for row in rows] == ["30.00", "31.00"]
    assert rows[1]["records"] == "10000000"


@pytest.mark.parametrize("arguments", [["5"], ["--archive", "0.01"], ["--archive", "nonsense"]], ids=" ".join)
def test_bad_input_is_status_2(arguments: list[str]) -> None:
    assert CliRunner().invoke(app, arguments).exit_code == 2


def test_a_missed_bar_is_status_1(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[int] = []

    def measured(sizes: list[int], _: Console) -> list[Taken]:
        asked.extend(sizes)
        return [SMALL, replace(LARGE, peak_mib=301.0)]

    monkeypatch.setattr(archive, "measure", measured)
    result = CliRunner().invoke(app, ["--archive", "10", "1", "--output", str(tmp_path)])
    assert (result.exit_code, asked) == (1, [1_000_000, 10_000_000])
    assert "301 MiB" in result.output


def test_what_was_measured_stays_when_a_later_command_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def measured(*_: object) -> Iterator[Taken]:
        yield SMALL
        raise CommandFailedError("no disk")

    monkeypatch.setattr(archive, "measure", measured)
    result = CliRunner().invoke(app, ["--archive", "1", "--output", str(tmp_path)])
    assert result.exit_code == 1
    assert "verify, 1,000,000 records: 30.0 s of CPU, 30.0 µs a record" in result.output
    assert "no disk" in result.output
    assert (tmp_path / "perf-archive.csv").read_text().splitlines()[1].startswith("verify,1000000,30.00")


def test_a_command_that_did_not_see_every_record_is_a_failure_with_what_it_said() -> None:
    it = made(5_000, datetime.datetime.now(datetime.UTC), an_object=1_000)
    whole = search(it)
    with serving(it.cloud) as served:
        wrong = Command(whole.name, whole.arguments, [r"\(5,001 records\)"], whole.reads_bytes)
        with pytest.raises(CommandFailedError, match=r"(?s)5,001.*\(5,000 records\)"):
            run(wrong, it, served)
