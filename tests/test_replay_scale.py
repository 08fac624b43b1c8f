"""A replay takes the same memory whatever the window holds, and time by the record."""

from __future__ import annotations

import json
import subprocess
import sys

from sandbox.perf.replay import EACH, MEMORY_BAR_MIB
from tests.factories import ROOT

FEW, MANY = 2 * EACH, 18 * EACH
PROGRAM = """
import json
from dataclasses import asdict
from sandbox.perf.replay import measure
print(json.dumps([asdict(measure(count)) for count in %s]))
"""


def test_memory_is_bounded_and_time_grows_with_the_number_of_records() -> None:
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM % [FEW, MANY]], cwd=ROOT, capture_output=True, text=True, timeout=200, check=True
    )
    few, many = json.loads(result.stdout)

    assert many["memory_mib"] < MEMORY_BAR_MIB
    assert many["memory_mib"] < few["memory_mib"] + 30
    assert many["seconds"] / MANY < 2 * few["seconds"] / FEW
