"""`make archive-export` and `make archive-verify`: bad input is refused with what is allowed, progress ends, failures show."""

import datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from infra.archive.__main__ import app
from infra.archive.commands_export import GIVES_UP_AFTER, UNANSWERED, carry_out
from infra.export.plan import Wanted
from infra.export.problems import ExportError, LaterError

YESTERDAY = datetime.datetime.now(datetime.UTC).date() - datetime.timedelta(days=1)
WANTED = Wanted(YESTERDAY, YESTERDAY, datetime.datetime.now(datetime.UTC))


def run(command: str, *arguments: str) -> Any:
    return CliRunner().invoke(app, [command, *arguments])


@pytest.mark.parametrize("command", ["export", "verify"])
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--from", "", "--to", ""], "not a day"),
        (["--from", str(YESTERDAY), "--to", str(YESTERDAY), "--stack", "production"], "production"),
    ],
)
def test_bad_input_is_refused_before_anything_is_asked_of_aws(command: str, arguments: list[str], says: str) -> None:
    result = run(command, *arguments)
    assert result.exit_code == 2, result.output
    assert says in " ".join(result.output.split())


def test_offline_needs_the_public_key_and_a_copy(tmp_path: Path) -> None:
    window = ["--from", str(YESTERDAY), "--to", str(YESTERDAY)]
    assert "--public-key" in run("verify", *window, "--offline", str(tmp_path)).output
    key = tmp_path / "key.pem"
    key.write_text("no key")
    missing = run("verify", *window, "--offline", str(tmp_path / "none"), "--public-key", str(key))
    assert (missing.exit_code, "is no directory" in missing.output) == (2, True)
    bad = run("verify", *window, "--offline", str(tmp_path), "--public-key", str(key))
    assert (bad.exit_code, "no public key" in bad.output) == (2, True)


def answers(*kinds: str, **more: Any) -> list[dict[str, Any]]:
    return [{"kind": kind, "done": kind, "days_left": 1, "said": {}, "problems": {}, **more} for kind in kinds]


def carried(found: list[dict[str, Any]]) -> bool:
    left = iter(found)
    return carry_out(lambda _: next(left), WANTED, patience=0)


def test_steps_are_taken_until_nothing_is_left() -> None:
    assert carried(answers("export", "wait", "record", "nothing")) is False


def test_what_could_not_be_exported_makes_the_command_fail() -> None:
    assert carried(answers("nothing", problems={"/group": ["it takes a permission"]})) is True


def test_a_task_that_fails_again_and_again_is_given_up() -> None:
    assert carried(answers("export", failed_tasks={"audit": GIVES_UP_AFTER})) is True


def test_when_aws_asks_for_patience_the_command_has_it() -> None:
    calls = 0

    def step(_: Wanted) -> dict[str, Any]:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise LaterError("AWS says ThrottlingException")
        return answers("nothing")[0]

    assert carry_out(step, WANTED, patience=0) is False
    assert calls == 2


def test_when_aws_is_never_reached_the_command_ends_and_says_so() -> None:
    calls = 0

    def step(_: Wanted) -> dict[str, Any]:
        nonlocal calls
        calls += 1
        raise LaterError("listing export tasks: EndpointConnectionError")

    with pytest.raises(ExportError, match=r"EndpointConnectionError: 40 times in a row\. The same command carries on"):
        carry_out(step, WANTED, patience=0)
    assert calls == UNANSWERED
