"""Which ways lead to which sink, and how much disk each may take. Pure."""

from dataclasses import dataclass

from infra.policy.data_classes import DataClasses
from infra.policy.destinations import Destination
from infra.settings import Queue, Settings

ARCHIVE = "archive"
QUARANTINE = "quarantine"
PER_CLASS = (ARCHIVE, Destination.CLOUDWATCH)
"""Sinks with an address of its own for each class: a bucket, a log group."""
READY_SHARE = 4
"""A sink's exporters hold a quarter of its outage between them, in equal parts; the spill behind them holds a whole
one for whichever class needs it."""
LARGEST_REQUEST_BYTES = 64 * 1024**2
"""No queue is smaller than a request can be: 16 MiB as received (collector_configs/base.yaml), of records so short
that what normalising adds to each makes four times as much of them."""
STORE_FACTOR = 3
"""A queue's file may grow to this many times its payload. bbolt v1.5 takes 1.04 times the payload for requests of 8 kB
and more, 1.4 times for 1.5 kB and, at worst, 2.7 times for 700 bytes, of which one fits a half-full page (measured). So
the payload's own limit is met first, and has to be: reading a queue writes to it, and where that write fails for want
of room the record that was read is gone (exporterhelper v0.158, persistent_queue.go, getNextItem)."""


@dataclass(frozen=True)
class Way:
    """One way to a sink: an exporter, its queue, and the records of one class or of all that may take it."""

    sink: str
    cls: str | None
    """The class, or quarantine, that has this way to itself; None where the sink's classes share it."""
    retries_refusals: bool
    """Whether a batch that the sink refuses for good is sent again all the same, for ever."""

    @property
    def name(self) -> str:
        """Return the sink, and the class where it has one."""
        return self.sink if self.cls is None else f"{self.sink}-{self.cls}"


def archives(settings: Settings) -> bool:
    """Return whether this stack archives: every stack but one whose only destination is a developer's machine."""
    return any(name is not Destination.LOCAL for name in settings.destinations)


def sinks(settings: Settings) -> tuple[str, ...]:
    """Return the names of the stack's sinks, the archive last."""
    return (*map(str, settings.destinations), *([ARCHIVE] if archives(settings) else []))


def ways(settings: Settings, classes: DataClasses) -> dict[str, tuple[Way, ...]]:
    """Return each class, and quarantine, with the ways that its records take in this stack."""
    allowed = {name: cls.destinations for name, cls in classes.classes.items()}
    # What is withheld stays inside AWS, with the class that policy names, or on the developer's machine.
    allowed[QUARANTINE] = (Destination.CLOUDWATCH, Destination.LOCAL)
    return {
        name: tuple(_way(sink, name, classes) for sink in sinks(settings) if sink == ARCHIVE or sink in names)
        for name, names in allowed.items()
    }


def _way(sink: str, name: str, classes: DataClasses) -> Way:
    if sink == ARCHIVE:  # its exporter has no retry of its own (awss3 v0.144, config.go)
        return Way(sink, name, retries_refusals=True)
    concerned = [name] if sink in PER_CLASS else list(classes.classes)
    asked = any(sink in classes.classes[item].retry_refused for item in concerned if item in classes.classes)
    return Way(sink, name if sink in PER_CLASS else None, retries_refusals=asked)


@dataclass(frozen=True)
class Sizes:
    """Payload (bytes) that one sink may keep on disk."""

    way: int
    """In the queue of each of its ways."""
    spill: int
    """Behind them, of whichever way runs full."""


def sizes(queue: Queue, ways_of_sink: int) -> Sizes:
    """Return what the queues of a sink with so many ways may hold."""
    ready = queue.bytes_per_sink // READY_SHARE // ways_of_sink
    return Sizes(max(ready, LARGEST_REQUEST_BYTES), max(queue.bytes_per_sink, LARGEST_REQUEST_BYTES))


def disk_bytes(settings: Settings, classes: DataClasses) -> int:
    """Return what all queues and spills of one collector may take of its volume when every one of them is full."""
    found = {way for taken in ways(settings, classes).values() for way in taken}
    total = 0
    for sink in sinks(settings):
        count = sum(way.sink == sink for way in found)
        size = sizes(settings.collector.queue, count)
        total += (size.way * count + size.spill) * STORE_FACTOR
    return total
