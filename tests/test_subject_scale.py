"""Requests about one person take the same memory however many records there are, theirs or others'.

`python -m tests.subject_scale export 300000` measures more than there is time for here (docs/performance.md).
"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.factories import ROOT

RECORDS = 100_000
MEMORY_BYTES, GROWTH_BYTES = 300 * 1024**2, 8 * 1024**2


@pytest.mark.parametrize("what", ["export", "erase"])
def test_memory_does_not_grow_with_the_records(what: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "tests.subject_scale", what, str(RECORDS)],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout)
    assert found["found"] == RECORDS // 2
    assert found["peak_bytes"] < MEMORY_BYTES
    assert found["grown_bytes"] < GROWTH_BYTES, "memory grows with the records"
