"""Made-up archives behind AWS's own API, on loopback: objects exist while they are read, so that no disk has to hold them.

It knows what reading an archive takes, and no more: ListObjectsV2 and GetObject, KMS's GetPublicKey, FilterLogEvents.
"""

from __future__ import annotations

import bisect
import json
import sys
import threading
import urllib.parse
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from xml.sax.saxutils import escape

from sandbox.archive_exports import Signer, Stored, public_key_answer

PAGE = 1_000
"""ListObjectsV2 answers with up to so many keys (S3 API reference)."""


@dataclass(frozen=True)
class Cloud:
    """What is served."""

    buckets: Mapping[str, Mapping[str, Stored]]
    """Bucket to key to object."""
    announcements: Sequence[str]
    """Messages of the log stream in which manifests are announced."""
    signer: Signer


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.keys = {bucket: sorted(objects) for bucket, objects in cloud.buckets.items()}
        self.served_bytes = 0
        super().__init__(("127.0.0.1", 0), _Answers)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say what went wrong here; whoever ends in the middle of an answer, as a stopped command does, needs none."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Answers(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer S3's GetObject or ListObjectsV2."""
        parts = urllib.parse.urlsplit(self.path)
        bucket, _, key = urllib.parse.unquote(parts.path).lstrip("/").partition("/")
        if not key:
            self._say(self._listing(bucket, dict(urllib.parse.parse_qsl(parts.query))), "application/xml")
        elif (found := self.server.cloud.buckets.get(bucket, {}).get(key)) is not None:
            self._say(found.read(), "application/octet-stream")
            self.server.served_bytes += found.size
        else:
            self._say(b"<Error><Code>NoSuchKey</Code></Error>", "application/xml", 404)

    def do_POST(self) -> None:
        """Answer KMS's GetPublicKey or CloudWatch Logs' FilterLogEvents, which both come as JSON."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        match self.headers.get("X-Amz-Target", "").rpartition(".")[2]:
            case "GetPublicKey":
                answer: Mapping[str, object] = public_key_answer(self.server.cloud.signer)
            case "FilterLogEvents":
                answer = {"events": [{"message": message} for message in self.server.cloud.announcements]}
            case _:
                self._say(b'{"__type":"InvalidAction"}', "application/x-amz-json-1.1", 400)
                return
        self._say(json.dumps(answer).encode(), "application/x-amz-json-1.1")

    def _listing(self, bucket: str, query: Mapping[str, str]) -> bytes:
        prefix, after = query.get("prefix", ""), query.get("continuation-token") or query.get("start-after", "")
        keys = self.server.keys.get(bucket, [])
        first = max(bisect.bisect_left(keys, prefix), bisect.bisect_right(keys, after))
        found = [key for key in keys[first : first + PAGE + 1] if key.startswith(prefix)]
        page, more = found[:PAGE], len(found) > PAGE
        objects = self.server.cloud.buckets.get(bucket, {})
        items = "".join(
            f"<Contents><Key>{escape(key)}</Key><LastModified>2026-11-10T00:00:00.000Z</LastModified>"
            f"<Size>{objects[key].size}</Size><StorageClass>STANDARD</StorageClass></Contents>"
            for key in page
        )
        token = f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>" if more else ""
        return f"<ListBucketResult><IsTruncated>{str(more).lower()}</IsTruncated>{token}{items}</ListBucketResult>".encode()

    def _say(self, body: bytes, kind: str, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@dataclass(frozen=True)
class Serving:
    """A cloud that is being served."""

    endpoint: str
    served_bytes: Callable[[], int]
    """Returns the bytes of the objects that were read so far."""


@contextmanager
def serving(cloud: Cloud) -> Iterator[Serving]:
    """Serve `cloud` on loopback until the block ends."""
    server = _Server(cloud)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield Serving(f"http://127.0.0.1:{server.server_port}", lambda: server.served_bytes)
    finally:
        server.shutdown()
        server.server_close()
