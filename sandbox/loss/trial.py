"""One case while it runs: the load, the fault, and the wait until nothing moves any more."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from sandbox.loss.ledger import Ledger
from sandbox.loss.rig import Rig, counter
from sandbox.loss.sender import Sender

POLL_SECONDS = 0.1
PATIENCE_SECONDS = 30.0
"""How long a client goes on with what was not acknowledged when the load has ended."""

REACHED_WITHIN_SECONDS = 120.0
"""How long a fault may take to have the effect that its case is about, on a machine that is busy."""


@dataclass
class Trial:
    """What a case works with."""

    rig: Rig
    seconds: float
    """How long a fault lasts."""
    rate: float
    """Records a second."""
    settles: float
    """Seconds in which everything has to have arrived once the fault is over."""
    say: Callable[[str], None]
    ledger: Ledger = field(default_factory=Ledger)
    window: tuple[float, float] | None = None
    """Monotonic times (s) between which the fault was on."""
    recovered: dict[str, int] = field(default_factory=dict)
    """Sink to records that a replay from the archive brought."""
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @contextmanager
    def load(self, times: Mapping[str, int] | None = None, rate: float | None = None) -> Iterator[None]:
        """Send records while the block runs."""
        sender = Sender(self.ledger, self.rig.address, self.rig.kinds(), rate or self.rate, times)
        with sender.running(PATIENCE_SECONDS):
            yield

    def quiet(self, seconds: float, what: str) -> None:
        """Let things go on as they are for `seconds`."""
        self.say(what)
        time.sleep(seconds)

    def until(self, holds: Callable[[], bool], what: str) -> None:
        """Go on once `holds` is true; the audit finds out when it was not within two minutes."""
        self.say(what)
        deadline = time.monotonic() + REACHED_WITHIN_SECONDS
        while not holds() and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)

    @contextmanager
    def fault(self, what: str) -> Iterator[None]:
        """Note from when to when the fault in the block is on."""
        self.say(what)
        started = time.monotonic()
        try:
            yield
        finally:
            self.window = (self.window[0] if self.window else started, time.monotonic())

    def settle(self, *sinks: str) -> None:
        """Wait until everything acknowledged is at `sinks`, all of them unless named; the audit says what is not."""
        names = sinks or tuple(self.rig.sinks)
        deadline = time.monotonic() + self.settles
        while any(missing := {name: len(self.missing(name)) for name in names}.values()):
            if time.monotonic() > deadline:
                return
            self.say(f"waiting for {sum(missing):,} records that are still on their way")
            time.sleep(POLL_SECONDS)

    def drain(self, sink: str) -> None:
        """Wait until the sink's queue and its spill are empty and nothing is being sent."""
        deadline = time.monotonic() + self.settles
        names = [name for name in self.rig.config["exporters"] if sink in name and "/hop-" not in name]
        self.say(f"waiting for the queues of {sink} to empty")
        while any(self.rig.counter("otelcol_exporter_queue_size", exporter=name) for name in names):
            if time.monotonic() > deadline:
                self.problems.append(f"the queues of {sink} did not empty")
                return
            time.sleep(POLL_SECONDS)

    def missing(self, sink: str) -> set[str]:
        """Return the acknowledged records that have to be at `sink` and are not."""
        expected = {kind for kind, names in self.rig.expected().items() if sink in names}
        arrived = self.rig.sinks[sink].arrivals.first
        return {
            uid for uid in self.ledger.acknowledged.copy() if self.ledger.kinds[uid] in expected and uid not in arrived
        }

    def total(self, name: str, **labels: str) -> int:
        """Return a counter's sum over every process of this trial; what one counted after it was asked last is not in."""
        return sum(counter(page, name, **labels) for page in [*self.rig.pages, self.rig.metrics()])

    def queue_overflowed(self, sink: str) -> bool:
        """Return whether the sink's queue has refused a batch, which then went to the spill."""
        return self.total("otelcol_exporter_enqueue_failed_log_records", exporter=f"otlp_http/{sink}") > 0

    def spilled(self, sink: str) -> int:
        """Return how many records came back from the sink's spill."""
        return self.total("otelcol_exporter_sent_log_records", exporter=f"otlp_http/spill-{sink}")

    def require(self, holds: bool, otherwise: str) -> None:  # noqa: FBT001 - reads as a sentence
        """Note `otherwise` as a problem unless `holds`."""
        if not holds:
            self.problems.append(otherwise)
