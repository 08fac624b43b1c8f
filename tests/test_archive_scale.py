"""Verification, search and replay of a million archived records: bounded memory, and time by the record.

Each runs as the command that people start, in a process of its own, over AWS's API: chain, objects and every record of
both forms for the verification. Ten and fifty million: `make perf PERF_ARGS=--archive`.
"""

from __future__ import annotations

import datetime
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from sandbox.archive_records import uid_of, user_of
from sandbox.doubles.aws_clients import SANDBOX_CREDENTIALS
from sandbox.perf.archive import MEMORY_BAR_MIB
from sandbox.perf.archive_commands import CLASS, Command, Made, Taken, made, replay, run, search, verification
from sandbox.perf.archive_server import Serving, serving
from sandbox.perf.null_sink import null_sink
from tests.factories import ROOT

pytestmark = pytest.mark.collector  # no collector runs, but it is nothing for those who want quick tests

SEEN_ONE_BY_ONE, FEW, MILLION = 50_000, 100_000, 1_000_000
LINEAR = 3
"""How much longer a record may take among MILLION than among FEW: CPU time on a machine that others use swings by a
factor of two, and what grew with the square would take ten times as long."""


@dataclass(frozen=True)
class Place:
    """An archive that is served, and what takes a replay of it."""

    made: Made
    served: Serving
    taker: str
    state: Path

    def run(self, name: str) -> Taken:
        """Return what a command took, which has said that it saw every record."""
        return run(self._command(name), self.made, self.served)

    def _command(self, name: str) -> Command:
        match name:
            case "verify":
                return verification(self.made)
            case "search":
                return search(self.made)
            case _:
                return replay(self.made, self.state, self.taker)


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[int, Place]]:
    """Yield archives of each size."""
    now = datetime.datetime.now(datetime.UTC)
    with ExitStack() as stack:
        taker = stack.enter_context(null_sink())
        found = {}
        for records in (SEEN_ONE_BY_ONE, FEW, MILLION):
            it = made(records, now)
            served = stack.enter_context(serving(it.cloud))
            found[records] = Place(it, served, taker, tmp_path_factory.mktemp("replay"))
        yield found


@pytest.mark.timeout(900)  # a minute's work, on a machine that others use too
@pytest.mark.parametrize("command", ["verify", "search", "replay"])
def test_memory_is_bounded_and_time_grows_with_the_number_of_records(command: str, places: dict[int, Place]) -> None:
    few, many = places[FEW].run(command), places[MILLION].run(command)
    assert (few.records, many.records) == (FEW, MILLION)
    assert many.peak_mib < MEMORY_BAR_MIB
    assert many.peak_mib < few.peak_mib + 40, f"memory grows with the records: {few.peak_mib:.0f} MiB for {FEW:,}"
    assert many.microseconds < LINEAR * few.microseconds


WATCHED = """
import sys
from infra.archive.__main__ import app
from sandbox.peak import peak_bytes
try:
    app()
finally:
    print(peak_bytes(), file=sys.stderr)
"""


def test_records_that_the_engine_has_to_see_one_by_one_take_bounded_memory_too(places: dict[int, Place]) -> None:
    place = places[SEEN_ONE_BY_ONE]
    # Hardly a record is without the digit 5, so that none can be passed over for lacking it.
    arguments = ["one-user", "user_id=5", *place.made.window, "--class", CLASS, "--output", "jsonl"]
    environment = SANDBOX_CREDENTIALS.child_environment(place.made.context.region)
    process = subprocess.run(
        [sys.executable, "-c", WATCHED, "search", *arguments],
        cwd=ROOT,
        env=environment | {"AWS_ENDPOINT_URL": place.served.endpoint},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    found = {json.loads(line)["uid"] for line in process.stdout.splitlines()}
    assert found == {uid_of(number) for number in range(SEEN_ONE_BY_ONE) if user_of(number) == "5"}
    peak = int(process.stderr.splitlines()[-1])
    assert peak < MEMORY_BAR_MIB * 1024**2, f"{peak / 1024**2:.0f} MiB"
