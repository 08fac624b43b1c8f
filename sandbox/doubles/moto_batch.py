"""What moto's S3 has not: jobs of S3 Batch Operations that hold or lock, and GetObjectRetention. Lives in moto's process.

A job is carried out as soon as it is created and confirmed, by the rules that S3 states (User Guide, "Creating an S3
Batch Operations job"): its list has to be there under the ETag that was named, and must not be encrypted with a KMS key; the
role has to exist and to trust S3 Batch Operations; a version that cannot be changed is a failed task, in the report.
"""

import csv
import io
import json
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

from moto.core.exceptions import ServiceException
from moto.iam.models import iam_backends
from moto.s3.exceptions import S3ClientError
from moto.s3.models import S3Backend, s3_backends
from moto.s3.responses import S3Response

PATH = "/v20180820/jobs"
SERVICE = "batchoperations.s3.amazonaws.com"
NAMESPACE = "http://awss3control.amazonaws.com/doc/2018-08-20/"
Answer = tuple[str, str]
"""Status line, and body."""


class BadRequest(Exception):
    """What CreateJob refuses."""


@dataclass
class Job:
    """One job, and how it went."""

    id: str
    status: str
    succeeded: int = 0
    failed: int = 0

    def document(self) -> str:
        """Return it as DescribeJob answers."""
        return (
            f'<DescribeJobResult xmlns="{NAMESPACE}"><Job><JobId>{self.id}</JobId><Status>{self.status}</Status>'
            f"<ProgressSummary><TotalNumberOfTasks>{self.succeeded + self.failed}</TotalNumberOfTasks>"
            f"<NumberOfTasksSucceeded>{self.succeeded}</NumberOfTasksSucceeded>"
            f"<NumberOfTasksFailed>{self.failed}</NumberOfTasksFailed></ProgressSummary></Job></DescribeJobResult>"
        )


class BatchOperations:
    """The jobs of every account. Takes requests below PATH, and nothing else."""

    def __init__(self) -> None:
        self.jobs: dict[str, Job] = {}
        self._by_token: dict[str, Job] = {}

    def answer(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request, as WSGI has it."""
        try:
            status, body = self._routed(environ)
        except BadRequest as refused:
            status, body = "400 Bad Request", _error("InvalidRequest", str(refused))
        start_response(status, [("Content-Type", "application/xml")])
        return [body.encode()]

    def _routed(self, environ: dict[str, Any]) -> Answer:
        method, rest = environ["REQUEST_METHOD"], environ["PATH_INFO"].removeprefix(PATH).strip("/")
        if method == "POST" and not rest:
            raw = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            made = self.create(environ["HTTP_X_AMZ_ACCOUNT_ID"], _plain(ElementTree.fromstring(raw)))  # noqa: S314
            return "200 OK", f'<CreateJobResult xmlns="{NAMESPACE}"><JobId>{made.id}</JobId></CreateJobResult>'
        if method == "GET" and rest in self.jobs:
            return "200 OK", self.jobs[rest].document()
        return "404 Not Found", _error("NoSuchJob", "The specified job does not exist")

    def create(self, account: str, asked: dict[str, Any]) -> Job:
        """Return the job that CreateJob makes of `asked`, or made of the same token before. Raises BadRequest."""
        token = str(asked["ClientRequestToken"])
        if token in self._by_token:
            return self._by_token[token]
        if len(token) > 64:
            raise BadRequest("ClientRequestToken is longer than 64 characters")
        _check_role(account, asked["RoleArn"])
        backend = s3_backends[account]["aws"]
        rows = _rows(backend, asked["Manifest"]["Location"])
        made = Job(str(uuid.uuid4()), "Suspended")
        if asked["ConfirmationRequired"] == "false":
            self._carry_out(backend, made, asked, rows)
        self.jobs[made.id] = self._by_token[token] = made
        return made

    def _carry_out(self, backend: S3Backend, made: Job, asked: dict[str, Any], rows: list[list[str]]) -> None:
        failures: list[list[str]] = []
        for bucket, key, version in rows:
            try:
                _change(backend, asked["Operation"], bucket, unquote(key), version)
                made.succeeded += 1
            except (ServiceException, S3ClientError, KeyError, AttributeError) as error:
                failures.append([bucket, key, version, "failed", "400", type(error).__name__, "", str(error)])
        made.failed, made.status = len(failures), "Complete"
        report = asked["Report"]
        written = io.StringIO()
        csv.writer(written).writerows(failures)
        where = report["Bucket"].rpartition(":")[2]
        key = f"{report['Prefix']}/job-{made.id}/results/{uuid.uuid4().hex}.csv"
        backend.put_object(where, key, written.getvalue().encode())


def _change(backend: S3Backend, operation: dict[str, Any], bucket: str, key: str, version: str) -> None:
    if (item := backend.get_object(bucket, key, version_id=version)) is None:
        raise KeyError(f"{key} has no version {version}")
    if hold := operation.get("S3PutObjectLegalHold"):
        backend.put_object_legal_hold(bucket, key, version, hold["LegalHold"]["Status"])
        return
    wanted = operation["S3PutObjectRetention"]["Retention"]
    if item.lock_until and str(item.lock_until) > wanted["RetainUntilDate"]:
        raise KeyError("AccessDenied: it is locked for longer")
    backend.put_object_retention(bucket, key, version, (wanted["Mode"], wanted["RetainUntilDate"]))


def _check_role(account: str, arn: str) -> None:
    try:
        role = iam_backends[account]["aws"].get_role(arn.rpartition("/")[2])
    except ServiceException as error:
        raise BadRequest(f"the role {arn} does not exist") from error
    trusted = json.loads(role.assume_role_policy_document)["Statement"]
    if not any(SERVICE in json.dumps(statement["Principal"]) for statement in trusted):
        raise BadRequest(f"the role {arn} does not trust {SERVICE}")


def _rows(backend: S3Backend, where: dict[str, str]) -> list[list[str]]:
    bucket, _, key = where["ObjectArn"].partition(":::")[2].partition("/")
    item = backend.get_object(bucket, key)
    if item is None or item.etag.strip('"') != where["ETag"].strip('"'):
        raise BadRequest("the manifest is not there, or is not the one that its ETag names")
    if item.encryption == "aws:kms":
        raise BadRequest("manifests that are encrypted with a KMS key are not supported")
    return list(csv.reader(io.StringIO(item.value.decode())))


def _plain(element: ElementTree.Element) -> Any:
    """Return XML as mappings of its elements' local names; no element of CreateJob that is read here is a list."""
    if not len(element):
        return element.text or ""
    return {child.tag.rpartition("}")[2]: _plain(child) for child in element}


def _error(code: str, message: str) -> str:
    return f"<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"


def answer_retention(original: Callable[..., Any]) -> Callable[..., Any]:
    """Return what takes the place of S3Response's GET of a key: with `?retention` it says the version's lock."""

    def answer(self: S3Response, query: dict[str, Any], key_name: str) -> Any:
        if "retention" not in query:
            return original(self, query, key_name)
        item, _ = self._get_key()
        if not item.lock_until:
            code = "NoSuchObjectLockConfiguration"
            return 404, {}, f"<Error><Code>{code}</Code><Message>The version is not locked</Message></Error>"
        lock = f"<Mode>{item.lock_mode}</Mode><RetainUntilDate>{item.lock_until}</RetainUntilDate>"
        return 200, {}, f"<Retention>{lock}</Retention>"

    return answer
