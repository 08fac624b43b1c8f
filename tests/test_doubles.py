"""The doubles of the clouds, held to the services' documented rules with real HTTP requests."""

from __future__ import annotations

import gzip
import hashlib
import http.client
import json
import math
import signal
import socket
import subprocess
import sys
import time
import uuid
from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import botocore.auth
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord as ProtoRecord

from sandbox.doubles import cloudwatch_events, otlp_codec
from sandbox.doubles.aws_clients import SANDBOX_CREDENTIALS, AwsCredentials, aws_client
from sandbox.doubles.cloud import RunningCloud, running_cloud
from sandbox.doubles.cloudwatch_events import Event
from sandbox.doubles.cloudwatch_otlp import CloudWatchOtlp
from sandbox.doubles.http_server import HttpRequest, HttpResponse, HttpServer
from sandbox.doubles.moto_server import MotoServer, MotoStartError
from sandbox.doubles.otlp_codec import Encoding, Refusal
from sandbox.doubles.otlp_intake import IntakeSpec, OtlpIntake, datadog, elastic, newrelic

REGION = "eu-west-1"
REPOSITORY = Path(__file__).resolve().parents[1]
PROTOBUF = {"Content-Type": "application/x-protobuf"}
JSON = {"Content-Type": "application/json"}
TRACE_ID, SPAN_ID = "5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def send(url: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Answer:
    target = urlsplit(url)
    connection = http.client.HTTPConnection(target.netloc, timeout=10)
    try:
        connection.request("GET" if body is None else "POST", target.path, body, headers or {})
        response = connection.getresponse()
        return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
    finally:
        connection.close()


def sign(
    url: str,
    body: bytes,
    headers: dict[str, str],
    *,
    service: str = "logs",
    region: str = REGION,
    credentials: AwsCredentials = SANDBOX_CREDENTIALS,
) -> dict[str, str]:
    request = AWSRequest("POST", url, headers=headers, data=body)
    keys = Credentials(credentials.access_key_id, credentials.secret_access_key)
    SigV4Auth(keys, service, region).add_auth(request)
    return dict(request.headers.items())


def export(*bodies: str, ago: timedelta = timedelta()) -> ExportLogsServiceRequest:
    request = ExportLogsServiceRequest()
    add(request, *bodies, ago=ago)
    return request


def add(request: ExportLogsServiceRequest, *bodies: str, ago: timedelta = timedelta()) -> None:
    logs = request.resource_logs.add()
    logs.resource.attributes.append(KeyValue(key="service.name", value=AnyValue(string_value="api")))
    scope = logs.scope_logs.add()
    scope.scope.name = "django"
    for body in bodies:
        scope.log_records.append(
            ProtoRecord(
                time_unix_nano=time.time_ns() - int(ago.total_seconds()) * 10**9,
                severity_number=9,  # type: ignore[arg-type, unused-ignore]
                severity_text="INFO",
                body=AnyValue(string_value=body),
                trace_id=bytes.fromhex(TRACE_ID),
                span_id=bytes.fromhex(SPAN_ID),
                flags=1,
                event_name="login",
            )
        )


def as_json(request: ExportLogsServiceRequest) -> bytes:
    """OTLP's JSON, which is protobuf's with ids in hex."""
    document = json_format.MessageToDict(request, use_integers_for_enums=True)
    for record in document["resourceLogs"][0]["scopeLogs"][0]["logRecords"]:
        record |= {"traceId": TRACE_ID, "spanId": SPAN_ID}
    return json.dumps(document).encode()


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCloud]:
    file = tmp_path_factory.mktemp("intake") / "datadog.jsonl"
    with running_cloud(region=REGION, intakes=[datadog("dd-sentinel", records_file=file)]) as running:
        yield running


@dataclass(frozen=True)
class Stream:
    """A log stream of its own for one test, and the ways to write to it and read it back."""

    front: CloudWatchOtlp
    logs: Any
    group: str
    name: str = "collector"

    @property
    def headers(self) -> dict[str, str]:
        return PROTOBUF | {"x-aws-log-group": self.group, "x-aws-log-stream": self.name}

    def post(self, body: bytes, headers: dict[str, str] | None = None, **signing: Any) -> Answer:
        url = self.front.url
        return send(url, body, sign(url, body, self.headers | (headers or {}), **signing))

    def events(self) -> list[dict[str, Any]]:
        found = self.logs.get_log_events(logGroupName=self.group, logStreamName=self.name, startFromHead=True)
        return [json.loads(event["message"]) for event in found["events"]]

    def bodies(self) -> list[str]:
        return [event["body"] for event in self.events()]


@pytest.fixture(scope="module")
def logs(cloud: RunningCloud) -> Iterator[Any]:
    client = aws_client("logs", endpoint_url=cloud.aws_endpoint, region=REGION)
    yield client
    client.close()


@pytest.fixture
def stream(cloud: RunningCloud, logs: Any) -> Iterator[Stream]:
    found = Stream(cloud.cloudwatch, logs, f"/tinybeans/test/{uuid.uuid4()}")
    logs.create_log_group(logGroupName=found.group)
    logs.create_log_stream(logGroupName=found.group, logStreamName=found.name)
    yield found
    cloud.cloudwatch.faults.clear()


# CloudWatch Logs: what is stored


@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("encoding", [PROTOBUF, JSON], ids=["protobuf", "json"])
def test_a_signed_record_is_stored_as_cloudwatch_shows_otlp_records(
    stream: Stream, encoding: dict[str, str], compressed: bool
) -> None:
    request = export("hello")
    body = request.SerializeToString() if encoding is PROTOBUF else as_json(request)
    extra = {"Content-Encoding": "gzip"} if compressed else {}
    answer = stream.post(gzip.compress(body) if compressed else body, encoding | extra)

    assert answer.status == 200
    assert answer.headers["content-type"] == encoding["Content-Type"]
    assert answer.body == (b"" if encoding is PROTOBUF else b"{}")
    assert stream.events() == [
        {
            "resource": {"attributes": {"service.name": "api"}},
            "scope": {"name": "django"},
            "timeUnixNano": request.resource_logs[0].scope_logs[0].log_records[0].time_unix_nano,
            "severityNumber": 9,
            "severityText": "INFO",
            "body": "hello",
            "flags": 1,
            "traceId": TRACE_ID,
            "spanId": SPAN_ID,
            "eventName": "login",
        }
    ]


def test_a_signature_may_cover_length_and_encoding_and_leave_out_what_the_transport_adds(stream: Stream) -> None:
    # The collector's signer, AWS's SDK for Go, signs content-length; its transport adds accept-encoding later.
    body = gzip.compress(export("signed as Go does").SerializeToString())
    extra = {"Content-Encoding": "gzip", "Content-Length": str(len(body)), "Content-Type": "application/x-protobuf"}
    headers = sign(stream.front.url, body, stream.headers | extra)
    assert ";content-length;" in headers["Authorization"].replace("=content-encoding", "")
    assert send(stream.front.url, body, headers | {"Accept-Encoding": "gzip"}).status == 200
    assert stream.bodies() == ["signed as Go does"]


def test_records_of_several_days_arrive_whole_and_in_order_of_time(stream: Stream) -> None:
    request = export("today")
    add(request, "three days ago", ago=3 * DAY)
    add(request, "yesterday", ago=25 * HOUR)
    assert stream.post(request.SerializeToString()).status == 200
    assert stream.bodies() == ["three days ago", "yesterday", "today"]


def test_a_record_without_a_time_is_stored_at_its_observed_time(stream: Stream) -> None:
    request = export("observed")
    record = request.resource_logs[0].scope_logs[0].log_records[0]
    record.time_unix_nano, record.observed_time_unix_nano = 0, time.time_ns() - 3600 * 10**9
    assert stream.post(request.SerializeToString()).status == 200
    found = stream.logs.get_log_events(logGroupName=stream.group, logStreamName=stream.name)
    assert found["events"][0]["timestamp"] == record.observed_time_unix_nano // 10**6


def test_too_old_too_new_and_expired_records_are_reported_and_the_others_kept(stream: Stream) -> None:
    stream.logs.put_retention_policy(logGroupName=stream.group, retentionInDays=3)
    request = export("now")
    add(request, "old", "older", ago=14 * DAY + HOUR)
    add(request, "tomorrow", ago=-2 * HOUR - timedelta(minutes=1))
    add(request, "past retention", ago=4 * DAY)
    add(request, "soon", ago=-HOUR)
    answer = stream.post(request.SerializeToString())

    assert answer.status == 200
    partial = ExportLogsServiceResponse.FromString(answer.body).partial_success
    assert partial.rejected_log_records == 4
    assert json.loads(partial.error_message) == {
        "tooOldLogEventCount": 2,
        "tooNewLogEventCount": 1,
        "expiredLogEventCount": 1,
    }
    assert stream.bodies() == ["now", "soon"]


def test_without_a_retention_a_record_is_kept_up_to_fourteen_days(stream: Stream) -> None:
    answer = stream.post(export("13 days", ago=14 * DAY - HOUR).SerializeToString(), JSON | PROTOBUF)
    assert answer.body == b""
    assert stream.bodies() == ["13 days"]


def test_a_json_request_gets_its_partial_success_in_json(stream: Stream) -> None:
    answer = stream.post(as_json(export("old", ago=15 * DAY)), JSON)
    assert answer.json["partialSuccess"]["rejectedLogRecords"] == 1


# CloudWatch Logs: what is refused


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"service": "monitoring"}, "correct service: 'logs'"),
        ({"region": "us-east-1"}, "valid region: 'eu-west-1'"),
        ({"credentials": AwsCredentials("AKIAOTHER", "x")}, "security token"),
        ({"credentials": AwsCredentials(SANDBOX_CREDENTIALS.access_key_id, "wrong")}, "does not match"),
    ],
    ids=["service", "region", "access key", "secret key"],
)
def test_a_signature_for_something_else_is_refused(stream: Stream, wrong: Any, says: str) -> None:
    answer = stream.post(as_json(export("x")), JSON, **wrong)
    assert (answer.status, answer.json["code"]) == (403, 7)
    assert says in answer.json["message"]
    assert stream.events() == []


def test_an_unsigned_request_and_a_bearer_token_are_refused(stream: Stream) -> None:
    for headers in ({}, {"Authorization": "Bearer ACWLsentinel"}):
        answer = send(stream.front.url, as_json(export("x")), stream.headers | JSON | headers)
        assert answer.status == 401
        assert b"sentinel" not in answer.body


@pytest.mark.parametrize("with_hash_header", [False, True], ids=["computed hash", "signed hash header"])
def test_a_body_changed_after_signing_is_refused(stream: Stream, with_hash_header: bool) -> None:
    body, tampered = as_json(export("original")), as_json(export("tampered"))
    extra = {"x-amz-content-sha256": hashlib.sha256(body).hexdigest()}
    headers = sign(stream.front.url, body, stream.headers | JSON | (extra if with_hash_header else {}))
    answer = send(stream.front.url, tampered, headers)
    assert answer.status == 403
    assert stream.events() == []


def test_a_header_changed_after_signing_is_refused(stream: Stream) -> None:
    body = as_json(export("x"))
    headers = sign(stream.front.url, body, stream.headers | JSON)
    assert send(stream.front.url, body, headers | {"x-aws-log-group": "/other"}).status == 403


@pytest.mark.parametrize("unsigned", ["host", "x-amz-date"])
def test_host_and_date_have_to_be_among_the_signed_headers(stream: Stream, unsigned: str) -> None:
    body = as_json(export("x"))
    headers = sign(stream.front.url, body, stream.headers | JSON)
    left = headers["Authorization"].replace(f"{unsigned};", "", 1).replace(f";{unsigned}", "", 1)
    answer = send(stream.front.url, body, headers | {"Authorization": left})
    assert (answer.status, f"'{unsigned}' must be" in answer.json["message"]) == (403, True)


def test_a_request_without_its_date_is_refused(stream: Stream) -> None:
    body = as_json(export("x"))
    headers = sign(stream.front.url, body, stream.headers | JSON)
    del headers["X-Amz-Date"]
    assert send(stream.front.url, body, headers).status == 403


@pytest.mark.parametrize("age", [DAY, timedelta(minutes=6), -DAY], ids=["a day", "six minutes", "tomorrow"])
def test_an_old_signature_is_refused(stream: Stream, age: timedelta, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        botocore.auth, "get_current_datetime", lambda *_, **__: datetime.now(UTC) - age
    )  # the signer's clock only: the double has its own
    answer = stream.post(as_json(export("x")), JSON)
    assert answer.status == 403
    assert "expired" in answer.json["message"]


@pytest.mark.parametrize("missing", ["x-aws-log-group", "x-aws-log-stream"])
def test_group_and_stream_headers_are_required(stream: Stream, missing: str) -> None:
    answer = stream.post(as_json(export("x")), JSON | {missing: ""})
    assert answer.status == 400
    assert missing in answer.json["message"]


@pytest.mark.parametrize("what", ["group", "stream"])
def test_an_unknown_group_or_stream_is_refused_even_for_a_prefix_of_a_known_one(stream: Stream, what: str) -> None:
    known = {"group": stream.group, "stream": stream.name}[what]
    answer = stream.post(as_json(export("x")), JSON | {f"x-aws-log-{what}": known[:-1]})
    assert answer.status == 400
    assert answer.json == {
        "code": 5,
        "message": f"ResourceNotFoundException: The specified log {what} does not exist.",
    }


def test_a_refusal_of_a_protobuf_request_is_a_protobuf_status(stream: Stream) -> None:
    status_pb2 = pytest.importorskip("google.rpc.status_pb2")
    answer = stream.post(export("x").SerializeToString(), {"x-aws-log-group": "/unknown"})
    assert answer.headers["content-type"] == "application/x-protobuf"
    assert status_pb2.Status.FromString(answer.body).code == 5
    long = "a message of more than 127 bytes " * 900
    encoded = otlp_codec.encode_status(Encoding.PROTOBUF, otlp_codec.RpcCode.INTERNAL, long)
    assert status_pb2.Status.FromString(encoded) == status_pb2.Status(code=13, message=long)


def test_more_than_a_mebibyte_uncompressed_is_refused(stream: Stream) -> None:
    body = export(*["x" * 1000] * 1100).SerializeToString()
    assert stream.post(gzip.compress(body), {"Content-Encoding": "gzip"}).status == 413
    assert stream.post(body).status == 413
    assert stream.events() == []


def test_more_than_ten_thousand_records_are_refused(stream: Stream) -> None:
    request = ExportLogsServiceRequest()
    request.resource_logs.add().scope_logs.add().log_records.extend([ProtoRecord()] * 10_001)
    assert stream.post(request.SerializeToString()).status == 400
    del request.resource_logs[0].scope_logs[0].log_records[0]
    assert stream.post(request.SerializeToString()).status == 200


def test_what_is_not_an_otlp_request_is_refused_without_quoting_it(stream: Stream) -> None:
    bad_time = b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"sentinel"}]}]}]}'
    for body in (bad_time, b"sentinel", b'{"resourceLogs": {"sentinel": 1}}', b'["sentinel"]'):
        answer = stream.post(body, JSON)
        assert (answer.status, b"sentinel" in answer.body) == (400, False)
    assert stream.post(b"\xff\xff").status == 400
    assert stream.post(b"{}", {"Content-Type": "text/plain"}).status == 415
    assert stream.post(b"{}", JSON | {"Content-Encoding": "zstd"}).status == 415
    assert stream.post(b"not gzip", {"Content-Encoding": "gzip"}).status == 400


def test_when_moto_is_down_the_sender_is_asked_to_come_back() -> None:
    with HttpServer(lambda _: HttpResponse(200), max_body_bytes=0) as nobody:
        unused = nobody.url
    with CloudWatchOtlp(logs_endpoint=unused, region=REGION) as front:
        stream = Stream(front, None, "/g")
        answer = stream.post(as_json(export("x")), JSON)
        assert (answer.status, answer.headers["retry-after"]) == (503, "1")
        assert front.stats.records.rejected == 1


# Faults and counts


def test_injected_failures_come_first_and_store_nothing(stream: Stream) -> None:
    stream.front.faults.fail_next(429, count=2, retry_after=7)
    answers = [stream.post(export("x").SerializeToString()) for _ in range(3)]
    assert [answer.status for answer in answers] == [429, 429, 200]
    assert answers[0].headers["retry-after"] == "7"
    assert "retry-after" not in answers[2].headers
    assert stream.bodies() == ["x"]


def test_a_delay_is_waited_out_and_stopping_ends_it() -> None:
    intake = OtlpIntake(IntakeSpec("slow", "api-key", "k"))
    body, headers = as_json(export("x")), JSON | {"api-key": "k"}
    with intake:
        intake.faults.delay(0.5, count=1)
        for delayed in (True, False):
            start = time.monotonic()
            assert send(intake.url, body, headers).status == 200
            assert (time.monotonic() - start >= 0.5) is delayed
        intake.faults.delay(60)
        with socket.create_connection(("127.0.0.1", urlsplit(intake.url).port)) as waiting:
            lines = [f"POST {intake.spec.path} HTTP/1.1", "Host: x", f"Content-Length: {len(body)}"]
            lines += [f"{name}: {value}" for name, value in headers.items()]
            waiting.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
            time.sleep(0.1)
            start = time.monotonic()
            intake.stop()
            assert time.monotonic() - start < 20


def test_counts_add_up_and_are_served_as_json(cloud: RunningCloud, stream: Stream) -> None:
    before = cloud.cloudwatch.stats
    request = export("kept")
    add(request, "old", ago=15 * DAY)
    stream.post(request.SerializeToString())
    stream.post(request.SerializeToString(), {"x-aws-log-group": "/unknown"})
    after = cloud.cloudwatch.stats
    assert (after.requests.received - before.requests.received) == 2
    assert (after.requests.accepted - before.requests.accepted) == 1
    assert (after.records.received - before.records.received) == 4
    assert (after.records.accepted - before.records.accepted) == 1
    assert (after.records.rejected - before.records.rejected) == 3
    served = send(cloud.cloudwatch.stats_url)
    assert served.headers["content-type"] == "application/json"
    assert served.json == json.loads(json.dumps(after.as_dict()))


# SaaS intakes


def test_an_intake_keeps_records_in_memory_and_in_its_file(cloud: RunningCloud) -> None:
    intake = cloud.intakes["datadog"]
    headers = PROTOBUF | {"dd-api-key": "dd-sentinel", "Content-Encoding": "gzip"}
    body = gzip.compress(export("one", "zwei ü").SerializeToString())
    assert send(intake.url, body, headers).status == 200

    assert [record.body for record in intake.wait_for(2, seconds=1)] == ["one", "zwei ü"]
    assert intake.spec.records_file is not None
    line = json.loads(intake.spec.records_file.read_text(encoding="utf-8").splitlines()[1])
    assert line | {"time_unix_nano": 0} == {
        "resource": {"service.name": "api"},
        "scope": {"name": "django"},
        "time_unix_nano": 0,
        "severity_number": 9,
        "severity_text": "INFO",
        "body": "zwei ü",
        "attributes": {},
        "trace_id": TRACE_ID,
        "span_id": SPAN_ID,
    }


@pytest.mark.parametrize(
    "spec", [datadog("sentinel"), newrelic("sentinel"), elastic("sentinel")], ids=lambda spec: spec.name
)
def test_an_intake_refuses_a_wrong_key_and_shows_neither_it_nor_the_right_one(spec: IntakeSpec) -> None:
    with OtlpIntake(spec) as intake:
        body = export("x").SerializeToString()
        assert send(intake.url, body, PROTOBUF).status == 401
        for wrong in ("given-value", "", "sentine", "sentinel2", "ü"):
            answer = send(intake.url, body, PROTOBUF | {spec.header: wrong})
            assert answer.status == 403
            assert b"sentinel" not in answer.body
            assert not wrong or wrong.encode() not in answer.body
        assert intake.records == ()
        assert send(intake.url, body, PROTOBUF | {spec.header: spec.value}).status == 200
    assert "sentinel" not in repr(spec)


def test_datadog_takes_protobuf_only() -> None:
    with OtlpIntake(datadog("k")) as intake:
        assert send(intake.url, as_json(export("x")), JSON | {"dd-api-key": "k"}).status == 415


def test_new_relic_measures_its_megabyte_as_sent() -> None:
    with OtlpIntake(newrelic("k")) as intake:
        body = export("x" * 1_100_000).SerializeToString()
        headers = PROTOBUF | {"api-key": "k"}
        assert send(intake.url, body, headers).status == 413
        gzipped = send(intake.url, gzip.compress(body), headers | {"Content-Encoding": "gzip"})
        assert gzipped.status == 200


def test_an_intake_serves_its_own_path_only() -> None:
    with OtlpIntake(IntakeSpec("es", "authorization", "ApiKey k", path="/_otlp/v1/logs")) as intake:
        headers = JSON | {"Authorization": "ApiKey k"}
        assert intake.url.endswith("/_otlp/v1/logs")
        assert send(intake.url, as_json(export("x")), headers).status == 200
        assert send(intake.url.replace("/_otlp", ""), as_json(export("x")), headers).status == 404
        assert send(intake.url, None, headers).status == 404


def test_waiting_for_records_that_do_not_come_says_how_many_did() -> None:
    with pytest.raises(TimeoutError, match="has 0 of 1 records"):
        OtlpIntake(datadog("k")).wait_for(1, seconds=0.01)


# The codec and the events, without a server


def test_json_and_protobuf_decode_to_the_same_records() -> None:
    request = export("hello")
    attributes = {
        "text": AnyValue(string_value="a"),
        "yes": AnyValue(bool_value=True),
        "zero": AnyValue(int_value=0),
        "big": AnyValue(int_value=2**62),
        "half": AnyValue(double_value=0.5),
        "nan": AnyValue(double_value=math.nan),
        "inf": AnyValue(double_value=-math.inf),
        "raw": AnyValue(bytes_value=b"\x00\xff"),
        "none": AnyValue(),
    }
    record = request.resource_logs[0].scope_logs[0].log_records[0]
    record.attributes.extend([KeyValue(key=key, value=value) for key, value in attributes.items()])
    record.attributes.add(key="list").value.array_value.values.extend(attributes.values())
    record.attributes.add(key="map").value.kvlist_value.values.add(key="k").value.int_value = 1
    (decoded,) = otlp_codec.decode(request.SerializeToString(), Encoding.PROTOBUF)

    expected = {"text": "a", "yes": True, "zero": 0, "big": 2**62, "half": 0.5, "nan": "NaN"}
    expected |= {"inf": "-Infinity", "raw": b64encode(b"\x00\xff").decode(), "none": None}
    assert decoded.attributes == expected | {"list": list(expected.values()), "map": {"k": 1}}
    assert (decoded.trace_id, decoded.span_id) == (TRACE_ID, SPAN_ID)
    assert otlp_codec.decode(as_json(request), Encoding.JSON) == (decoded,)


def test_json_with_fields_of_a_later_version_decodes() -> None:
    body = b'{"resourceLogs": [{"later": 1, "scopeLogs": [{"logRecords": [{"body": {"stringValue": "x"}}]}]}]}'
    assert otlp_codec.decode(body, Encoding.JSON)[0].body == "x"


@pytest.mark.parametrize("wrong", ["W47/95gDgQPSabYzgT/GDA==", "abcd", "zz" * 16, 5])
def test_json_with_ids_that_are_not_hex_of_the_right_length_is_refused(wrong: object) -> None:
    body = {"resourceLogs": [{"scopeLogs": [{"logRecords": [{"traceId": wrong}]}]}]}
    with pytest.raises(Refusal) as refused:
        otlp_codec.decode(json.dumps(body).encode(), Encoding.JSON)
    assert refused.value.status == 400


def test_gzip_is_read_member_by_member_and_never_beyond_the_limit() -> None:
    assert otlp_codec.decompress(gzip.compress(b"ab") + gzip.compress(b"cd"), "gzip", 4) == b"abcd"
    for body, status in [(gzip.compress(bytes(10**7)), 413), (gzip.compress(b"abc")[:-9], 400)]:
        with pytest.raises(Refusal) as refused:
            otlp_codec.decompress(body, "gzip", 1000)
        assert refused.value.status == status


@given(st.lists(st.tuples(st.integers(0, 10 * DAY // timedelta(milliseconds=1)), st.integers(27, 400_000))))
def test_batches_keep_every_event_and_each_fits_one_put_log_events_call(
    events: list[tuple[int, int]],
) -> None:
    given_events = [Event(timestamp, "", size) for timestamp, size in sorted(events)]
    batches = list(cloudwatch_events.batches(given_events))
    assert [event for batch in batches for event in batch] == given_events
    for batch in batches:
        assert 0 < len(batch) <= 10_000
        assert sum(event.size for event in batch) <= 1_048_576
        assert batch[-1].timestamp_ms - batch[0].timestamp_ms <= 86_400_000


def test_a_batch_has_ten_thousand_events_at_most() -> None:
    events = [Event(0, "", 27)] * 10_001
    assert [len(batch) for batch in cloudwatch_events.batches(events)] == [10_000, 1]


def test_a_batch_spans_a_day_at_most_however_close_its_events_are() -> None:
    hourly = [Event(hour * 3_600_000, "", 27) for hour in range(60)]
    assert [len(batch) for batch in cloudwatch_events.batches(hourly)] == [25, 25, 10]


def test_an_event_longer_than_put_log_events_takes_is_rejected_and_the_others_kept(stream: Stream) -> None:
    request = export("\x00" * 200_000, "short")  # each NUL is six bytes in JSON
    answer = stream.post(request.SerializeToString())
    partial = ExportLogsServiceResponse.FromString(answer.body).partial_success
    assert json.loads(partial.error_message)["tooLargeLogEventCount"] == 1
    assert stream.bodies() == ["short"]


# Servers: start, stop, nothing left behind


def is_open(url: str) -> bool:
    target = urlsplit(url)
    with socket.socket() as probe:
        return probe.connect_ex((target.hostname, target.port)) == 0


def test_stopping_cuts_kept_alive_connections_and_frees_the_port_and_starting_takes_it_again() -> None:
    intake = OtlpIntake(IntakeSpec("x", "api-key", "k"))
    intake.start()
    kept = http.client.HTTPConnection(urlsplit(intake.url).netloc, timeout=5)
    body, headers, url = as_json(export("x")), JSON | {"api-key": "k"}, intake.url
    for _ in range(2):  # the second shows that the connection is kept
        kept.request("POST", intake.spec.path, body, headers)
        assert kept.getresponse().read() == b"{}"
    intake.stop()
    assert kept.sock is not None
    assert kept.sock.recv(1) == b""  # the server has closed it
    kept.close()
    assert not is_open(url)
    intake.stop()
    with intake:
        assert intake.url == url
        assert send(url, body, headers).status == 200
    assert len(intake.records) == 3


def test_cloudwatch_can_go_down_and_come_back(stream: Stream) -> None:
    stream.front.stop()
    assert not is_open(stream.front.url)
    stream.front.start()
    assert stream.post(export("back").SerializeToString()).status == 200
    assert stream.bodies() == ["back"]


def test_the_server_refuses_bodies_it_cannot_bound_and_survives_a_fault_of_its_own(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def answer(request: HttpRequest) -> HttpResponse:
        raise RuntimeError(request.path)

    with HttpServer(answer, max_body_bytes=10) as server:
        for size in (11, 20_000_000):  # the second is still being sent when the answer is
            assert send(server.url + "/x", b"x" * size).status == 413
        assert send(server.url + "/x", b"x", {"Content-Length": "-1"}).status == 411
        chunked = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=5)
        chunked.request("POST", "/x", iter([b"x"]), encode_chunked=True)
        assert chunked.getresponse().status == 411
        chunked.close()
        assert caplog.text == ""
        assert send(server.url + "/broken", b"x").status == 500
        assert "RuntimeError: /broken" in caplog.text


def test_ctrl_c_stops_the_whole_cloud(stream: Stream) -> None:
    urls: list[str] = []

    def demo() -> None:
        with running_cloud(region=REGION, intakes=[datadog("k")]) as other:
            urls.extend([other.aws_endpoint, other.cloudwatch_logs_endpoint, other.intakes["datadog"].url])
            assert all(is_open(url) for url in urls)
            with closing(aws_client("logs", endpoint_url=other.aws_endpoint, region=REGION)) as logs:
                assert logs.describe_log_groups()["logGroups"] == []  # although the first cloud has some
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        demo()
    assert [is_open(url) for url in urls] == [False, False, False]
    assert stream.events() == []


def test_moto_ends_with_a_parent_that_is_killed() -> None:
    program = (
        "import time; from sandbox.doubles.moto_server import MotoServer\n"
        "moto = MotoServer(); moto.start(); print(moto.endpoint, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        endpoint = parent.stdout.readline().strip()
        assert is_open(endpoint)
        parent.send_signal(signal.SIGKILL)
        parent.wait(5)
        deadline = time.monotonic() + 5
        while is_open(endpoint) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not is_open(endpoint)


def test_moto_that_does_not_come_up_in_time_is_reported_and_ended() -> None:
    server = MotoServer(start_seconds=0.01)
    with pytest.raises(MotoStartError, match=r"within 0\.01 s"):
        server.start()
    with pytest.raises(RuntimeError, match="not running"):
        _ = server.pid


def test_two_intakes_of_one_name_are_refused() -> None:
    with (
        pytest.raises(ValueError, match="one name: datadog"),
        running_cloud(region=REGION, intakes=[datadog("a"), datadog("b")]),
    ):
        pass


def test_clients_and_children_know_nothing_of_the_users_aws_account(
    cloud: RunningCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "users-own")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "users-token")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    sts = aws_client("sts", endpoint_url=cloud.aws_endpoint, region=REGION)
    assert sts.get_caller_identity()["Account"] == "123456789012"
    sts.close()
    child = cloud.credentials.child_environment(REGION)
    assert child["AWS_ACCESS_KEY_ID"] == SANDBOX_CREDENTIALS.access_key_id
    assert not {"AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"} & set(child)
    assert SANDBOX_CREDENTIALS.secret_access_key not in repr(cloud)
