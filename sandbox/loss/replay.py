"""What a sink refused for good, brought back: read from the archive what the sink does not have, and send it there."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from sandbox.doubles.otlp_codec import LogRecord
from sandbox.loss.ledger import UID
from sandbox.loss.trial import Trial

BATCH = 200


def replay(trial: Trial, sink: str) -> None:
    """Send `sink` the acknowledged records that it lacks, as the archive holds them, each once."""
    wanted = trial.missing(sink)
    held: dict[str, LogRecord] = {}
    for records in trial.rig.archive.objects.values():
        held |= {uid: item for item in records if (uid := str(item.attributes.get(UID))) in wanted}
    found = list(held.values())
    target = trial.rig.sinks[sink].url
    for at in range(0, len(found), BATCH):
        _post(target if target.endswith("/v1/logs") else f"{target}/v1/logs", found[at : at + BATCH])
    trial.recovered[sink] = len(held)


def _post(url: str, records: Iterable[LogRecord]) -> None:
    rows = [
        {
            "timeUnixNano": str(item.time_unix_nano),
            "severityNumber": item.severity_number,
            "body": {"stringValue": str(item.body)},
            "attributes": _pairs(item.attributes),
        }
        for item in records
    ]
    body = {"resourceLogs": [{"scopeLogs": [{"logRecords": rows}]}]}
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=20)
    try:
        connection.request("POST", parts.path, json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        if answer.status != http.client.OK:
            raise OSError(f"the replay was answered with {answer.status}")
    finally:
        connection.close()


def _pairs(plain: Any) -> list[dict[str, Any]]:
    return [{"key": key, "value": {"stringValue": str(value)}} for key, value in plain.items()]
