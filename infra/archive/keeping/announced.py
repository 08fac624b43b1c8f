"""Entries of registers as audit records, and what they say about a register whose end was cut off.

An entry is announced before it is written, in the shape in which CloudWatch Logs holds the collector's own records, in a
stream of its own. So every entry that exists was announced; an announcement without its entry is an attempt that was
refused, or an entry that is gone.
"""

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from infra.archive.keeping.place import Asked, Place
from infra.documents.keeper_policy import STREAM
from infra.export import audit
from infra.export.answers import explained

EVENT = "audit.archive.kept"
SERVICE = "tinybeans-logging-archive"


def announce(place: Place, body: Mapping[str, Any], digest: str, asked: Asked) -> None:
    """Write the audit record of an entry that is about to be added."""
    told = place.assignment
    milliseconds = int(asked.now.timestamp() * 1000)
    message = audit.line(
        service=SERVICE,
        environment=told.environment,
        cls="audit",
        event=EVENT,
        uid=str(uuid.uuid5(audit.NAMESPACE, digest)),
        body=f"{body['kind']} in the {place.target.cls} archive",
        said={
            "archive.bucket": place.bucket,
            "archive.class": place.target.cls,
            "archive.kind": str(body["kind"]),
            "archive.who": asked.who,
            "archive.why": asked.why,
            "archive.caller": str(body["caller"]),
            "archive.sequence": str(body["sequence"]),
            "archive.digest": digest,
        },
        now=asked.now,
    )
    with explained(
        f"writing to {told.audit_group}",
        f"the keepers' role, and logs:PutLogEvents on its stream {STREAM}; nothing was changed",
    ):
        place.services.logs.put_log_events(
            logGroupName=told.audit_group,
            logStreamName=STREAM,
            logEvents=[{"timestamp": milliseconds, "message": message}],
        )


def announced(place: Place) -> Iterator[Mapping[str, Any]]:
    """Yield the attributes of every announcement about this archive that CloudWatch still holds."""
    told = place.assignment
    with explained(f"reading {told.audit_group}", f"logs:FilterLogEvents on its stream {STREAM}"):
        pages = place.services.logs.get_paginator("filter_log_events").paginate(
            logGroupName=told.audit_group, logStreamNames=[STREAM]
        )
        for event in (event for page in pages for event in page["events"]):
            found = json.loads(event["message"]).get("attributes", {})
            if found.get("event") == EVENT and found.get("archive.bucket") == place.bucket:
                yield found


def contradictions(digests: Mapping[int, str], said: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield what announcements and register say against each other; `digests` are those of the entries by number."""
    by_number: dict[int, dict[str, Mapping[str, Any]]] = {}
    for attributes in said:
        by_number.setdefault(int(attributes["archive.sequence"]), {})[str(attributes["archive.digest"])] = attributes
    last = max(digests, default=0)
    for number, found in sorted(by_number.items()):
        if number > last:
            for attributes in found.values():
                yield (
                    f"entry {number} ({attributes['archive.kind']}, by {attributes['archive.who']}) was announced and is "
                    "not there: it was refused when it was written, or it was removed"
                )
        elif digests[number] not in found:
            yield f"entry {number} is not the one that was announced"
