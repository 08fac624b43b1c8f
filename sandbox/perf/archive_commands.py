"""Verification, search and replay of a made-up archive, each by its command in a process of its own, and what it took."""

from __future__ import annotations

import datetime
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.context import Context
from infra.documents.export_assignment import assignment
from infra.stack import ROOT
from infra.stack_file import context_from_file
from sandbox.archive_exports import Exported, Signer, collected, exported
from sandbox.archive_records import BLOCK, RECORDS_A_REQUEST, request_of
from sandbox.archives import Archive
from sandbox.doubles.aws_clients import SANDBOX_CREDENTIALS
from sandbox.perf.archive_server import Cloud, Serving

STACK, CLASS, SINK = "prod", "application", "cloudwatch"
DAYS = 5
POLL_SECONDS = 0.2
NO_LIMIT = 10**9
"""Records a second: the replay's rate is not what is measured."""


class CommandFailedError(Exception):
    """A command did not end as it should, or did not see every record; the message holds what it said."""


@dataclass(frozen=True)
class Made:
    """An archive with its export, ready to be served."""

    archive: Archive
    context: Context
    objects: Exported
    cloud: Cloud

    @property
    def window(self) -> list[str]:
        """Return FROM and TO of all its days, as the commands take them."""
        last = self.archive.start + datetime.timedelta(days=DAYS - 1)
        return ["--from", f"{self.archive.start:%Y-%m-%d}", "--to", f"{last:%Y-%m-%d}", "--stack", STACK]

    @property
    def collected_bytes(self) -> int:
        """Return the size of what the collector wrote."""
        return sum(self.archive.size(at) for at in range(self.archive.count))

    @property
    def exported_bytes(self) -> int:
        """Return the size of what the export wrote, manifests too."""
        return sum(stored.size for stored in self.objects.objects.values())


@dataclass(frozen=True)
class Command:
    """A command, and what tells that it did its work."""

    name: str
    arguments: Sequence[str]
    says: Sequence[str]
    """Expressions that its output has to hold."""
    reads_bytes: int
    """What it reads of the archive, as stored."""


@dataclass(frozen=True)
class Taken:
    """One run of a command."""

    command: str
    records: int
    cpu_seconds: float
    """From the end of the imports on, user and system."""
    elapsed_seconds: float
    """From start to end, imports and the making of the objects too."""
    peak_mib: float

    @property
    def microseconds(self) -> float:
        """Return the CPU time (µs) of a record."""
        return self.cpu_seconds / self.records * 1e6

    def __str__(self) -> str:
        """Return it as one line."""
        return (
            f"{self.command}, {self.records:,} records: {self.cpu_seconds:,.1f} s of CPU, {self.microseconds:.1f} µs a "
            f"record, {self.elapsed_seconds:,.0f} s, {self.peak_mib:.0f} MiB"
        )


def made(
    records: int, now: datetime.datetime, tell: Callable[[int], None] = lambda _: None, *, an_object: int = BLOCK
) -> Made:
    """Return an archive of DAYS closed days, which has at least as many objects.

    `tell` is given the records of each exported object.
    """
    context = context_from_file(STACK, ROOT, now.date())
    told = assignment(context)
    target = next(target for target in told.targets if target.cls == CLASS)
    begin = datetime.datetime.combine(now.date() - datetime.timedelta(days=DAYS + 2), datetime.time(), datetime.UTC)
    archive, signer = Archive(cls=CLASS, start=begin, records=records, hours=24 * DAYS, an_object=an_object), Signer()
    found = exported(archive, told, target, signer, tell)
    objects = {**collected(archive), **found.objects}
    cloud = Cloud({context.archive_bucket(CLASS): objects}, found.announcements, signer)
    return Made(archive, context, found, cloud)


def verification(it: Made) -> Command:
    """Return the verification of everything: chain, announcements, objects, and record by record."""
    records = f"{it.archive.records:,}"
    return Command(
        "verify",
        ["verify", *it.window, "--class", CLASS],
        [rf"in both, alike\s*│\s*{records} ", rf"^0 findings; .*{records} exported records", f"{DAYS} links"],
        it.collected_bytes + 2 * it.exported_bytes,
    )


def search(it: Made) -> Command:
    """Return the search for one request in the middle of everything that the collector archived."""
    wanted = f"request_id={request_of(it.archive.records // 2)}"
    return Command(
        "search",
        ["search", "one-request", wanted, *it.window, "--class", CLASS, "--output", "jsonl"],
        [rf"^{RECORDS_A_REQUEST} rows, .*\({it.archive.records:,} records\)"],
        it.collected_bytes,
    )


def replay(it: Made, state: Path, taker: str) -> Command:
    """Return the replay of everything that the collector archived into whatever takes OTLP at `taker`."""
    places = ["--state", str(state), "--collector", taker, "--rate", str(NO_LIMIT), "--form", "collected"]
    return Command(
        "replay",
        ["replay", *it.window, "--class", CLASS, "--to-sink", SINK, *places],
        [rf"^{it.archive.records:,} {CLASS} records of .* were sent"],
        it.collected_bytes,
    )


def run(command: Command, it: Made, served: Serving, tell: Callable[[float], None] = lambda _: None) -> Taken:
    """Run `command` and return what it took; `tell` is given the share of the archive that was read, now and then.

    Raises CommandFailedError.
    """
    environment = SANDBOX_CREDENTIALS.child_environment(it.context.region) | {"AWS_ENDPOINT_URL": served.endpoint}
    with (
        tempfile.TemporaryDirectory(prefix="perf-archive-") as directory,
        open(Path(directory) / "output", "w+", encoding="utf-8") as output,
    ):
        note, before, started = Path(directory) / "taken.json", served.served_bytes(), time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-m", "sandbox.perf.watched", str(note), *command.arguments],
            cwd=ROOT,
            env=environment | {"COLUMNS": "200", "TMPDIR": directory},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            while process.poll() is None:
                tell(min((served.served_bytes() - before) / command.reads_bytes, 1))
                time.sleep(POLL_SECONDS)
        finally:
            process.kill()
            process.wait()
        elapsed = time.monotonic() - started
        output.seek(0)
        said = output.read()
        missing = [text for text in command.says if not re.search(text, said, re.MULTILINE)]
        if process.returncode or missing:
            raise CommandFailedError(
                f"{command.name} of {it.archive.records:,} records ended with status {process.returncode}, "
                f"and did not say {missing}; it said:\n{said[-3000:]}"
            )
        taken = json.loads(note.read_text())
    return Taken(command.name, it.archive.records, taken["seconds"], elapsed, taken["peak_bytes"] / 1024**2)
