"""Who read what: the question put to CloudTrail's files where CloudTrail puts them, by the command and in one statement.

No CloudTrail runs here. The files are made up as AWS documents them: record contents and log file examples (CloudTrail
User Guide), data events of S3 (S3 User Guide), names and folders of files (CloudTrail User Guide, "Log file name
format").
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import duckdb
import pytest
from moto import mock_aws
from typer.testing import CliRunner

from infra.archive.__main__ import app
from infra.archive.search_engine import view
from infra.documents.search.questions import question
from infra.documents.search.statement import whole
from infra.documents.search.tables import Source, reads
from tests.factories import context

STACK = context("prod")
REGION, ELSEWHERE = STACK.region, STACK.settings.replica.region if STACK.settings.replica else ""
READER, ROLE = "auditor@example.com", "tinybeans-prod-reader-compliance"
ARCHIVE = STACK.archive_bucket("audit")
SERVICE = {"type": "AWSService", "invokedBy": "cloudtrail.amazonaws.com"}
USER = {"type": "IAMUser", "arn": "arn:aws:iam::123456789012:user/root-of-all", "userName": "root-of-all"}


def session(role: str = ROLE, name: str = READER) -> dict[str, Any]:
    """Return the identity of somebody who has taken on a role, an identity provider's name being the session's."""
    return {
        "type": "AssumedRole",
        "principalId": f"AROA3XFRBF535EXAMPLE:{name}",
        "arn": f"arn:aws:sts::123456789012:assumed-role/{role}/{name}",
        "accountId": "123456789012",
        "sessionContext": {
            "sessionIssuer": {"type": "Role", "arn": f"arn:aws:iam::123456789012:role/{role}", "userName": role},
            "attributes": {"creationDate": "2026-11-20T07:00:00Z", "mfaAuthenticated": "true"},
        },
    }


def event(number: int, identity: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return one event. GetObject unless told; a call that was refused has errorCode, any other has no such member."""
    return {
        "eventVersion": "1.11",
        "userIdentity": identity,
        "eventTime": f"2026-11-20T08:00:{number:02d}Z",
        "eventSource": "s3.amazonaws.com",
        "eventName": "GetObject",
        "awsRegion": REGION,
        "sourceIPAddress": "198.51.100.7",
        "userAgent": "[aws-cli/2.18.5]",
        "requestParameters": {
            "bucketName": ARCHIVE,
            "Host": f"{ARCHIVE}.s3.{REGION}.amazonaws.com",
            "key": f"otlp/{number}.json.gz",
        },
        "responseElements": None,
        "additionalEventData": {"SignatureVersion": "SigV4", "bytesTransferredIn": 0, "bytesTransferredOut": 12.0},
        "requestID": "07D681123BD12AED",
        "eventID": f"00000000-0000-4000-8000-{number:012d}",
        "readOnly": True,
        "resources": [{"type": "AWS::S3::Object", "ARN": f"arn:aws:s3:::{ARCHIVE}/otlp/{number}.json.gz"}],
        "eventType": "AwsApiCall",
        "managementEvent": False,
        "recipientAccountId": "123456789012",
        "eventCategory": "Data",
        **more,
    }


def key(day: str, number: int, region: str = REGION) -> str:
    """Return the key of a file: folders by region and day of delivery, the file's own name."""
    folder = f"AWSLogs/123456789012/CloudTrail/{region}/{day.replace('-', '/')}"
    return f"{folder}/123456789012_CloudTrail_{region}_{day.replace('-', '')}T0810Z_{number:016d}.json.gz"


FILES = {
    key("2026-11-20", 1): [
        event(0, session()),
        event(1, session("tinybeans-prod-reader-security", "other@example.com")),
        event(2, session(), errorCode="AccessDenied", errorMessage="Access Denied"),
        event(3, SERVICE, eventName="PutObject", readOnly=False, sourceIPAddress="cloudtrail.amazonaws.com"),
        event(4, USER, eventName="ListObjects", requestParameters={"bucketName": ARCHIVE, "prefix": "otlp/"}),
        event(5, session(), eventName="GetBucketLocation", requestParameters=None),
    ],
    # A trail delivers at least once: this event stands in another file too.
    key("2026-11-20", 2): [event(0, session())],
    key("2026-11-20", 3, ELSEWHERE): [event(6, session(), awsRegion=ELSEWHERE)],
    # Delivered the next day, as after midnight.
    key("2026-11-21", 4): [event(7, session())],
    key("2026-11-10", 5): [event(8, session(), eventTime="2026-11-10T08:00:08Z")],
}
READ = ["otlp/0.json.gz", "otlp/2.json.gz", None, "otlp/6.json.gz", "otlp/7.json.gz"]
"""What READER read on 20 November, in order; the third call names no object."""


@pytest.fixture(scope="module")
def trail() -> Iterator[None]:
    with mock_aws(), pytest.MonkeyPatch.context() as patched:
        patched.delenv("AWS_ENDPOINT_URL", raising=False)
        s3 = boto3.client("s3", REGION)
        bucket = reads(STACK).bucket
        s3.create_bucket(Bucket=bucket)
        for name, events in FILES.items():
            s3.put_object(Bucket=bucket, Key=name, Body=gzip.compress(json.dumps({"Records": events}).encode()))
        # Digests lie beside them, and are no events.
        s3.put_object(
            Bucket=bucket, Key=f"AWSLogs/123456789012/CloudTrail-Digest/{REGION}/2026/11/20/d.json.gz", Body=b""
        )
        yield


@pytest.mark.usefixtures("trail")
@pytest.mark.parametrize("reader", [READER, ROLE])
def test_what_an_auditor_read_is_answered_from_the_trail_by_session_and_by_role(reader: str) -> None:
    window = ["--from", "2026-11-20", "--to", "2026-11-20", "--stack", "prod", "--output", "jsonl"]
    result = CliRunner().invoke(app, ["search", "reads-by-an-auditor", f"reader={reader}", *window])
    assert result.exit_code == 0, result.stderr
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [row["object_key"] for row in rows] == READ
    assert [row["error"] for row in rows] == [None, "AccessDenied", None, None, None]
    assert {(row["session_name"], row["role_name"], row["remote_address"]) for row in rows} == {
        (READER, ROLE, "198.51.100.7")
    }
    assert "1 objects skipped by their partition" in result.stderr


def test_the_whole_statement_over_whole_files_finds_the_same(tmp_path: Path) -> None:
    table = reads(STACK)
    for name, events in FILES.items():
        region, year, month, day = name.removeprefix(table.location).split("/")[:4]
        folder = tmp_path / f"region={region}" / f"year={year}" / f"month={month}" / f"day={day}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name[-20:-8]}.json").write_text(json.dumps({"Records": events}))
    connection = duckdb.connect(config={"threads": 1})
    connection.execute(view(table, tmp_path))
    asked = question("reads-by-an-auditor")
    assert asked is not None
    values = {"reader": READER, "since": "2026-11-20T00:00:00", "until": "2026-11-21T00:00:00"}
    late = STACK.policy.data_classes.search.late_hours
    found = connection.execute(whole(asked, Source.READS, [], late).duckdb(), values)
    at = [column[0] for column in found.description].index("object_key")
    assert [row[at] for row in found.fetchall()] == READ
