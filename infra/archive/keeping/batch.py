"""What S3 Batch Operations needs to hold a window's versions, as files to look at and to hand over."""

import hashlib
import json
from pathlib import Path

from infra.archive.keeping.apply import Seen
from infra.archive.keeping.place import Place
from infra.archive.keeping.versions import covered, pages
from infra.archive.window import Window
from infra.documents.batch_job import hold_operation, job, manifest_rows
from infra.documents.keeper_policy import LISTS


def write_job(place: Place, window: Window, status: str, directory: Path, seen: Seen) -> int:
    """Write manifest.csv and job.json for a hold of `window` into `directory`, and return the number of versions.

    The list is to be uploaded under the address in the job, whose ETag is that of an upload in one part without a KMS
    key: `archive-hold JOB=1` does all of it by itself.
    """
    directory.mkdir(parents=True, exist_ok=True)
    count, checksum = 0, hashlib.md5(usedforsecurity=False)
    with (directory / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        for page in pages(place, covered(window)):
            for row in manifest_rows(place.bucket, ((item.key, item.id) for item in page.versions)):
                file.write(row)
                checksum.update(row.encode())
            count += len(page.versions)
            seen(len(page.versions))
    document = job(
        hold_operation(status),
        account_id=place.batch.account_id,
        token=hashlib.sha256(f"{place.bucket} {checksum.hexdigest()} {status}".encode()).hexdigest(),
        role_arn=place.batch.role_arn,
        manifest_arn=f"{place.batch.bucket_arn}/{LISTS}{place.bucket}-{checksum.hexdigest()[:16]}.csv",
        manifest_etag=checksum.hexdigest(),
        report_bucket_arn=place.batch.bucket_arn,
        description=f"Legal hold {status} on {place.bucket}, {window}",
    )
    (directory / "job.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return count
