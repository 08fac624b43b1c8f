"""Runbooks read as data: their headings, their commands, and the index. `python -m tests.runbooks` writes the index.

Commands stand in fenced blocks of three kinds:
  ```console sandbox   work as written beside `make sandbox`; a test runs each of them
  ```console aws       work at AWS only; the line before says why; names are checked against botocore's models
  ```console stack     work in a checkout with a stack, or take minutes; only what they call is checked to exist
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from infra.policy import Policy, load_policy
from tests.factories import ROOT

RUNBOOKS = ROOT / "docs" / "runbooks"
INDEX = RUNBOOKS / "README.md"
HEADINGS = (
    "Symptom",
    "What it means",
    "How to check",
    "How to fix",
    "How to know it is over",
    "What was lost",
)
KINDS = ("sandbox", "aws", "stack")
BLOCK = re.compile(r"^```(\S*)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INTRODUCTION = """# Runbooks

One for each alert ([policy/alerts.yaml](../../policy/alerts.yaml)) and each detection
([policy/detections.yaml](../../policy/detections.yaml)), all with the same six headings. The first command works as
written beside `make sandbox`, as does everything in a block `console sandbox`: a test runs them all. A block
`console aws` works at AWS only and says why; `console stack` takes a checkout with a stack. `<...>` is for you to fill in.

What can fail at all, and what covers it: [failure-modes.md](../failure-modes.md).
This table is made by `python -m tests.runbooks`.
"""


@dataclass(frozen=True)
class Block:
    """A fenced block of commands."""

    kind: str
    commands: tuple[str, ...]
    before: str
    """The last line of text before it."""


def pages() -> list[Path]:
    """Return every page below docs/runbooks but the index."""
    return sorted(path for path in RUNBOOKS.rglob("*.md") if path != INDEX)


def blocks(path: Path) -> list[Block]:
    """Return the blocks of commands on a page. Raises AssertionError for one of another kind."""
    text, found = path.read_text(encoding="utf-8"), []
    for match in BLOCK.finditer(text):
        language, kind, body = match.groups()
        assert language == "console", f"{path.name}: a block that is no console's: {language}"
        assert kind in KINDS, f"{path.name}: a block of unknown kind: {kind}; allowed: {KINDS}"
        before = [line for line in text[: match.start()].splitlines() if line.strip()]
        joined = body.replace("\\\n", " ")
        found.append(Block(kind, tuple(line for line in joined.splitlines() if line.strip()), before[-1]))
    return found


def commands(kind: str) -> Iterator[tuple[str, str]]:
    """Yield each command of a kind with the page it stands on first."""
    seen = set()
    for path in pages():
        for block in blocks(path):
            for command in block.commands:
                if block.kind == kind and command not in seen:
                    seen.add(command)
                    yield str(path.relative_to(ROOT)), command


def index(policy: Policy) -> str:
    """Return what docs/runbooks/README.md has to say."""
    lines = [INTRODUCTION, "| alert | severity | first command |", "|---|---|---|"]
    for name, alert in policy.alerts.alerts.items():
        lines.append(f"| [{name}]({name}.md) | {alert.severity} | `{first(name)}` |")
    lines += ["", "| detection | severity | first command |", "|---|---|---|"]
    for item in policy.detections.detections:
        severities = ", ".join(dict.fromkeys(str(case.urgency) for case in item.cases))
        lines.append(f"| [{item.name}]({item.name}.md) | {severities} | `{first(item.name)}` |")
    lines += ["", "| how to | first look |", "|---|---|"]
    for path in sorted((RUNBOOKS / "how-to").glob("*.md")):
        title = path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
        look = next(block.commands[0] for block in blocks(path) if block.kind == "sandbox")
        lines.append(f"| [{title}](how-to/{path.name}) | `{look}` |")
    return "\n".join(lines) + "\n"


def first(name: str) -> str:
    """Return the first command of a runbook."""
    return blocks(RUNBOOKS / f"{name}.md")[0].commands[0]


if __name__ == "__main__":
    INDEX.write_text(index(load_policy(ROOT / "policy", datetime.datetime.now(datetime.UTC).date())), encoding="utf-8")
