"""What it costs the collector to read lines from a file: file_log in front of any pipeline."""

import importlib
import shlex
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from infra.context import Context
from sandbox.perf.measure import ACCEPTED, Measured
from sandbox.perf.process import POLL_SECONDS, CollectorFailedError, Measurable, running
from sandbox.ports import free_ports

DOOR = "logs/files"
"""Pipeline of the production door; where a configuration has none, file_log stands in front of the OTLP pipeline."""
DIRECTORY = "SCORE_FILES"
WARM_UP = 1_000
READ_WITHIN_SECONDS = 120.0


def receiver() -> dict[str, Any]:
    """Return a file_log receiver that parses JSON lines into map bodies."""
    parser = {"type": "json_parser", "parse_from": "body", "parse_to": "body", "on_error": "send_quiet"}
    reading = {"include": [f"${{env:{DIRECTORY}}}/*.jsonl"], "start_at": "beginning", "include_file_name": False}
    return {"file_log": {**reading, "operators": [parser]}}


def door_of(config: Mapping[str, Any]) -> tuple[str, dict[str, Any]] | None:
    """Return the production door's pipeline and receivers, reading our files and without memory of places read."""
    if DOOR not in config["service"]["pipelines"]:
        return None
    names = config["service"]["pipelines"][DOOR]["receivers"]
    ours = {name: {**config["receivers"][name], "include": [f"${{env:{DIRECTORY}}}/*.jsonl"]} for name in names}
    return DOOR, {
        name: {key: value for key, value in item.items() if key != "storage"} | {"start_at": "beginning"}
        for name, item in ours.items()
    }


def measure_files(
    executable: Path,
    config: Mapping[str, Any],
    lines: Sequence[str],
    *,
    rounds: int,
    environment: Mapping[str, str],
    gogc: int,
) -> Measured:
    """Return what it costs to read `lines` `rounds` times from one file, after a warm-up file.

    Raises CollectorFailedError as measure.measure() does.
    """
    (metrics,) = free_ports(1)
    with tempfile.TemporaryDirectory(prefix="score-files-") as name:
        # One file that grows: a second one with the same beginning would be taken for the first, renamed.
        text = "".join(f"{line}\n" for line in lines)
        file, watched = Path(name) / "load.jsonl", {**environment, "GOGC": str(gogc), DIRECTORY: name}
        with running(executable, _scraped(config, metrics), watched, metrics_port=metrics, ready=metrics) as collector:
            warm = max(1, WARM_UP // len(lines))
            _append(file, text * warm)
            _read(collector, warm * len(lines))
            records, cpu = collector.counter(ACCEPTED), collector.cpu_seconds()
            _append(file, text * rounds)
            _read(collector, records + rounds * len(lines))
            taken, spent = collector.counter(ACCEPTED) - records, collector.cpu_seconds() - cpu
            peak = collector.peak_rss_bytes()
    if taken != rounds * len(lines):
        raise CollectorFailedError(f"{rounds * len(lines)} lines were in the file, {taken} were read")
    return Measured(records=taken, cpu_seconds=spent, peak_rss_bytes=peak, refusals=0)


def with_gates(executable: Path, gates: Sequence[str], directory: Path) -> Path:
    """Return a program that starts `executable` with these feature gates open."""
    if not gates:
        return executable
    wrapper = directory / "otelcol"
    wrapper.write_text(f'#!/bin/sh\nexec {shlex.quote(str(executable))} --feature-gates={",".join(gates)} "$@"\n')
    wrapper.chmod(0o700)
    return wrapper


def _read(collector: Measurable, lines: int) -> None:
    """Wait until `lines` were read in all, and the collector rests; it reads in turns, with pauses between them."""
    deadline = time.monotonic() + READ_WITHIN_SECONDS
    while collector.counter(ACCEPTED) < lines and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    collector.settle()


def _append(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8") as sink:
        sink.write(text)


def _scraped(config: Mapping[str, Any], port: int) -> dict[str, Any]:
    page = {
        "host": "127.0.0.1",
        "port": port,
        "without_scope_info": True,
        "without_type_suffix": True,
        "without_units": True,
    }
    metrics = {"level": "normal", "readers": [{"pull": {"exporter": {"prometheus": page}}}]}
    service = config["service"]
    return {**config, "service": {**service, "telemetry": {**service["telemetry"], "metrics": metrics}}}


def gates(context: Context) -> tuple[str, ...]:
    """Return the feature gates that the production door asks for; none where there is no such door."""
    try:
        production = importlib.import_module("infra.documents.collector.receive.files")
    except ModuleNotFoundError:
        return ()
    return tuple(production.feature_gates(context.settings))
