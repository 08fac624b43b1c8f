"""The child process that is moto: started by moto_server.py, never imported.

It binds a free port itself and reports it (choosing the port in the parent would be a race), and it lives
exactly as long as its standard input is open: however the parent ends, SIGKILL included, the kernel closes
that pipe and moto ends with it. Unlike PR_SET_PDEATHSIG this holds on macOS too, and does not
depend on which thread of the parent started the child.
"""

from __future__ import annotations

import datetime
import gzip
import io
import json
import logging
import os
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from pathlib import Path
from typing import Any

from moto.awslambda.models import LambdaFunction
from moto.iam.policy_validation import SERVICE_TYPE_REGION_INFORMATION_ERROR_ASSOCIATIONS
from moto.logs.exceptions import ResourceNotFoundException
from moto.logs.models import ExportTask, LogsBackend
from moto.moto_api._internal import mock_random
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from moto.s3.exceptions import InvalidBucketState
from moto.s3.models import S3Backend, s3_backends
from moto.s3.responses import S3Response
from werkzeug.serving import make_server

JOBS = "/v20180820/jobs"
CHECKSUM, ALGORITHM = "HTTP_X_AMZ_CHECKSUM_", "HTTP_X_AMZ_SDK_CHECKSUM_ALGORITHM"


class ChecksumsNamed(DomainDispatcherApplication):
    """moto, told the algorithm of each checksum that it is given, with S3 Batch Operations beside it.

    A bucket with a default lock takes only objects with Content-MD5 or a checksum. S3 counts any `x-amz-checksum-*`
    header as one (User Guide, "Managing Object Lock", uploads); moto 5.2 looks for the algorithm's own header, which
    the Go SDK, and so the collector's exporter, does not send beside it.
    """

    def __init__(self, create_app: Any, jobs: Any) -> None:
        super().__init__(create_app)
        self._jobs = jobs

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        """Answer one request."""
        if environ["PATH_INFO"].startswith(JOBS):
            return self._jobs.answer(environ, start_response)
        given = [name.removeprefix(CHECKSUM) for name in environ if name.startswith(CHECKSUM)]
        if given and ALGORITHM not in environ:
            environ[ALGORITHM] = given[0]
        return super().__call__(environ, start_response)


def lock_where_objects_are(
    self: S3Backend,
    bucket_name: str,
    lock_enabled: bool,  # noqa: FBT001 - moto's signature
    mode: str | None = None,
    days: int | None = None,
    years: int | None = None,
) -> None:
    """Take moto's place of PutObjectLockConfiguration: a bucket that holds objects takes one too.

    S3 does so since November 2023 (User Guide, "Configuring S3 Object Lock", existing buckets); moto 5.2 asks for an
    empty bucket.
    """
    bucket = self.get_bucket(bucket_name)
    if not bucket.is_versioned:
        raise InvalidBucketState("Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration")
    bucket.object_lock_enabled = bucket.object_lock_enabled or lock_enabled
    bucket.default_lock_mode, bucket.default_lock_days, bucket.default_lock_years = mode, days, years


def export_as_cloudwatch_does(self: LogsBackend, **asked: Any) -> str:
    """Take moto's place of CreateExportTask: objects below the task's id, times in UTC to the millisecond.

    moto 5.2 puts them below a random id that nobody is told, and its write test into the root of the bucket; it writes
    times in this machine's zone and without their milliseconds, and says of no task when it was created.
    """
    if asked["logGroupName"] not in self.groups:
        raise ResourceNotFoundException()
    started, task_id = int(time.time() * 1000), str(mock_random.uuid4())
    bucket, below = asked["destination"], asked["destinationPrefix"]
    objects = s3_backends[self.account_id][self.partition]
    objects.put_object(bucket, f"{below}/aws-logs-write-test", b"Permission Check Successful")
    for name, stream in self.groups[asked["logGroupName"]].streams.items():
        events = [it for it in stream.events if asked["fromTime"] <= it.timestamp <= asked["to"]]
        lines = "".join(
            f"{_written(it.timestamp)} {it.message}\n" for it in sorted(events, key=lambda it: it.timestamp)
        )
        if events:
            key = f"{below}/{task_id}/{name.replace('/', '-')}/000000.gz"
            objects.put_object(bucket, key, gzip.compress(lines.encode(), mtime=0))
    task = ExportTask(task_id, asked["taskName"], asked["logGroupName"], bucket, below, asked["fromTime"], asked["to"])
    task.status = {"code": "COMPLETED", "message": "Completed successfully"}
    times = {"creationTime": started, "completionTime": int(time.time() * 1000)}
    document = {**task.to_json(), "executionInfo": times}
    task.to_json = lambda: document  # type: ignore[method-assign]
    self.export_tasks[task_id] = task
    return task_id


CALL = """
import importlib, json, sys, time
folder, handler, timeout = sys.argv[1:]
sys.path.insert(0, folder)
module, _, name = handler.rpartition(".")
class Context:
    ends = time.monotonic() + float(timeout)
    def get_remaining_time_in_millis(self):
        return int((self.ends - time.monotonic()) * 1000)
event = json.load(sys.stdin)
try:
    answer, failed = getattr(importlib.import_module(module), name)(event, Context()), False
except Exception as error:
    answer, failed = {"errorMessage": str(error), "errorType": type(error).__name__}, True
print()
print(json.dumps([answer, failed]))
"""
"""What Lambda's runtime does with one event: the last line of the output is the answer, and whether it is an error."""


def call_as_lambda_does(self: LambdaFunction, event: Any = None) -> tuple[str, bool, str]:
    """Take moto's place of running a function, which takes Docker: run what was deployed, in a process of its own.

    It has boto3, the function's archive and this cloud, and nothing of the checkout. Nothing limits its memory, and no
    role of its own: it may do whatever moto lets anybody do.
    """
    with tempfile.TemporaryDirectory(prefix="function-") as folder:
        zipfile.ZipFile(io.BytesIO(self.code_bytes)).extractall(folder)
        found = subprocess.run(
            [sys.executable, "-I", "-c", CALL, folder, str(self.handler), str(self.timeout)],
            input=json.dumps(event) if not isinstance(event, str) else event,
            env={**self.environment_vars, **ADDRESS, "AWS_REGION": self.region, "AWS_DEFAULT_REGION": self.region},
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=float(self.timeout),
        )
    if found.returncode:
        ended = {"errorMessage": found.stderr.strip().splitlines()[-1:], "errorType": "Runtime.ExitError"}
        return json.dumps(ended), True, found.stdout + found.stderr
    log, _, last = found.stdout.rstrip("\n").rpartition("\n")
    answer, failed = json.loads(last)
    return json.dumps(answer), failed, log + found.stderr


ADDRESS: dict[str, str] = {}
"""Variables under which a function reaches this process."""


def _written(milliseconds: int) -> str:
    moment = datetime.datetime.fromtimestamp(milliseconds / 1000, datetime.UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def main() -> None:
    """Serve moto on a free port of 127.0.0.1 until standard input ends."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # one line a request would only fill the disk
    LogsBackend.create_export_task = export_as_cloudwatch_does  # type: ignore[method-assign,assignment]
    S3Backend.put_object_lock_configuration = lock_where_objects_are  # type: ignore[method-assign]
    LambdaFunction._invoke_lambda = call_as_lambda_does  # type: ignore[method-assign]
    # A job's ARN names its region, as an access point's does (Service Authorization Reference, Amazon S3).
    SERVICE_TYPE_REGION_INFORMATION_ERROR_ASSOCIATIONS["s3"]["valid_starting_values"].append("job/")
    # Last, so that no module of this repository can take the place of another one's.
    sys.path.append(str(Path(__file__).resolve().parents[2]))
    from sandbox.doubles.moto_batch import BatchOperations, answer_retention

    S3Response._key_response_get = answer_retention(S3Response._key_response_get)  # type: ignore[method-assign]
    app = ChecksumsNamed(create_backend_app, BatchOperations())
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=MotoRequestHandler)
    keys = {name: value for name, value in os.environ.items() if name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    ADDRESS.update(keys, AWS_ENDPOINT_URL=f"http://127.0.0.1:{server.server_port}")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({"port": server.server_port}), flush=True)
    sys.stdin.buffer.read()
    os._exit(0)  # moto keeps nothing worth an orderly end, and its request threads could delay one


if __name__ == "__main__":
    main()
