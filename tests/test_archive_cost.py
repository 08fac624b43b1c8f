"""What each class's archive costs, as the command shows it."""

import pytest
from typer.testing import CliRunner

from infra.archive.__main__ import app
from tests.factories import STACKS, policy


@pytest.mark.parametrize("stack", STACKS)
def test_every_class_is_shown_with_what_policy_keeps_of_it(stack: str) -> None:
    found = CliRunner().invoke(app, ["cost", "--stack", stack], env={"COLUMNS": "200"})
    assert found.exit_code == 0, found.output
    rows = {line.split("│")[1].strip(): line for line in found.output.splitlines() if line.startswith("│")}
    for name, data_class in policy().data_classes.classes.items():
        keep_days = getattr(data_class.archive, stack).keep_days
        assert f" {keep_days} d " in rows[name]
    assert "sum" in rows


def test_a_stack_that_is_not_there_ends_with_two() -> None:
    found = CliRunner().invoke(app, ["cost", "--stack", "moon"])
    assert found.exit_code == 2
