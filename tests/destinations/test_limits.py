"""What a sink takes at once: batches stay below each service's limits, whatever the records are like."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.collector_process import Collector
from tests.collector_run import batch, record, with_uid
from tests.destinations.harness import outcome

pytestmark = pytest.mark.collector
TINY = {"cloudwatch": 10_500, "newrelic": 6_000, "datadog": 6_000, "elastic": 6_000, "local": 4_000}
"""More than CloudWatch takes at once; of Loki fewer than it answers with at once."""
LARGE = 8
STOPPED = "interrupted due to shutdown"
"""What a hop whose receiver stopped first says of records that stay in its queue on disk (sandbox/loss, `stopped`)."""
TOGETHER = 2_000


@pytest.mark.parametrize("sink", TINY)
def test_thousands_of_tiny_records_and_some_very_large_ones_are_refused_nowhere(sink: str, tmp_path: Path) -> None:
    def send(collector: Collector) -> None:
        for start in range(0, TINY[sink], TOGETHER):
            numbers = range(start, min(start + TOGETHER, TINY[sink]))
            collector.send(batch([with_uid(record("x"), f"00000000-0000-7000-8000-{n:012x}") for n in numbers]))
        # 25 values of 16 kB: as large as a record may be without being cut in normalising.
        large = {f"part_{number}": "words " * 2_700 for number in range(25)}
        for number in range(LARGE):
            collector.send(batch([with_uid(record("y", large), f"ffffffff-0000-7000-8000-{number:012x}")]))

    run = outcome([sink], {}, tmp_path, send, TINY[sink] + LARGE)
    assert len(run.arrived[sink]) == TINY[sink] + LARGE
    dropped = [line for line in run.said.lower().splitlines() if "dropp" in line and STOPPED not in line]
    assert dropped == []
    if sink != "local":
        assert set(run.stats[sink].statuses) == {200}
        assert run.stats[sink].records.rejected == 0
        assert run.stats[sink].requests.received > 4, "everything came in a few requests: this proves nothing"
