"""A manifest's digest as an audit record, so that a chain whose newest links were taken away is found out.

It is written by PutLogEvents, in the shape in which CloudWatch Logs holds the collector's own records, and before the
link itself: so every link that exists was announced, and an announcement without its link is either a run that
crashed, which the next one makes good, or a link that was removed. It does not go through the collector, which has no
address outside the VPC: a function inside would need a network of its own to say a hundred bytes.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any

from infra.export.answers import explained
from infra.export.days import Moment
from infra.export.targets import Assignment

EVENT = "audit.export.manifest"
SERVICE = "tinybeans-logging-export"
NAMESPACE = uuid.UUID("6e6d1f0c-3b9b-5a55-9a7e-2f0a6a0f4f10")
"""Of the uids of these records: the same link has the same one."""


def record(assignment: Assignment, body: dict[str, Any], digest: str, now: Moment) -> str:
    """Return the audit record that announces the link with this body and digest, as one JSON line."""
    return line(
        service=SERVICE,
        environment=assignment.environment,
        cls="audit",
        event=EVENT,
        uid=str(uuid.uuid5(NAMESPACE, digest)),
        body=f"{body['kind']} of {body['group']} for {body['day']}",
        said={
            "export.group": body["group"],
            "export.sequence": str(body["sequence"]),
            "export.digest": digest,
            "export.day": body["day"],
            "export.kind": body["kind"],
        },
        now=now,
    )


def line(
    *,
    service: str,
    environment: str,
    cls: str,
    event: str,
    uid: str,
    body: str,
    said: Mapping[str, str],
    now: Moment,
) -> str:
    """Return an audit record in the shape of the collector's own, as one JSON line; its time is in whole milliseconds."""
    nanoseconds = int(now.timestamp() * 1000) * 1_000_000
    return json.dumps(
        {
            "resource": {"attributes": {"service.name": service}},
            "timeUnixNano": nanoseconds,
            "observedTimeUnixNano": nanoseconds,
            "severityNumber": 9,
            "severityText": "INFO",
            "body": body,
            "attributes": {
                "log.record.uid": uid,
                "tinybeans.log.class": cls,
                "event": event,
                "service.name": service,
                "deployment.environment.name": environment,
                **said,
            },
            "eventName": event,
        },
        separators=(",", ":"),
    )


def announce(logs: Any, assignment: Assignment, body: dict[str, Any], digest: str, now: Moment) -> None:
    """Write the audit record of a link that is about to be added."""
    with explained(
        f"writing to {assignment.audit_group}",
        f"logs:PutLogEvents on its stream {assignment.audit_stream}, and the use of the group's key",
    ):
        logs.put_log_events(
            logGroupName=assignment.audit_group,
            logStreamName=assignment.audit_stream,
            logEvents=[{"timestamp": int(now.timestamp() * 1000), "message": record(assignment, body, digest, now)}],
        )
