"""`python -m sandbox.perf.search`: how long and in how much memory the archive's search takes, by number of records.

Objects are made when they are asked for, by a server on loopback that knows no more of S3 than listing and reading, so
that fifty million records need no disk. The command that is measured is the one that people start.
"""

from __future__ import annotations

import datetime as dt
import functools
import os
import subprocess
import sys
import threading
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from xml.sax.saxutils import escape

from rich.console import Console
from rich.table import Table

from infra.stack import ROOT
from infra.stack_file import context_from_file
from sandbox.archives import RECORDS_AN_OBJECT, Archive, request_of
from sandbox.doubles.aws_clients import SANDBOX_CREDENTIALS

DAY = dt.datetime(2026, 11, 10, tzinfo=dt.UTC)
PAGE = 1_000
MILLIONS = (1, 2, 5, 10)
SPREAD_HOURS = 24


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, bucket: str, archive: Archive) -> None:
        self.bucket, self.archive = bucket, archive
        self.keys = archive.keys()
        self.place = {key: at for at, key in enumerate(self.keys)}
        self.made = functools.lru_cache(maxsize=64)(archive.object)
        super().__init__(("127.0.0.1", 0), _Answers)


class _Answers(BaseHTTPRequestHandler):
    """GetObject and ListObjectsV2 of one bucket (S3 API reference)."""

    server: _Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer one request."""
        parts = urllib.parse.urlsplit(self.path)
        bucket, _, key = urllib.parse.unquote(parts.path).lstrip("/").partition("/")
        if key:
            self._say(self.server.made(self.server.place[key]).content, "application/octet-stream")
        else:
            query = dict(urllib.parse.parse_qsl(parts.query))
            self._say(self._listing(query if bucket == self.server.bucket else {"prefix": "none/"}), "application/xml")

    def _listing(self, query: dict[str, str]) -> bytes:
        after = query.get("continuation-token") or query.get("start-after", "")
        found = [key for key in self.server.keys if key.startswith(query.get("prefix", "")) and key > after]
        page, more = found[:PAGE], len(found) > PAGE
        items = "".join(
            f"<Contents><Key>{escape(key)}</Key><LastModified>2026-11-10T00:00:00.000Z</LastModified><Size>375000</Size>"
            "<StorageClass>STANDARD</StorageClass></Contents>"
            for key in page
        )
        token = f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>" if more else ""
        return f"<ListBucketResult><IsTruncated>{str(more).lower()}</IsTruncated>{token}{items}</ListBucketResult>".encode()

    def _say(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serving(bucket: str, archive: Archive) -> Iterator[str]:
    """Serve `archive` as `bucket` on loopback, and yield the endpoint."""
    server = _Server(bucket, archive)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def measure(endpoint: str, *arguments: str) -> tuple[float, float, float]:
    """Return CPU seconds, elapsed seconds and the peak of memory in MiB of one search."""
    window = ("--from", "2026-11-10", "--to", "2026-11-11")
    started = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "infra.archive", "search", *arguments, *window, "--stack", "prod", "--output", "jsonl"],
        cwd=ROOT,
        env=SANDBOX_CREDENTIALS.child_environment("us-east-1") | {"AWS_ENDPOINT_URL": endpoint},
        stdout=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit("the search failed; what it said stands above")
    unit = 1 if sys.platform == "darwin" else 1024  # getrusage(2) counts in KiB on Linux
    return used.ru_utime + used.ru_stime, time.monotonic() - started, used.ru_maxrss * unit / 1024**2


def main(millions: list[int]) -> None:
    """Measure each number of millions and print the table."""
    bucket = context_from_file("prod", ROOT, dt.datetime.now(dt.UTC).date()).archive_bucket("audit")
    console, table = Console(), Table("records", "objects", "CPU s", "elapsed s", "peak MiB")
    with console.status("searching ..."):
        for many in millions:
            archive = Archive(cls="audit", start=DAY, records=many * 1_000_000, hours=SPREAD_HOURS)
            with serving(bucket, archive) as endpoint:
                wanted = f"request_id={request_of(archive.records // 2)}"
                cpu, elapsed, peak = measure(endpoint, "one-request", wanted, "--class", "audit")
            table.add_row(
                f"{many:,} million",
                f"{-(-archive.records // RECORDS_AN_OBJECT):,}",
                f"{cpu:.1f}",
                f"{elapsed:.1f}",
                f"{peak:.0f}",
            )
    console.print(table)


if __name__ == "__main__":
    main([int(given) for given in sys.argv[1:]] or list(MILLIONS))
