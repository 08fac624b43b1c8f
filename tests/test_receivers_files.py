"""Files of lines, as services and container runtimes write them, through the real collector."""

from __future__ import annotations

import json
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.documents.collector.receive.files import feature_gates
from tests.collector_process import executable
from tests.collector_run import Arrived, Run
from tests.doors import (
    PRINTED_AT,
    at_least,
    by_attribute,
    by_body,
    contract_line,
    differences,
    narrow,
    running,
    stack,
    until,
    until_refused,
)
from tests.factories import ROOT, settings

pytestmark = pytest.mark.collector

LONGEST = yaml.safe_load((ROOT / "collector_configs" / "base.yaml").read_text())["receivers"]["file_log"]["reading"][
    "max_log_size"
]
RAISED = 'Traceback (most recent call last):\n  File "/srv/keeps.py", line 7, in store\n    save()\n    ^^^^^^\n'
CHAINED = (
    f"{RAISED}ValueError: no such keep\n\nDuring handling of the above exception, another exception occurred:\n\n"
    f"{RAISED}django.db.utils.IntegrityError: duplicate key\nDETAIL:  Key (id)=(7) already exists.\n"
)
LONG = json.dumps({"message": "long " + "x" * LONGEST * 2})
LINES = [
    json.dumps(contract_line()),
    "Listening on port 8000",
    "worker ready",
    CHAINED.rstrip("\n"),
    '{"message": "printed after it"}',
    f"{RAISED}KeyError: 'first'",
    f"{RAISED}mysite.keeps.models.Keep.DoesNotExist: second",
    "",
    '{"message": "cut off',
    '{"message": "impossible", "timestamp": "2026-13-45T99:00:00Z"}',
    '{"message": "text for a number", "timestamp": "soon", "user_id": 9007199254740993}',
    LONG,
    "last of the lines",
]
NOT_UTF8 = [b"caf\xe9 by plain text", b'{"message": "caf\xe9 by JSON", "level": "ERROR"}']
AT = f"{PRINTED_AT:%Y-%m-%dT%H:%M:%S}.123456789"
NANOS = int(PRINTED_AT.timestamp()) * 10**9 + 123_456_789
BATCH = 100
"""Lines that the reader hands on at once (pkg/stanza, fileconsumer)."""
FORMATS = ("docker", "crio", "containerd")


def wrapped(name: str, line: str, *, stream: str = "stdout", more: bool = False) -> str:
    """Return one line as a container runtime writes it; `more` when the rest of it follows."""
    if name == "docker":
        return json.dumps({"log": line if more else line + "\n", "stream": stream, "time": AT + "Z"})
    return f"{AT}{'+00:00' if name == 'crio' else 'Z'} {stream} {'P' if more else 'F'} {line}"


def printed(name: str) -> list[str]:
    """Return what a container under the runtime `name` printed."""
    contract = {**contract_line(), "request_id": f"of-{name}"}
    return [
        wrapped(name, json.dumps(contract)),
        wrapped(name, f"{name} text", stream="stderr"),
        *(wrapped(name, line) for line in f"{RAISED}KeyError: '{name}'".split("\n")),
        wrapped(name, '{"message": "' + "a" * 16_000, more=True),
        wrapped(name, "b" * 16_000, more=True),
        wrapped(name, f'c", "request_id": "pieces-{name}"}}'),
        f"no wrapping of {name} at all",
        wrapped(name, f"{name} end"),
    ]


def source(name: str, directory: Path, format_name: str = "lines", service: str = "web") -> dict[str, Any]:
    return {"name": name, "service": service, "include": [f"{directory}/{name}/*.log"], "format": format_name}


def write(directory: Path, name: str, lines: list[str], raw: list[bytes] | None = None) -> None:
    """Append whole lines to a file that the source `name` follows."""
    (directory / name).mkdir(exist_ok=True)
    with (directory / name / "x.log").open("ab") as file:
        file.write(b"".join(line + b"\n" for line in [*(text.encode() for text in lines), *(raw or [])]))


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Yield a collector that has read files that were there before it was."""
    executable()
    directory = tmp_path_factory.mktemp("files")
    write(directory, "app", LINES, NOT_UTF8)
    for name in FORMATS:
        write(directory, name, printed(name))
    sources = [source("app", directory), *(source(name, directory, name, f"{name}-service") for name in FORMATS)]
    with running(stack({"files": sources}), directory) as run:
        expected = len(LINES) - 1 + 2 + len(NOT_UTF8) + 6 * len(FORMATS)  # no blank line; the long one in three
        until(run, at_least(expected))
        yield run
        assert len(run.cloudwatch.arrived) == expected


@pytest.fixture(scope="module")
def arrived(read: Run) -> list[Arrived]:
    return read.cloudwatch.arrived


def app(arrived: list[Arrived]) -> list[Arrived]:
    return [item for item in arrived if item.record.resource["service.name"] == "web"]


def test_a_line_of_json_becomes_what_the_contract_says(arrived: list[Arrived]) -> None:
    line = by_body(app(arrived), "photo stored")
    assert differences(line) == []
    assert line.stream == "collector"


def test_text_is_kept_a_record_a_line(arrived: list[Arrived]) -> None:
    for text in ("Listening on port 8000", "worker ready", "last of the lines"):
        record = by_body(app(arrived), text).record
        assert record.severity_number == 0
        assert record.time_unix_nano == record.observed_time_unix_nano
        assert "tinybeans.problem" not in record.attributes


def test_a_traceback_with_its_cause_is_one_record_indented_as_it_was(arrived: list[Arrived]) -> None:
    as_redacted = CHAINED.replace("\n\n", "\n").rstrip("\n").replace("=(7)", "=[sql_parameters]")
    assert by_body(app(arrived), f"{RAISED}ValueError").record.body == as_redacted


@pytest.mark.parametrize("end", ["KeyError: 'first'", "mysite.keeps.models.Keep.DoesNotExist: second"])
def test_two_tracebacks_after_each_other_stay_two(arrived: list[Arrived], end: str) -> None:
    assert by_body(app(arrived), RAISED + end).record.body == RAISED + end


def test_json_beside_a_traceback_stays_a_record_of_its_own(arrived: list[Arrived]) -> None:
    assert by_body(app(arrived), "printed after it").record.body == "printed after it"


def test_a_line_that_is_too_long_goes_on_in_marked_pieces_and_nothing_of_it_is_missing(arrived: list[Arrived]) -> None:
    pieces = [
        item.record for item in app(arrived) if re.match(r'(?:\{"message": "long )?x+(?:"\})?$', item.record.body)
    ]
    pieces.sort(key=lambda piece: piece.observed_time_unix_nano)
    assert "".join(piece.body for piece in pieces) == LONG
    assert [len(piece.body) for piece in pieces[:-1]] == [LONGEST] * 2
    assert [piece.attributes.get("tinybeans.problem") for piece in pieces] == ["split", "split", None]


@pytest.mark.parametrize(
    ("start", "problem"),
    [
        ('{"message": "cut off', "json"),
        ("impossible", "timestamp"),
        ("text for a number", "timestamp"),
        ("caf\ufffd by plain text", "utf8"),
        ("caf\ufffd by JSON", "utf8"),
    ],
)
def test_what_could_not_be_read_arrives_and_says_so(arrived: list[Arrived], start: str, problem: str) -> None:
    item = by_body(app(arrived), start)
    assert (item.stream, item.record.attributes["tinybeans.problem"]) == ("collector", problem)


def test_a_number_of_a_line_keeps_all_its_digits(arrived: list[Arrived]) -> None:
    assert by_body(app(arrived), "text for a number").record.attributes["user_id"] == "9007199254740993"


def test_a_file_names_its_service_and_itself(arrived: list[Arrived]) -> None:
    resource = by_body(app(arrived), "worker ready").record.resource
    assert resource["service.name"] == "web"
    assert resource["log.file.path"].endswith("/app/x.log")


@pytest.mark.parametrize("name", FORMATS)
def test_a_containers_line_becomes_the_same_as_any_other(arrived: list[Arrived], name: str) -> None:
    line = by_attribute(arrived, "request_id", f"of-{name}")
    assert [wrong for wrong in differences(line) if "request_id" not in wrong] == []
    assert line.record.attributes["log.iostream"] == "stdout"
    assert line.record.resource["service.name"] == f"{name}-service"


@pytest.mark.parametrize("name", FORMATS)
def test_a_containers_text_has_the_time_at_which_it_was_printed(arrived: list[Arrived], name: str) -> None:
    record = by_body(arrived, f"{name} text").record
    assert record.time_unix_nano == NANOS
    assert record.attributes["log.iostream"] == "stderr"


@pytest.mark.parametrize("name", FORMATS)
def test_a_containers_traceback_is_one_record(arrived: list[Arrived], name: str) -> None:
    assert by_body(arrived, f"{RAISED}KeyError: '{name}'").record.body == f"{RAISED}KeyError: '{name}'"


@pytest.mark.parametrize("name", FORMATS)
def test_a_line_that_the_runtime_cut_is_whole_again(arrived: list[Arrived], name: str) -> None:
    assert by_attribute(arrived, "request_id", f"pieces-{name}").record.body == "a" * 16_000 + "b" * 16_000 + "c"


@pytest.mark.parametrize("name", FORMATS)
def test_a_line_without_its_wrapping_arrives_as_it_is(arrived: list[Arrived], name: str) -> None:
    assert by_body(arrived, f"no wrapping of {name}").record.body == f"no wrapping of {name} at all"
    assert by_body(arrived, f"{name} end").record.body == f"{name} end"


def test_the_collectors_own_log_repeats_nothing_of_the_lines(read: Run) -> None:
    said = read.collector.log.read_text()
    assert not [text for text in ("cut off", "no such keep", "wrapping", "caf", "Listening", "xxxx") if text in said]


def numbered(first: int, count: int) -> list[str]:
    return [json.dumps({"message": f"n{number}", "logger": "mysite.audit"}) for number in range(first, first + count)]


def distinct(run: Run) -> set[str]:
    return {str(item.record.body) for item in run.cloudwatch.arrived}


def test_a_killed_collector_goes_on_where_it_was_and_no_line_is_missing(tmp_path: Path) -> None:
    with running(stack({"files": [source("app", tmp_path)]}), tmp_path) as run:
        write(tmp_path, "app", numbered(0, 3000))
        until(run, at_least(500))
        run.collector.process.send_signal(signal.SIGKILL)
        run.collector.process.wait()
        write(tmp_path, "app", numbered(3000, 500))
        with run.again():
            until(run, lambda _: len(distinct(run)) == 3500)


def test_lines_wait_in_their_file_while_a_queue_is_full(tmp_path: Path) -> None:
    with running(stack({"files": [source("app", tmp_path)]}), tmp_path, narrow) as run:
        run.cloudwatch.stop()
        write(tmp_path, "app", numbered(0, 2000))
        until_refused(run)
        run.cloudwatch.start()
        until(run, lambda _: len(distinct(run)) == 2000, seconds=60)


def test_lines_that_were_read_and_not_yet_taken_outlive_the_collector(tmp_path: Path) -> None:
    where = stack({"files": [source("app", tmp_path), source("late", tmp_path)]})
    with running(where, tmp_path, narrow) as run:
        run.cloudwatch.stop()
        write(tmp_path, "app", numbered(0, 2000))
        until_refused(run)
        late = [json.dumps({"message": f"late{n}", "logger": "mysite.audit", "note": "z" * 2000}) for n in range(20)]
        write(tmp_path, "late", late)
        time.sleep(2)  # ten polls: whatever is going to be read has been
        run.collector.process.kill()
        run.collector.process.wait()
        run.cloudwatch.start()
        with run.again():
            until(run, lambda _: {f"late{number}" for number in range(20)} <= distinct(run), seconds=60)


def test_a_stop_while_everything_refuses_costs_one_batch_of_lines_at_most(tmp_path: Path) -> None:
    with running(stack({"files": [source("app", tmp_path)]}), tmp_path, narrow) as run:
        run.cloudwatch.stop()
        write(tmp_path, "app", numbered(0, 2000))
        until_refused(run)
        run.collector.process.terminate()
        run.collector.process.wait()
        run.cloudwatch.start()
        with run.again():
            until(run, lambda _: len(distinct(run)) >= 2000 - BATCH, seconds=60)


def test_nothing_is_acknowledged_early_where_files_are_followed() -> None:
    assert feature_gates(settings("sandbox", receivers={})) == ()
    followed = settings("sandbox", receivers={"files": [source("app", Path("/var/log"))]})
    assert feature_gates(followed) == ("stanza.synchronousLogEmitter",)
