"""What a replay makes of the answers of the collector that it hands records to."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from infra.archive.replay import door
from infra.archive.replay.door import Door
from infra.archive.replay.errors import ReplayStoppedError


class Answering(ThreadingHTTPServer):
    """Answers with the next of a list of statuses and bodies, and remembers what it was asked."""

    daemon_threads = True

    def __init__(self, answers: list[tuple[int, bytes]]) -> None:
        self.answers, self.asked = answers, list[tuple[str, bytes]]()
        super().__init__(("127.0.0.1", 0), _Answer)


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        assert isinstance(self.server, Answering)
        self.server.asked.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
        status, body = self.server.answers.pop(0)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def at(*answers: tuple[int, bytes], patience: float = 5) -> Iterator[tuple[Door, Answering]]:
    server = Answering(list(answers))
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    handing = Door(f"http://127.0.0.1:{server.server_port}", patience)
    try:
        yield handing, server
    finally:
        handing.close()
        server.shutdown()
        server.server_close()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(door, "LONGEST_PAUSE", 0.05)


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_what_is_refused_for_the_moment_is_sent_again_as_it_was(status: int) -> None:
    with at((status, b""), (status, b""), (200, b"")) as (handing, server):
        handing.hand_over(b"{}")
        assert server.asked == [("/v1/replay", b"{}")] * 3


def test_patience_ends_and_the_answer_is_named() -> None:
    with (
        at(*[(503, b"")] * 50, patience=0.2) as (handing, _),
        pytest.raises(ReplayStoppedError, match=r"took nothing for 0\.2 s: it answered 503"),
    ):
        handing.hand_over(b"{}")


def test_a_collector_that_is_not_in_replay_mode_is_told_from_one_that_is() -> None:
    with at((404, b"")) as (handing, _), pytest.raises(ReplayStoppedError, match="not in replay mode"):
        handing.hand_over(b"{}")


def test_a_refusal_for_good_ends_the_replay_at_once() -> None:
    with at((400, b"")) as (handing, _), pytest.raises(ReplayStoppedError, match="for good: it answered 400"):
        handing.hand_over(b"{}")


def test_a_batch_of_which_some_was_rejected_does_not_pass_for_taken() -> None:
    partial = json.dumps({"partialSuccess": {"rejectedLogRecords": "3", "errorMessage": "sentinel"}}).encode()
    with at((200, partial)) as (handing, _), pytest.raises(ReplayStoppedError, match="rejected 3 records") as caught:
        handing.hand_over(b"{}")
    assert "sentinel" not in str(caught.value)


def test_a_collector_that_has_ended_is_not_waited_for() -> None:
    handing = Door("http://127.0.0.1:9", 60, lambda: "the collector ended with status 1")
    with pytest.raises(ReplayStoppedError, match="ended with status 1"):
        handing.hand_over(b"{}")
