"""A bucket with any number of objects is listed and looked through without a list of them in memory."""

from __future__ import annotations

import datetime
import tracemalloc
from collections.abc import Iterator
from typing import Any, cast

from infra.archive.objects import Form
from infra.archive.replay.dry_run import MOST_OBJECTS, look
from infra.archive.replay.request import Replay
from infra.archive.search_places import COUNTED_AT_MOST, Listed, listed, needed
from infra.archive.window import Window
from infra.documents.search.tables import Source, table_name, tables
from infra.policy.destinations import Destination
from tests.archive_fake import BUCKET, WRITTEN, FakeS3, collected, collected_key, row
from tests.factories import context

OBJECTS = 20_000
HOUR = "2026-11-24T08"
WINDOW = Window(*(datetime.datetime(2026, 11, 24, hour, tzinfo=datetime.UTC) for hour in (8, 9)))
LATE = datetime.timedelta(hours=1)
BYTES_A_KEY = 350
"""What may be kept of each of the first COUNTED_AT_MOST keys; of others, nothing. An object's description takes 200."""


class Endless:
    """A bucket of OBJECTS objects of one hour, and some of an earlier one, listed a thousand at a time."""

    def get_paginator(self, _: str) -> Endless:
        return self

    def paginate(self, **asked: Any) -> Iterator[dict[str, Any]]:
        at_most = asked.get("PaginationConfig", {}).get("MaxItems", OBJECTS)
        earlier = [collected_key("2026-11-20T08", f"{number:08d}") for number in range(7)]
        for at in range(0, OBJECTS, 1000):
            keys = [collected_key(HOUR, f"{number:08d}") for number in range(at, at + 1000)]
            keys = [key for key in (*(earlier if at == 0 else ()), *keys) if key > asked.get("StartAfter", "")]
            yield {"Contents": [{"Key": key, "Size": 10, "LastModified": WRITTEN} for key in keys[:at_most]]}
            at_most -= len(keys)
            if at_most <= 0:
                return


def test_a_search_keeps_no_list_of_what_it_reads() -> None:
    table, s3 = tables(context())[table_name("audit", Source.COLLECTED)], cast("Any", Endless())
    tracemalloc.start()
    try:
        found = listed(s3, table, Source.COLLECTED, WINDOW, LATE)
        count = sum(1 for _ in needed(s3, table, Source.COLLECTED, WINDOW, LATE))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found == Listed(size_bytes=10 * OBJECTS, left_out=7, more=True)
    assert count == OBJECTS
    assert peak < COUNTED_AT_MOST * BYTES_A_KEY


def test_a_dry_run_counts_every_object_and_keeps_as_many_as_it_shows() -> None:
    count = 3 * MOST_OBJECTS
    s3 = FakeS3(
        {collected_key(HOUR, f"{number:04d}"): collected([row(number, f"{HOUR}:30:00")]) for number in range(count)}
    )
    replay = Replay(context(), "audit", Destination.CLOUDWATCH, WINDOW, (Form.COLLECTED,), LATE, "name")
    s3_of_bucket = cast("Any", _Renamed(s3))
    done: list[str] = []
    found = look(s3_of_bucket, replay, lambda item: done.append(item.key))
    assert (found.records, found.objects, found.read, len(done)) == (count, count, count, count)
    assert [item.item.key for item in found.first] == sorted(s3.objects)[:MOST_OBJECTS]


class _Renamed:
    """The fake's bucket under the name that the stack gives it."""

    def __init__(self, s3: FakeS3) -> None:
        self._s3 = s3

    def get_object(self, **asked: str) -> dict[str, Any]:
        return self._s3.get_object(**{**asked, "Bucket": BUCKET})

    def get_paginator(self, operation: str) -> _Renamed:
        self._s3.get_paginator(operation)
        return self

    def paginate(self, **asked: str) -> Iterator[dict[str, Any]]:
        return self._s3.paginate(**{**asked, "Bucket": BUCKET})
