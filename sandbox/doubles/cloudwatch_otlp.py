"""A double of CloudWatch Logs' OTLP endpoint, POST /v1/logs, in front of moto's PutLogEvents.

What it does is documented in the Amazon CloudWatch Logs User Guide ("Sending logs using the OTLP endpoint") and
the Amazon CloudWatch User Guide ("OTLP Endpoints": limits, gzip or none, group and stream in headers).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from botocore.exceptions import BotoCoreError, ClientError

from sandbox.doubles import cloudwatch_events, sigv4
from sandbox.doubles.aws_clients import SANDBOX_CREDENTIALS, AwsCredentials, aws_client
from sandbox.doubles.http_server import HttpRequest
from sandbox.doubles.otlp_codec import LogRecord, Refusal, RpcCode
from sandbox.doubles.otlp_endpoint import Limits, OtlpEndpoint, Stored

PATH = "/v1/logs"
GROUP_HEADER, STREAM_HEADER = "x-aws-log-group", "x-aws-log-stream"
LIMITS = Limits(payload_bytes=1_048_576, records=10_000)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


class CloudWatchOtlp(OtlpEndpoint):
    """Takes signed OTLP requests for existing groups and streams of `logs_endpoint` (moto), and stores them there.

    Answers: 401/403 for a signature that is missing/wrong (see sigv4.py); 400 without the group or stream header, when
    either does not exist, and above 10,000 records; 413 above 1 MiB uncompressed; 503 with Retry-After when
    moto does not answer; else 200, with partialSuccess for records outside the time window.
    `now_ms` is the clock, in Unix milliseconds.
    """

    def __init__(
        self,
        *,
        logs_endpoint: str,
        region: str,
        credentials: AwsCredentials = SANDBOX_CREDENTIALS,
        port: int = 0,
        now_ms: Callable[[], int] = _now_ms,
    ) -> None:
        super().__init__(path=PATH, admit=self._check_request, store=self._put_events, limits=LIMITS, port=port)
        self._logs = aws_client("logs", endpoint_url=logs_endpoint, region=region, credentials=credentials)
        self._region, self._credentials, self._now_ms = region, credentials, now_ms
        self._put = threading.Lock()  # moto's put_log_events is not thread-safe, as its source says

    def stop(self) -> None:
        """Close the port, every connection, and the connections to moto."""
        super().stop()
        self._logs.close()

    def _check_request(self, request: HttpRequest) -> None:
        sigv4.verify(request, credentials=self._credentials, service="logs", region=self._region)
        for header in (GROUP_HEADER, STREAM_HEADER):
            if not request.headers.get(header):
                raise Refusal(400, RpcCode.INVALID_ARGUMENT, f"InvalidParameterException: {header} is required")

    def _put_events(self, request: HttpRequest, records: Sequence[LogRecord]) -> Stored:
        group, stream = request.headers[GROUP_HEADER], request.headers[STREAM_HEADER]
        try:
            retention_days = self._retention_days(group)
            self._require_stream(group, stream)
            sorted_events = cloudwatch_events.sort_by_time(
                records, now_ms=self._now_ms(), retention_days=retention_days
            )
            for batch in cloudwatch_events.batches(sorted_events.events):
                self._put_batch(group, stream, batch)
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            if code == "ResourceNotFoundException":  # deleted since we looked
                raise _not_found("group or log stream") from None
            raise
        except BotoCoreError:
            raise Refusal(
                503, RpcCode.UNAVAILABLE, "ServiceUnavailableException: no answer from moto", retry_after=1
            ) from None
        return Stored(sorted_events.rejected, sorted_events.message)

    def _put_batch(self, group: str, stream: str, batch: list[cloudwatch_events.Event]) -> None:
        with self._put:
            answer = self._logs.put_log_events(
                logGroupName=group,
                logStreamName=stream,
                logEvents=[{"timestamp": event.timestamp_ms, "message": event.message} for event in batch],
            )
        if answer.get("rejectedLogEventsInfo"):
            # Moto judges by its own, later clock, so a record can cross the 14 days on the way. Answer 500
            # rather than report as accepted what was dropped.
            raise RuntimeError(f"moto rejected events of {group}: {answer['rejectedLogEventsInfo']}")

    def _retention_days(self, group: str) -> int | None:
        for page in self._logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=group):
            for found in page["logGroups"]:
                if found["logGroupName"] == group:
                    return found.get("retentionInDays")
        raise _not_found("group")

    def _require_stream(self, group: str, stream: str) -> None:
        pages = self._logs.get_paginator("describe_log_streams").paginate(
            logGroupName=group, logStreamNamePrefix=stream
        )
        if not any(found["logStreamName"] == stream for page in pages for found in page["logStreams"]):
            raise _not_found("stream")


def _not_found(what: str) -> Refusal:
    return Refusal(400, RpcCode.NOT_FOUND, f"ResourceNotFoundException: The specified log {what} does not exist.")
