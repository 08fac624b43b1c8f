"""A double of a SaaS OTLP/HTTP logs intake: a key in a header, a path, and the records kept for the test to read."""

from __future__ import annotations

import hmac
import json
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from sandbox.doubles.http_server import HttpRequest
from sandbox.doubles.otlp_codec import Encoding, LogRecord, Refusal, RpcCode
from sandbox.doubles.otlp_endpoint import Limits, OtlpEndpoint, Stored


@dataclass(frozen=True, slots=True)
class IntakeSpec:
    """One intake: under which name the demo knows it, where it listens, and which header must hold what.

    `value` is the whole header, e.g. "ApiKey abc". Records are also appended to `records_file`, if given, as
    one JSON object a line.
    """

    name: str
    header: str
    value: str = field(repr=False)
    path: str = "/v1/logs"
    limits: Limits = field(default_factory=Limits)
    records_file: Path | None = None


def datadog(key: str, *, records_file: Path | None = None) -> IntakeSpec:
    """Return Datadog's logs intake, https://otlp.<site>/v1/logs: header dd-api-key, protobuf only."""
    only_protobuf = Limits(encodings=frozenset({Encoding.PROTOBUF}))
    return IntakeSpec("datadog", "dd-api-key", key, limits=only_protobuf, records_file=records_file)


def newrelic(key: str, *, records_file: Path | None = None) -> IntakeSpec:
    """Return New Relic's intake, https://otlp.nr-data.net/v1/logs: header api-key, 10^6 bytes as sent."""
    limits = Limits(wire_bytes=1_000_000)
    return IntakeSpec("newrelic", "api-key", key, limits=limits, records_file=records_file)


def elastic(key: str, *, records_file: Path | None = None) -> IntakeSpec:
    """Return Elastic's managed OTLP intake: header `Authorization: ApiKey <key>`."""
    return IntakeSpec("elastic", "authorization", f"ApiKey {key}", records_file=records_file)


def flatten(record: LogRecord) -> dict[str, Any]:
    """Return the form in which an intake writes a record to its file: plain JSON, attributes as one object."""
    return {
        "resource": record.resource,
        "scope": record.scope,
        "time_unix_nano": record.time_unix_nano,
        "severity_number": record.severity_number,
        "severity_text": record.severity_text,
        "body": record.body,
        "attributes": record.attributes,
        "trace_id": record.trace_id,
        "span_id": record.span_id,
    }


class OtlpIntake(OtlpEndpoint):
    """The running double of one `spec`. A missing key is answered with 401, a wrong one with 403; neither is echoed.

    Each request's records are in the file, and in memory, before the answer is sent; all or none of them.
    """

    def __init__(self, spec: IntakeSpec, *, port: int = 0) -> None:
        super().__init__(path=spec.path, admit=self._check_key, store=self._keep, limits=spec.limits, port=port)
        self.spec = spec
        self._records: list[LogRecord] = []
        self._arrived = threading.Condition()
        self._file: IO[str] | None = None

    @property
    def records(self) -> tuple[LogRecord, ...]:
        """Every record accepted so far, in order of arrival. It survives stop() and start()."""
        with self._arrived:
            return tuple(self._records)

    def wait_for(self, count: int, seconds: float) -> tuple[LogRecord, ...]:
        """Return the records once there are `count`. TimeoutError, saying how many there were, after `seconds`."""
        deadline = time.monotonic() + seconds
        with self._arrived:
            while len(self._records) < count:
                if not self._arrived.wait(max(0.0, deadline - time.monotonic())):
                    raise TimeoutError(
                        f"{self.spec.name} has {len(self._records)} of {count} records after {seconds:g} s"
                    )
            return tuple(self._records)

    def start(self) -> None:
        """Open the file of records, if there is one, and listen."""
        if self.spec.records_file is not None:
            self._file = self.spec.records_file.open("a", encoding="utf-8")
        try:
            super().start()
        except OSError:
            self._close_file()
            raise

    def stop(self) -> None:
        """Close the port, every connection, and the file of records."""
        super().stop()
        self._close_file()

    def _close_file(self) -> None:
        with self._arrived:
            if self._file is not None:
                self._file.close()
                self._file = None

    def _check_key(self, request: HttpRequest) -> None:
        given = request.headers.get(self.spec.header.lower())
        if given is None:
            raise Refusal(401, RpcCode.UNAUTHENTICATED, f"the header {self.spec.header} is missing")
        # Bytes: compare_digest takes no text beyond ASCII, and a header may hold it.
        if not hmac.compare_digest(given.encode(errors="replace"), self.spec.value.encode()):
            raise Refusal(403, RpcCode.PERMISSION_DENIED, f"the header {self.spec.header} is not valid")

    def _keep(self, _: HttpRequest, records: Sequence[LogRecord]) -> Stored:
        with self._arrived:
            if self._file is not None:
                lines = [json.dumps(flatten(record), ensure_ascii=False) + "\n" for record in records]
                self._file.write("".join(lines))
                self._file.flush()
            self._records += records
            self._arrived.notify_all()
        return Stored()
