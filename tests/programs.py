"""The whole program of a stack under mocks, built once for each stack and mode, for the tests that look at all of it."""

import functools

import infra.program
from infra.stack import read_stack
from tests.engine import Deployment, deploy
from tests.factories import program_config


@functools.cache
def program(stack: str, *, preview: bool = False) -> Deployment:
    """Return everything that `pulumi up` (or a preview) registers for `stack`, from its own settings file."""
    values, secret_keys = program_config(stack)
    return deploy(
        lambda: infra.program.deploy(read_stack(stack)),
        stack=stack,
        preview=preview,
        config=values,
        secret_keys=secret_keys,
    )
