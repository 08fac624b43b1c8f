"""S3 Batch Operations jobs that hold or lock many versions: for millions, where a request each from here takes hours.

Pure. A job wants a manifest in S3 (CSV: bucket, key with its special characters encoded, version), a role that S3
takes, and a place for its report (S3 User Guide, "Creating an S3 Batch Operations job", "S3 Object Lock legal hold").
"""

import csv
import datetime
import io
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from infra.documents.keeper_policy import REPORTS

MOST_DESCRIPTION = 256
"""Characters that CreateJob takes (S3 Control, API reference)."""
WORTH_IT_VERSIONS = 1_000_000
"""From how many versions on a job is the way: by hand, at a few hundred requests a second, it is an hour's work."""


def manifest_rows(bucket: str, versions: Iterable[tuple[str, str]]) -> Iterable[str]:
    """Yield one CSV line a version, from pairs of key and version id."""
    for key, version in versions:
        line = io.StringIO()
        csv.writer(line, lineterminator="\n").writerow([bucket, quote(key, safe="/"), version])
        yield line.getvalue()


def hold_operation(status: str) -> dict[str, Any]:
    """Return the operation that sets a legal hold to `status`: ON or OFF."""
    return {"S3PutObjectLegalHold": {"LegalHold": {"Status": status}}}


def retention_operation(mode: str, until: datetime.datetime) -> dict[str, Any]:
    """Return the operation that locks until `until`. Without a bypass of governance, S3 refuses to shorten a lock."""
    return {"S3PutObjectRetention": {"Retention": {"Mode": mode, "RetainUntilDate": until}}}


def job(
    operation: dict[str, Any],
    *,
    account_id: str,
    token: str,
    role_arn: str,
    manifest_arn: str,
    manifest_etag: str,
    report_bucket_arn: str,
    description: str,
    confirmed: bool = False,
) -> dict[str, Any]:
    """Return the parameters of CreateJob (S3 Control). It waits for a confirmation before it runs, unless `confirmed`.

    `token`, of 64 characters at most, makes a repeated request the same job; the report lists every version that could
    not be changed.
    """
    return {
        "AccountId": account_id,
        "ConfirmationRequired": not confirmed,
        "ClientRequestToken": token,
        "Operation": operation,
        "Manifest": {
            "Spec": {"Format": "S3BatchOperations_CSV_20180820", "Fields": ["Bucket", "Key", "VersionId"]},
            "Location": {"ObjectArn": manifest_arn, "ETag": manifest_etag},
        },
        "Report": {
            "Bucket": report_bucket_arn,
            "Format": "Report_CSV_20180820",
            "Enabled": True,
            "Prefix": REPORTS,
            "ReportScope": "FailedTasksOnly",
        },
        "Priority": 10,
        "RoleArn": role_arn,
        "Description": description[:MOST_DESCRIPTION],
    }
