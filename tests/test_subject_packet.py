"""What a request hands over is encrypted from its first byte, and a crash leaves nothing that can be read."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyrage
import pytest

from infra.archive.records import hot_record
from infra.problems import InputError
from infra.subject.identity import matcher, subject
from infra.subject.packet import packet, recipient, seal

SENTINEL = b"sentinel-of-a-family-5f1c"
KILLED = """
import os, signal, sys
from pathlib import Path
from infra.subject.packet import packet, recipient, seal
def pieces():
    for _ in range(64):
        yield b"%s" * 1000
    os.kill(os.getpid(), signal.SIGKILL)
with packet(Path(sys.argv[1]) / "out") as directory:
    seal(directory, "records.jsonl", pieces(), recipient(sys.argv[2]))
"""


def test_a_killed_request_leaves_ciphertext_without_an_end_and_the_next_one_removes_it(tmp_path: Path) -> None:
    identity = pyrage.x25519.Identity.generate()
    script = KILLED % SENTINEL.decode()
    ended = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path), str(identity.to_public())], timeout=60, check=False
    )
    assert ended.returncode == -signal.SIGKILL
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path.name for path in left] == ["records.jsonl.age"]
    assert left[0].stat().st_size > 0
    assert SENTINEL not in left[0].read_bytes()
    with packet(tmp_path / "out") as directory:
        seal(directory, "records.jsonl", [SENTINEL], recipient(str(identity.to_public())))
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert pyrage.decrypt((tmp_path / "out" / "records.jsonl.age").read_bytes(), [identity]) == SENTINEL


def test_an_error_while_reading_comes_through_and_leaves_nothing(tmp_path: Path) -> None:
    def pieces() -> Iterator[bytes]:
        yield SENTINEL
        raise LookupError("as it was")

    to = recipient(str(pyrage.x25519.Identity.generate().to_public()))
    with pytest.raises(LookupError, match="as it was"), packet(tmp_path / "out") as directory:
        seal(directory, "records.jsonl", pieces(), to)
    assert list(tmp_path.iterdir()) == []


def test_a_secret_key_is_no_recipient_and_is_not_repeated() -> None:
    secret = str(pyrage.x25519.Identity.generate())
    with pytest.raises(InputError) as refused:
        recipient(secret)
    assert secret not in str(refused.value)


def test_a_wrong_identifier_is_named_by_its_line_and_never_repeated() -> None:
    with pytest.raises(InputError) as refused:
        subject("42", ["email=a@example.com", "email=sentinel-5f1c"])
    assert "line 2" in str(refused.value)
    assert "sentinel" not in str(refused.value)


@pytest.mark.parametrize(
    ("attributes", "about"),
    [
        ('"user_id":"42"', True),
        ('"user_id":"421"', False),
        ('"url.path":"/api/users/circles/7/members/42/"', True),
        ('"url.path":"/api/keeps/42/"', False),
        ('"event":"audit.keep.deleted","target_id":"42"', False),
        ('"event":"audit.user.signup","target_id":"42"', True),
        ('"circle_id":"7"', True),
        ('"circle_id":"7","user_id":"43"', False),
    ],
)
def test_an_id_counts_only_where_it_is_a_users(attributes: str, about: bool) -> None:
    found = hot_record("group", 1_000, f'{{"attributes":{{{attributes}}}}}', 0)
    assert bool(matcher(subject("42", ["circle=7"]), {}).why(found)) is about
