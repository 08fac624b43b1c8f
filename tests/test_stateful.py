"""What holds records refuses deletion where the policy says so, and wherever the records are older than the stack."""

import pulumi
import pulumi_aws as aws
import pytest

from infra.components.stateful import stateful_options
from infra.context import Context
from tests.engine import Registered, deploy
from tests.factories import STACKS, context, in_stack


def group(which: Context, existing: str | None) -> Registered:
    def build() -> None:
        parent = pulumi.ComponentResource("tinybeans:logging:Test", "test", None, in_stack())
        aws.cloudwatch.LogGroup("group", name="/some/group", opts=stateful_options(which, parent, existing))

    return deploy(build).one("aws:cloudwatch/logGroup:LogGroup")


@pytest.mark.parametrize("stack", STACKS)
def test_what_was_adopted_is_protected_and_outlives_its_entry_in_every_environment(stack: str) -> None:
    adopted = group(context(stack), "/some/group")
    assert (adopted.protect, adopted.retain_on_delete) == (True, True)


@pytest.mark.parametrize("stack", STACKS)
def test_what_the_program_made_is_protected_as_the_policy_says(stack: str) -> None:
    made = group(context(stack), None)
    assert (made.protect, made.retain_on_delete) == (stack == "prod", False)


def test_a_confirmed_teardown_lets_both_go() -> None:
    torn = context("prod", teardown_confirmed="prod")
    for existing in (None, "/some/group"):
        assert (group(torn, existing).protect, group(torn, existing).retain_on_delete) == (False, False)
