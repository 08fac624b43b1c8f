"""`python -m sandbox.perf.null_sink`: a sink in a process of its own that takes every POST and PUT and keeps nothing.

It prints its port first. An empty body is OTLP's full success in protobuf, and S3's answer to PutObject.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from infra.stack import ROOT


@contextmanager
def null_sink() -> Iterator[str]:
    """Run the sink until the block ends and yield its base address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox.perf.null_sink"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None  # noqa: S101 - a pipe was asked for
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.terminate()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


class _Take(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_PUT = do_POST  # noqa: N815 - the name that http.server calls

    def log_message(self, *_: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Take)
    print(server.server_port, flush=True)
    server.serve_forever()
