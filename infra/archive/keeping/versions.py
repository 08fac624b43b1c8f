"""The versions in an archive that can hold records of a window, and those that prove them."""

import datetime
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from infra.archive.keeping.place import Place
from infra.archive.objects import EARLY, LATE
from infra.archive.window import Window
from infra.export.answers import explained
from infra.export.targets import COLLECTED, EXPORTED, MANIFESTS

_HOUR = re.compile(r"year=(\d{4})/month=(\d{2})/day=(\d{2})/hour=(\d{2})/")
_DAY = re.compile(r"/(\d{4})[-/](\d{2})[-/](\d{2})/")
Chosen = Callable[[str], bool]
"""Says of a key whether it is meant."""


@dataclass(frozen=True, slots=True)
class Version:
    """One version of one object."""

    key: str
    id: str
    size: int


@dataclass(frozen=True, slots=True)
class Page:
    """Versions that one answer of S3 listed, and the place behind which the listing goes on."""

    versions: tuple[Version, ...]
    after: tuple[str, str] | None


def covered(window: Window) -> Chosen:
    """Return what says of a key whether a hold on `window` covers it: in doubt it does.

    Records lie in the hour of their upload or, exported, in the day of their events. The chain of manifests is covered
    as a whole: a link proves nothing without those before it. Records in quarantine are records, too.
    """
    first, last = window.start - EARLY, window.end + LATE
    days = (window.start.date(), (window.end - datetime.timedelta(microseconds=1)).date())

    def chosen(key: str) -> bool:
        if key.startswith(COLLECTED) and (hour := _HOUR.search(key)):
            began = datetime.datetime(*map(int, hour.groups()), tzinfo=datetime.UTC)  # type: ignore[misc,arg-type]
            return began + datetime.timedelta(hours=1) > first and began <= last
        if key.startswith(EXPORTED):
            found = _DAY.search(key)
            return found is None or days[0] <= datetime.date(*map(int, found.groups())) <= days[1]
        return key.startswith((COLLECTED, MANIFESTS))

    return chosen


def pages(place: Place, chosen: Chosen, after: tuple[str, str] | None = None) -> Iterator[Page]:
    """Yield every version that is chosen, a page of the listing at a time, from `after` on. Memory is a page's."""
    marker = {"KeyMarker": after[0], "VersionIdMarker": after[1]} if after else {}
    while True:
        with explained(f"listing {place.bucket}", "s3:ListBucketVersions on it"):
            page = place.services.s3.list_object_versions(Bucket=place.bucket, **marker)
        found = tuple(
            Version(item["Key"], item["VersionId"], item["Size"])
            for item in page.get("Versions", ())
            if chosen(item["Key"])
        )
        more = bool(page.get("IsTruncated"))
        following = (page["NextKeyMarker"], page.get("NextVersionIdMarker", "")) if more else None
        yield Page(found, following)
        if following is None:
            return
        marker = {"KeyMarker": following[0], **({"VersionIdMarker": following[1]} if following[1] else {})}
