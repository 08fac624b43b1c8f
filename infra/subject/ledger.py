"""Signed records of erasures, written beside what was erased: before an object is written again, and when that is done."""

import dataclasses
import datetime
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from infra.archive.errors import ArchiveError
from infra.archive.signature import PublicKey, from_kms
from infra.export import erasure
from infra.export.erasure import ERASURES, CorruptErasureError, Erasure, Kind
from infra.problems import InputError
from infra.subject.audit import Request
from infra.subject.errors import SubjectError, code_of
from infra.subject.rewrite import Hits, Rewritten
from infra.subject.versions import Stored, Version

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_s3 import S3Client

TAKEN = frozenset({"PreconditionFailed", "ConditionalRequestConflict"})


@dataclass(frozen=True)
class Removed:
    """What became of the versions of one object besides the new one: version ids, those in the replica's region apart."""

    versions: Sequence[str] = ()
    copies: Sequence[str] = ()
    remaining: Sequence[Mapping[str, str]] = ()
    """Versions that stay: version, why, until, and in_replica where it is a copy."""


class Ledger:
    """Who signs and keeps these records."""

    def __init__(self, s3: "S3Client", kms: "KMSClient", signing_key: str) -> None:
        self._s3, self._kms, self._signing_key = s3, kms, signing_key
        self._public: PublicKey | None = None

    def begin(self, request: Request, item: Stored, version: Version, made: Rewritten, found: Hits) -> Erasure:
        """Write down that `version` is about to be written again as `made`, and return the record.

        Where the same change was begun before and not finished, its record is returned: it is carried on. Raises
        SubjectError where it cannot be signed or written; nothing was altered then.
        """
        body = {
            "version": erasure.VERSION,
            "kind": Kind.BEGUN.value,
            "bucket": item.bucket,
            "key": item.key,
            "was_version": version.id,
            "was_sha256": made.was_sha256,
            "sha256": made.sha256,
            "removed": len(found),
            "uids": erasure.listed(bytes(found.uids)),
            "request": request.id,
            "basis": request.reason,
            "asked_at": request.asked.isoformat(timespec="seconds"),
        }
        return self._add(erasure.unsigned(body))

    def end(self, request: Request, begun: Erasure, version: str, removed: Removed) -> Erasure:
        """Write down that what `begun` announces was carried out, `version` being the new one, and return the record."""
        kept = (
            "version",
            "bucket",
            "key",
            "was_version",
            "was_sha256",
            "sha256",
            "removed",
            "request",
            "basis",
            "asked_at",
        )
        body = {
            **{name: begun.body[name] for name in kept},
            "kind": Kind.DONE.value,
            "begun": begun.digest,
            "new_version": version,
            "versions_removed": list(removed.versions),
            "copies_removed": list(removed.copies),
            "versions_remaining": [dict(item) for item in removed.remaining],
            "finished_by": request.id,
            "done_at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        }
        return self._add(erasure.unsigned(body))

    def unfinished(self, bucket: str) -> Iterator[Erasure]:
        """Yield what was begun in an archive and not ended. Raises SubjectError for a record that is not ours."""
        waiting = ""
        for where in self._keys(bucket):
            begun, done = f".{Kind.BEGUN.value}.json", f".{Kind.DONE.value}.json"
            if where.endswith(done) and waiting == where.removesuffix(done) + begun:
                waiting = ""
            if waiting:
                yield self._read(bucket, waiting)
            waiting = where if where.endswith(begun) else ""
        if waiting:
            yield self._read(bucket, waiting)

    def _add(self, record: Erasure) -> Erasure:
        bucket, where = str(record.body["bucket"]), erasure.address(record.body)
        signed = self._signed(record)
        try:
            self._s3.put_object(
                Bucket=bucket,
                Key=where,
                Body=erasure.dumps(signed),
                ContentType="application/json",
                IfNoneMatch="*",
            )
        except (ClientError, BotoCoreError) as error:
            if code_of(error) in TAKEN:
                return self._read(bucket, where)
            raise SubjectError(
                f"s3://{bucket}/{where} could not be written ({code_of(error)}); s3://{bucket}/{record.key} is as it was "
                "since the last record of it there. It takes the role that may erase (docs/runbooks/how-to/"
                "data-subject-request.md), which exists where access.erasers of the stack's settings names somebody"
            ) from None
        return signed

    def _signed(self, record: Erasure) -> Erasure:
        try:
            answer = self._kms.sign(
                KeyId=self._signing_key, Message=record.text, MessageType="RAW", SigningAlgorithm="ECDSA_SHA_256"
            )
        except (ClientError, BotoCoreError) as error:
            raise SubjectError(
                f"{self._signing_key} does not sign ({code_of(error)}): what is not signed is not erased. It takes kms:Sign, "
                "as the role that may erase has it, and the key enabled"
            ) from None
        return dataclasses.replace(record, signature=answer["Signature"], signing_key=answer["KeyId"])

    def _read(self, bucket: str, where: str) -> Erasure:
        try:
            stored = self._s3.get_object(Bucket=bucket, Key=where)["Body"].read()
            found = erasure.loads(stored, bucket, where)
        except (ClientError, BotoCoreError) as error:
            raise SubjectError(f"s3://{bucket}/{where} cannot be read ({code_of(error)})") from None
        except CorruptErasureError as error:
            raise SubjectError(f"s3://{bucket}/{where}: {error}; make archive-verify says more") from None
        if not self._key().signed(found.text, found.signature):
            raise SubjectError(
                f"s3://{bucket}/{where} is not signed by this stack's key: make archive-verify says more"
            )
        return found

    def _key(self) -> PublicKey:
        if self._public is None:
            try:
                self._public = from_kms(self._kms, self._signing_key)
            except InputError as error:
                raise SubjectError(f"{error}; it takes kms:GetPublicKey, as the role that may erase has it") from None
        return self._public

    def _keys(self, bucket: str) -> Iterator[str]:
        try:
            for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=ERASURES):
                yield from (item["Key"] for item in page.get("Contents", ()))
        except (ClientError, BotoCoreError) as error:
            raise ArchiveError(bucket, ERASURES, f"cannot be listed ({code_of(error)})") from None
