"""A threaded HTTP/1.1 server on 127.0.0.1: keep-alive, bounded bodies, and a stop that leaves nothing open."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import urlsplit

logger = logging.getLogger(__name__)

STOP_SECONDS = 3.0
LINGER_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request as received: header names in lower case, repeated headers joined by commas, the body still encoded."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """What to answer. Content-Length is added on sending."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class HttpServer:
    """Calls `answer` for each GET and POST, each connection in a thread of its own.

    A body longer than `max_body_bytes`, one without Content-Length, or a chunked one is refused here (413,
    411) without calling `answer`. An exception from `answer` becomes a 500 and is logged.
    stop() also cuts the connections that clients keep alive, so a stopped server is down for everybody, as a
    crashed one would be; start() after it takes the same port again.
    """

    def __init__(self, answer: Callable[[HttpRequest], HttpResponse], *, max_body_bytes: int, port: int = 0) -> None:
        self._answer = answer
        self._max_body_bytes = max_body_bytes
        self._port = port
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """The port it listens on, or will again. 0 before the first start() unless one was asked for."""
        return self._port

    @property
    def url(self) -> str:
        """Scheme, host and port, without a path. RuntimeError before the first start()."""
        if self._port == 0:
            raise RuntimeError("the server has no port yet: call start() first")
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Listen, and serve from a background thread. OSError if the port is taken."""
        if self._server is not None:
            raise RuntimeError("the server is already running")
        self._server = _Server(self._port, self._answer, self._max_body_bytes)
        self._port = self._server.server_port
        # The poll interval bounds how long stop() waits for the accepting loop.
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Close the port and every connection. Harmless when it does not run."""
        server, thread, self._server, self._thread = self._server, self._thread, None, None
        if server is None or thread is None:
            return
        server.shutdown()
        thread.join(STOP_SECONDS)
        server.server_close()
        server.cut_connections()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, answer: Callable[[HttpRequest], HttpResponse], max_body_bytes: int) -> None:
        self.answer = answer
        self.max_body_bytes = max_body_bytes
        self._live: dict[socket.socket, threading.Thread] = {}
        self._lock = threading.Lock()
        super().__init__(("127.0.0.1", port), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        thread = threading.Thread(target=self.process_request_thread, args=(request, client_address), daemon=True)
        with self._lock:
            self._live[request] = thread
        thread.start()

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._live.pop(request, None)
        super().shutdown_request(request)

    def cut_connections(self) -> None:
        with self._lock:
            live = dict(self._live)
        for connection in live:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                logger.debug("the client had closed the connection first")
        for thread in live.values():
            thread.join(STOP_SECONDS)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - the base's signature
        # Only connection faults arrive here (_Handler turns the rest into a 500): a client that hangs up
        # in the middle is everyday life in a chaos test, and a traceback on stderr would not help anybody.
        logger.debug("connection from %s ended early", client_address, exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # one write for headers and body
    server: _Server

    def do_GET(self) -> None:
        self._serve(b"")

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if "Transfer-Encoding" in self.headers or not length.isascii() or not length.isdigit():
            self._refuse(HTTPStatus.LENGTH_REQUIRED)
        elif int(length) > self.server.max_body_bytes:
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        else:
            body = self.rfile.read(int(length))
            if len(body) < int(length):
                self.close_connection = True  # the client left in the middle of its request
            else:
                self._serve(body)

    def _serve(self, body: bytes) -> None:
        target = urlsplit(self.path)
        headers: dict[str, str] = {}
        for name, value in self.headers.items():
            known = headers.get(name.lower())
            headers[name.lower()] = value if known is None else f"{known},{value}"
        request = HttpRequest(self.command, target.path, target.query, headers, body)
        try:
            response = self.server.answer(request)
        except Exception:
            logger.exception("no answer to %s %s", self.command, target.path)
            response = HttpResponse(HTTPStatus.INTERNAL_SERVER_ERROR)
        self._send(response)

    def _refuse(self, status: HTTPStatus) -> None:
        # The body is not taken in, so the connection cannot carry another request. Closing it with bytes unread
        # would reset it, and the client would see that instead of the answer (RFC 9112, 9.6): so answer, then
        # throw away what is still on its way until the client closes, falls silent, or time is up.
        self.close_connection = True
        self._send(HttpResponse(status, headers={"Connection": "close"}))
        self.wfile.flush()
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            self.connection.settimeout(1)
            deadline = time.monotonic() + LINGER_SECONDS
            while time.monotonic() < deadline and self.connection.recv(65536):
                pass

    def _send(self, response: HttpResponse) -> None:
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        self.wfile.write(response.body)

    def log_message(self, format: str, *args: Any) -> None:
        """Stay silent: the doubles' stats say what arrived, and stderr belongs to the demo."""
