"""What signed records of erasures explain: bytes that are not those of the manifest, records that one archive has alone.

A record counts only where it was written, and with the stack's own signature; one that is forged, unsigned, altered or
put elsewhere is itself a finding, and so is an object that lies there again as it was before its erasure.
"""

import datetime
import hashlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from infra.archive.errors import ArchiveError
from infra.archive.objects import ArchiveObject, Form
from infra.archive.places import Place
from infra.archive.signature import PublicKey
from infra.archive.verify_findings import Verified, Wrong
from infra.export import erasure
from infra.export.days import Day, Moment
from infra.export.erasure import ERASURES, CorruptErasureError, Erasure, Kind
from infra.export.targets import COLLECTED

UNFINISHED = "erasures begun and not finished"


@dataclass(frozen=True)
class Kept:
    """Which objects that the collector wrote are looked at, and until when they have to be there."""

    first: Day
    last: Day
    """Days of upload."""
    keep_days: int
    now: Moment


class Erasures:
    """The erasures of one archive."""

    def __init__(self, place: Place, key: PublicKey) -> None:
        self._place, self._key = place, key
        self._folders: set[bytes] = set()

    def look(self, kept: Kept, verified: Verified, tick: Callable[[], None] = lambda: None) -> None:
        """Write down each record that cannot be believed, and what became of the collector's objects that were erased
        from. Has to come before `explains`. `tick` is called for each object that is spoken of.
        """
        for folder, keys in itertools.groupby(self._place.keys(ERASURES), lambda key: key.rpartition("/")[0]):
            tick()
            believed = [record for key in keys if (record := self._believed(key, verified)) is not None]
            if not believed:
                continue
            self._folders.add(_name(folder + "/"))
            for record in believed:
                if record.kind is Kind.DONE and not _begun(record, believed):
                    where = f"s3://{self._place.bucket}/{erasure.address(record.body)}"
                    verified.add(Wrong.ERASURE, where, "the record of its beginning is gone")
            if believed[0].key.startswith(COLLECTED):
                self._collected(believed, kept, verified)

    def explains(self, key: str, was: str, now: str, verified: Verified) -> bool | None:
        """Return whether signed erasures lead from an object's checksum `was` to the one that it has `now`.

        None where nothing has to be explained; what they say is written down. An object that is back is a finding.
        """
        if _name(erasure.folder(key)) not in self._folders:
            return None if was == now else False
        records = list(self._of(key))
        if self._back(key, now, records, verified):
            return True
        if was == now:
            verified.looked_at[UNFINISHED] += any(record.was == now for record in records)
            return None
        way = _way(records, was, now)
        _tell(way, verified)
        return bool(way)

    def removed(self, key: str, was: str, now: str) -> int:
        """Return how many records the erasures between two checksums of an object took out."""
        return sum(record.removed for record in _way(list(self._of(key)), was, now))

    def uids(self) -> Iterator[bytes]:
        """Yield the uids of every record that a signed erasure took out, UID_BYTES each."""
        silent = Verified()
        for key in self._place.keys(ERASURES):
            record = self._believed(key, silent)
            if record is not None:
                uids = record.uids
                yield from (uids[at : at + erasure.UID_BYTES] for at in range(0, len(uids), erasure.UID_BYTES))

    def _of(self, key: str) -> Iterator[Erasure]:
        for where in self._place.keys(erasure.folder(key)):
            record = self._believed(where, Verified())
            if record is not None:
                yield record

    def _believed(self, where: str, verified: Verified) -> Erasure | None:
        address = f"s3://{self._place.bucket}/{where}"
        verified.looked_at["records of erasures"] += 1
        try:
            found = erasure.loads(b"".join(self._place.stream(where)), self._place.bucket, where)
        except (CorruptErasureError, ArchiveError) as error:
            verified.add(Wrong.ERASURE, address, str(error))
            return None
        if not self._key.signed(found.text, found.signature):
            verified.add(Wrong.ERASURE, address, "it is not signed by this stack's key")
            return None
        return found

    def _back(self, key: str, now: str, records: Sequence[Erasure], verified: Verified) -> bool:
        done = [record for record in records if record.kind is Kind.DONE and record.was == now]
        for record in done[:1]:
            what = f"it was erased from by {record.told}, and is as it was before"
            verified.add(Wrong.ERASURE, f"s3://{self._place.bucket}/{key}", what)
        return bool(done)

    def _collected(self, records: Sequence[Erasure], kept: Kept, verified: Verified) -> None:
        """Look at an object of the collector's: no manifest has its checksum, but erasures have."""
        key = records[0].key
        where = f"s3://{self._place.bucket}/{key}"
        day = ArchiveObject("", key, Form.COLLECTED, 0, kept.now, "").day
        if not kept.first <= day <= kept.last:
            return
        try:
            total = hashlib.sha256()
            for piece in self._place.stream(key):
                total.update(piece)
        except ArchiveError as error:
            written = max([day, *(_asked(record) for record in records if record.kind is Kind.DONE)])
            if written + datetime.timedelta(days=kept.keep_days) > kept.now.date():
                verified.add(Wrong.OBJECT, where, f"it was erased from by {records[-1].told}, and now {error.wrong}")
            return
        now = total.hexdigest()
        if self._back(key, now, records, verified):
            return
        if made := [record for record in records if record.now == now]:
            _tell(made[:1], verified)
        elif any(record.was == now for record in records):
            verified.looked_at[UNFINISHED] += 1
        else:
            verified.add(Wrong.OBJECT, where, f"it was altered since it was erased from by {records[-1].told}")


def _begun(done: Erasure, records: Sequence[Erasure]) -> bool:
    return any(record.kind is Kind.BEGUN and record.digest == done.body.get("begun") for record in records)


def _way(records: Sequence[Erasure], was: str, now: str) -> list[Erasure]:
    """Return the erasures that lead from one checksum to another, the first one first; none where none do."""
    begun = [record for record in records if record.kind is Kind.BEGUN]
    ways: dict[str, list[Erasure]] = {was: []}
    waiting = [was]
    while waiting:
        at = waiting.pop(0)
        for record in begun:
            if record.was == at and record.now not in ways:
                ways[record.now] = [*ways[at], record]
                waiting.append(record.now)
    return ways.get(now, [])


def _tell(records: Sequence[Erasure], verified: Verified) -> None:
    for record in records:
        verified.erased[record.told] += 1
        verified.erased_records[record.told] += record.removed


def _asked(record: Erasure) -> Day:
    return datetime.datetime.fromisoformat(str(record.body["asked_at"])).date()


def _name(folder: str) -> bytes:
    return hashlib.blake2b(folder.encode(), digest_size=16).digest()
