"""One change to millions of versions, by S3 Batch Operations: listed here, carried out by S3, followed to its end."""

import hashlib
import ipaddress
import json
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config

from infra.archive.keeping.apply import Counts, Seen
from infra.archive.keeping.place import Place
from infra.archive.keeping.versions import Chosen, pages
from infra.documents.batch_job import job, manifest_rows
from infra.documents.keeper_policy import LISTS, REPORTS
from infra.export.answers import explained
from infra.export.problems import ExportError

PATIENCE_SECONDS = 5.0
"""How long is waited before a job is looked at again; S3 takes minutes to begin one."""
OVER = ("Complete", "Failed", "Cancelled")


@dataclass
class Under:
    """What this machine knows of a job, in a file, so that the same command follows it and starts no second one."""

    path: Path
    attempt: int = 1
    job_id: str = ""
    bytes: int = 0

    @classmethod
    def way(cls, path: Path) -> "Under":
        """Return what the file says, or a first attempt where there is none or it cannot be read."""
        try:
            return cls(path, **json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return cls(path)

    def keep(self) -> None:
        """Write it down."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        known = {"attempt": self.attempt, "job_id": self.job_id, "bytes": self.bytes}
        self.path.write_text(json.dumps(known), encoding="utf-8")


def control_client(region: str, config: Config) -> Any:
    """Return a client of S3 Control. It puts the account in front of the host's name, which an address has no room for:
    where AWS_ENDPOINT_URL is one, the account is in its header only.
    """
    client = boto3.client("s3control", region_name=region, config=config)

    def without_account(request: Any, **_: Any) -> None:
        host = urlsplit(client.meta.endpoint_url)
        there = urlsplit(request.url)
        if _is_address(host.hostname or "") and there.netloc.endswith(f".{host.netloc}"):
            request.url = there._replace(netloc=host.netloc).geturl()

    client.meta.events.register("before-sign.s3-control.*", without_account)
    return client


def carried_out(
    place: Place, chosen: Chosen, operation: dict[str, Any], name: str, why: str, state: Path, seen: Seen
) -> Counts:
    """Have S3 do `operation` to every chosen version, wait until it is over, and return what was done.

    `name` is that of the entry in the register for which it is done: an interrupted command that is run again follows
    the job that it began. Versions that S3 could not change are in `versions` and not in `changed`; the job's report,
    in the access logs' bucket, says which. Raises RefusedError where a right is missing, and ExportError where the job
    ended without being carried out.
    """
    under = Under.way(state / f"{name}.job.json")
    if not under.job_id:
        with tempfile.TemporaryFile("w+b") as file:
            count, under.bytes, checksum = _listed(place, chosen, file)
            if not count:
                return Counts()
            under.job_id = _created(place, operation, name, why, file, f"{checksum}-{under.attempt}")
        under.keep()
    done = _followed(place, under.job_id, seen)
    summary = done.get("ProgressSummary", {})
    counts = Counts(summary.get("TotalNumberOfTasks", 0), under.bytes, summary.get("NumberOfTasksSucceeded", 0))
    if done["Status"] == "Complete" and counts.changed == counts.versions:
        under.path.unlink(missing_ok=True)
        return counts
    Under(under.path, under.attempt + 1).keep()
    if done["Status"] != "Complete":
        reasons = "; ".join(f"{it['FailureCode']}: {it['FailureReason']}" for it in done.get("FailureReasons", ()))
        raise ExportError(
            f"job {under.job_id} of S3 Batch Operations is {done['Status'].lower()} ({reasons or 'no reason given'}), "
            f"{counts.changed:,} of {counts.versions:,} versions done. The same command starts another one"
        )
    return counts


def reports(place: Place) -> str:
    """Return below which address jobs report what they could not change."""
    return f"s3://{place.batch.bucket}/{REPORTS}/"


def _listed(place: Place, chosen: Chosen, file: IO[bytes]) -> tuple[int, int, str]:
    """Write the list of the chosen versions, and return their number, their bytes and the list's checksum."""
    count, size, checksum = 0, 0, hashlib.sha256()
    for page in pages(place, chosen):
        for row in manifest_rows(place.bucket, ((item.key, item.id) for item in page.versions)):
            file.write(row.encode())
            checksum.update(row.encode())
        count += len(page.versions)
        size += sum(item.size for item in page.versions)
    return count, size, checksum.hexdigest()[:16]


def _created(place: Place, operation: dict[str, Any], name: str, why: str, file: IO[bytes], checksum: str) -> str:
    batch, key = place.batch, f"{LISTS}{name}-{checksum}.csv"
    file.seek(0)
    with explained(
        f"writing s3://{batch.bucket}/{key}", f"the keepers' role, s3:PutObject below {LISTS}; nothing was changed yet"
    ):
        stored = place.services.s3.put_object(Bucket=batch.bucket, Key=key, Body=file, ContentType="text/csv")
    wanted = job(
        operation,
        account_id=batch.account_id,
        token=hashlib.sha256(f"{name} {checksum}".encode()).hexdigest(),
        role_arn=batch.role_arn,
        manifest_arn=f"{batch.bucket_arn}/{key}",
        manifest_etag=stored["ETag"].strip('"'),
        report_bucket_arn=batch.bucket_arn,
        description=why,
        confirmed=True,
    )
    with explained(
        "creating a job of S3 Batch Operations",
        f"the keepers' role, s3:CreateJob, and iam:PassRole on {batch.role_arn}; nothing was changed yet",
    ):
        return str(place.services.control.create_job(**wanted)["JobId"])


def _followed(place: Place, job_id: str, seen: Seen) -> dict[str, Any]:
    shown = 0
    for found in _looks(place, job_id):
        summary = found.get("ProgressSummary", {})
        now = summary.get("NumberOfTasksSucceeded", 0) + summary.get("NumberOfTasksFailed", 0)
        seen(now - shown)
        shown = now
        if found["Status"] in OVER:
            return found
    raise AssertionError("a job is looked at until it is over")


def _looks(place: Place, job_id: str) -> Iterator[dict[str, Any]]:
    while True:
        with explained(
            f"looking at job {job_id}", "the keepers' role, and s3:DescribeJob; the same command carries on"
        ):
            yield place.services.control.describe_job(AccountId=place.batch.account_id, JobId=job_id)["Job"]
        time.sleep(PATIENCE_SECONDS)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
