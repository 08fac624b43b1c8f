"""Certificates of expiry: what policy removed from an archive in a month, against what the listing shows.

A lifecycle rule leaves a delete marker, and the version below it until its own time comes: marker and version show
what was removed and when. Of exported objects the chain of manifests also says how many records each held. A
certificate has to be made while S3 still lists what was removed (replaced_versions_keep_days).
"""

import datetime
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from infra.archive.keeping.apply import Seen
from infra.archive.keeping.place import Place
from infra.documents.lifecycle import RECORDS
from infra.export import chain
from infra.export.answers import explained
from infra.problems import InputError, Problem

PREFIXES = RECORDS
GRACE = datetime.timedelta(days=3)
"""How late S3 may be with a rule before it is said: rules run once a day, and take their time."""
ONE_DAY = datetime.timedelta(days=1)


@dataclass
class Group:
    """What one rule removed on one day below one prefix."""

    objects: int = 0
    bytes: int = 0
    records: int | None = 0
    """None where nobody counted them: a manifest is there for exported objects only."""


@dataclass
class Certificate:
    """What was found about one month."""

    month: str
    groups: dict[tuple[str, str], Group] = field(default_factory=lambda: defaultdict(Group))
    """Day of removal and prefix to what was removed."""
    early: list[str] = field(default_factory=list)
    """Keys that were marked as deleted before policy removes them: not policy's doing."""
    overdue: list[str] = field(default_factory=list)
    """Keys that policy should have removed in the month and that can still be read."""

    @property
    def clean(self) -> bool:
        """Return whether policy removed all that it should have, and nothing else was removed."""
        return not self.early and not self.overdue

    def document(self, place: Place) -> dict[str, Any]:
        """Return the certificate as it stands in the register."""
        rows = [{"day": day, "prefix": prefix, **vars(group)} for (day, prefix), group in sorted(self.groups.items())]
        return {
            "month": self.month,
            "rule": {
                "ids": [f"expire-{prefix.strip('/')}" for prefix in PREFIXES],
                "keep_days": place.retention.keep_days,
                "replaced_versions_keep_days": place.retention.replaced_versions_keep_days,
            },
            "rows": rows,
            "objects": sum(group.objects for group in self.groups.values()),
            "bytes": sum(group.bytes for group in self.groups.values()),
            "early": self.early[:100],
            "overdue": self.overdue[:100],
            "early_objects": len(self.early),
            "overdue_objects": len(self.overdue),
        }


def parse_month(text: str, now: datetime.datetime) -> tuple[datetime.datetime, datetime.datetime]:
    """Return the first instant of MONTH and the one after its last. Raises InputError when it is none or has not begun."""
    allowed = f"a month such as {now:%Y-%m}, at most that"
    try:
        first = datetime.datetime.strptime(text, "%Y-%m").replace(tzinfo=datetime.UTC)
    except ValueError:
        raise InputError([Problem("command line", "MONTH", "not a month", allowed)]) from None
    if first > now:
        raise InputError([Problem("command line", "MONTH", "lies in the future", allowed)])
    return first, (first + 31 * ONE_DAY).replace(day=1)


def expires(written: datetime.datetime, keep_days: int) -> datetime.datetime:
    """Return when a lifecycle rule removes what was written at `written`: the midnight (UTC) after its age was reached.

    Source: S3 User Guide, "Lifecycle configuration elements", rules based on an object's age.
    """
    reached = written + keep_days * ONE_DAY
    midnight = reached.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight if reached == midnight else midnight + ONE_DAY


def certify(place: Place, month: str, now: datetime.datetime, seen: Seen = lambda _: None) -> Certificate:
    """Return what the listing shows of the removals in `month`. Raises InputError as parse_month does.

    `seen` is told how many versions more were looked at.
    """
    first, end = parse_month(month, now)
    counted = _records(place, seen)
    found = Certificate(month)
    keep = place.retention.keep_days
    for prefix in PREFIXES:
        for item in _objects(place, prefix, seen):
            if item.marked is not None:
                if first <= item.marked < end:
                    if item.marked < expires(item.written, keep):
                        found.early.append(item.key)
                        continue
                    group = found.groups[item.marked.date().isoformat(), prefix]
                    group.objects += 1
                    group.bytes += item.size
                    records = counted.get(item.key)
                    if group.records is not None and item.key.endswith(".gz"):
                        group.records = None if records is None else group.records + records
            elif expires(item.written, keep) < min(end, now) - GRACE:
                found.overdue.append(item.key)
    return found


@dataclass(frozen=True, slots=True)
class _Object:
    key: str
    written: datetime.datetime
    size: int
    marked: datetime.datetime | None
    """When it was marked as deleted; None where it can be read."""


def _objects(place: Place, prefix: str, seen: Seen) -> Iterator[_Object]:
    """Yield the newest version of each key below `prefix`, with the marker over it; a key's entries follow each other."""
    last = ""
    marks: dict[str, datetime.datetime] = {}
    with explained(f"listing {place.bucket}", "s3:ListBucketVersions on it"):
        paginator = place.services.s3.get_paginator("list_object_versions")
        for page in paginator.paginate(Bucket=place.bucket, Prefix=prefix):
            # A marker may be the last of one page, and its version the first of the next.
            marks = {key: marked for key, marked in marks.items() if key >= last}
            for marker in page.get("DeleteMarkers", ()):
                if marker["IsLatest"]:
                    marks[marker["Key"]] = marker["LastModified"]
            for item in page.get("Versions", ()):
                if item["Key"] == last:
                    continue  # an older version of the same
                last = item["Key"]
                yield _Object(last, item["LastModified"], item["Size"], marks.get(last))
            seen(len(page.get("Versions", ())))


def _records(place: Place, seen: Seen) -> dict[str, int]:
    """Return the records of each exported object that a manifest names, whether or not the manifest is marked, too."""
    found: dict[str, int] = {}
    with explained(f"reading the manifests of {place.bucket}", "s3:ListBucketVersions and s3:GetObjectVersion on them"):
        pages = place.services.s3.get_paginator("list_object_versions").paginate(
            Bucket=place.bucket, Prefix=chain.folder(place.target)
        )
        for item in (item for page in pages for item in page.get("Versions", ())):
            stored = place.services.s3.get_object(Bucket=place.bucket, Key=item["Key"], VersionId=item["VersionId"])
            link = chain.loads(stored["Body"].read(), f"s3://{place.bucket}/{item['Key']}", place.target)
            found.update({made["key"]: made["records"] for made in link.body["objects"]})
            seen(1)
    return found
