"""What the pipeline promises: refused where it could not be kept or measured."""

from pathlib import Path
from typing import Any

import pytest

from tests.policy_edits import refusal


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (
            "objectives.0.warning_percent.prod",
            99.5,
            "warning_percent.prod: warns when it is too late. Allowed: above 99.5",
        ),
        ("objectives.1.measures", "freshness", "objectives.1.measures: a second freshness. Allowed: each once"),
        ("objectives.2.target_percent.prod", 100, "objectives.2.target_percent.prod: Input should be less than 100"),
        ("slice_seconds", 120, "slice_seconds: not one of the known values. Allowed: 60 or 300"),
    ],
)
def test_a_promise_that_cannot_be_kept_or_measured_is_refused(tmp_path: Path, path: str, value: Any, said: str) -> None:
    text = refusal(tmp_path, "objectives.yaml", path, value)
    assert "policy/objectives.yaml: " in text
    assert said in text
