"""The child process that is moto: started by moto_server.py, never imported.

It binds a free port itself and reports it (choosing the port in the parent would be a race), and it lives
exactly as long as its standard input is open: however the parent ends, SIGKILL included, the kernel closes
that pipe and moto ends with it. Unlike PR_SET_PDEATHSIG this holds on macOS too, and does not
depend on which thread of the parent started the child.
"""

from __future__ import annotations

import datetime
import gzip
import json
import logging
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

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


def _written(milliseconds: int) -> str:
    moment = datetime.datetime.fromtimestamp(milliseconds / 1000, datetime.UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def main() -> None:
    """Serve moto on a free port of 127.0.0.1 until standard input ends."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # one line a request would only fill the disk
    LogsBackend.create_export_task = export_as_cloudwatch_does  # type: ignore[method-assign,assignment]
    S3Backend.put_object_lock_configuration = lock_where_objects_are  # type: ignore[method-assign]
    # A job's ARN names its region, as an access point's does (Service Authorization Reference, Amazon S3).
    SERVICE_TYPE_REGION_INFORMATION_ERROR_ASSOCIATIONS["s3"]["valid_starting_values"].append("job/")
    # Last, so that no module of this repository can take the place of another one's.
    sys.path.append(str(Path(__file__).resolve().parents[2]))
    from sandbox.doubles.moto_batch import BatchOperations, answer_retention

    S3Response._key_response_get = answer_retention(S3Response._key_response_get)  # type: ignore[method-assign]
    app = ChecksumsNamed(create_backend_app, BatchOperations())
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=MotoRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({"port": server.server_port}), flush=True)
    sys.stdin.buffer.read()
    os._exit(0)  # moto keeps nothing worth an orderly end, and its request threads could delay one


if __name__ == "__main__":
    main()
