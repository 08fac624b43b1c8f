"""What a sink refused for good, brought back as in production: from the archive, by a collector in replay mode."""

from __future__ import annotations

from collections.abc import Iterator

from infra.archive.objects import ArchiveObject, Form
from infra.archive.records import ArchivedRecord
from infra.archive.replay.batch import Batch
from infra.archive.replay.carry import arrived
from infra.archive.replay.door import Door
from infra.archive.replay.meters import Meters, read
from infra.archive.replay.own_collector import own_collector
from infra.policy.destinations import Destination
from infra.stack import ROOT
from sandbox.loss.ledger import UID
from sandbox.loss.trial import Trial

PATIENCE_SECONDS = 30.0


def replay(trial: Trial, sink: str) -> None:
    """Send `sink` the acknowledged records that it lacks, as the archive holds them, each once."""
    trial.recovered[sink] = 0
    if not trial.missing(sink):
        return
    directory = trial.rig.directory / "replay"
    directory.mkdir()
    count = 0
    with own_collector(
        trial.rig.executable,
        trial.rig.context,
        Destination(sink),
        ROOT,
        directory,
        trial.rig.environment(),
        "loss-trial",
    ) as collector:
        door = Door(collector.url, PATIENCE_SECONDS, collector.ended)
        for batch in _batches(trial, sink):
            door.hand_over(batch.body())
            count += len(batch.uids)
        door.close()
        meters = arrived(lambda: read(collector.metrics), collector.ended, PATIENCE_SECONDS, _Unseen())
    trial.require(not meters.refused, f"the replay let records not through: {dict(meters.refused)}")
    trial.recovered[sink] = count


def _batches(trial: Trial, sink: str) -> Iterator[Batch]:
    wanted, batch = trial.missing(sink), Batch()
    for record in _archived(trial):
        if record.uid in wanted:
            wanted.discard(record.uid)
            batch.add(record)
        if batch.full:
            yield batch
            batch = Batch()
    if batch.uids:
        yield batch


def _archived(trial: Trial) -> Iterator[ArchivedRecord]:
    for key, records in trial.rig.archive.objects.items():
        for number, item in enumerate(records):
            if UID in item.attributes:
                yield ArchivedRecord(
                    item.time_unix_nano,
                    item.observed_time_unix_nano,
                    item.severity_number,
                    item.severity_text,
                    item.body,
                    item.attributes,
                    item.resource,
                    item.scope,
                    item.trace_id,
                    item.span_id,
                    item.flags,
                    item.event_name,
                    Form.COLLECTED,
                    key,
                    number,
                )


class _Unseen:
    """Progress that the trial's own line stands for."""

    def object_done(self, item: ArchiveObject) -> None:
        """Say nothing."""

    def sent(self, records: int) -> None:
        """Say nothing."""

    def waiting(self, meters: Meters) -> None:
        """Say nothing."""
