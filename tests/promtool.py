"""Prometheus' own evaluation of the rendered rules, over series that a test gives it: `promtool test rules`."""

from __future__ import annotations

import functools
import os
import subprocess
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from sandbox.tools.errors import ToolMissingError
from sandbox.tools.locate import locate


@functools.cache
def executable() -> Path:
    """Return promtool; a test that needs it is skipped, with the reason, where it cannot be had."""
    try:
        return locate("promtool", obtain=False)
    except ToolMissingError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"no promtool: {error}")


@dataclass(frozen=True)
class Moment:
    """What has to be firing, and nothing else, at one time."""

    name: str
    second: int
    firing: Collection[str]
    among: Collection[str] = field(default=())
    """The alerts that are looked at; empty: all."""
    apart_from: Collection[str] = ()
    """Alerts that are not looked at."""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run promtool and return what it said."""
    return subprocess.run([str(executable()), *arguments], capture_output=True, text=True, check=False, timeout=60)


def check(rules: Path) -> None:
    """Fail unless promtool takes the rule file."""
    found = run("check", "rules", str(rules))
    assert found.returncode == 0, found.stdout + found.stderr


def evaluate(
    rules: Path, series: Mapping[str, str], interval_seconds: int, moments: Sequence[Moment], directory: Path
) -> None:
    """Fail unless exactly the alerts of each of `moments` fire, with `series` (name to values as promtool writes them)
    whose values are `interval_seconds` apart."""
    among = {name for moment in moments for name in moment.among or ("",)}
    document = {
        "rule_files": [str(rules if "" in among else _only(rules, among, directory))],
        "evaluation_interval": "60s",
        "tests": [
            {
                "interval": f"{interval_seconds}s",
                "input_series": [{"series": name, "values": values} for name, values in series.items()],
                "promql_expr_test": [_expected(moment) for moment in moments],
            }
        ],
    }
    path = directory / "rules_test.yaml"
    path.write_text(yaml.safe_dump(document, width=10_000_000))
    found = run("test", "rules", str(path))
    times = "; ".join(f"{moment.second // 60} min {moment.name}" for moment in moments)
    assert found.returncode == 0, f"{(found.stdout + found.stderr)[-4000:]}\n{times}"


def _only(rules: Path, names: set[str], directory: Path) -> Path:
    """Return a copy of the rule file with these alerts only: a day of all of them takes a minute to evaluate."""
    document = yaml.safe_load(rules.read_text())
    (group,) = document["groups"]
    group["rules"] = [rule for rule in group["rules"] if rule["alert"] in names]
    assert {rule["alert"] for rule in group["rules"]} == names
    path = directory / "some.rules.yaml"
    path.write_text(yaml.safe_dump(document, width=10_000_000))
    return path


def _expected(moment: Moment) -> dict[str, object]:
    only = f',alertname=~"{"|".join(sorted(moment.among))}"' if moment.among else ""
    only += f',alertname!~"{"|".join(sorted(moment.apart_from))}"' if moment.apart_from else ""
    return {
        "expr": f'group by (alertname) (ALERTS{{alertstate="firing"{only}}})',
        "eval_time": f"{moment.second}s",
        "exp_samples": [{"labels": f'{{alertname="{name}"}}', "value": 1} for name in sorted(moment.firing)],
    }
