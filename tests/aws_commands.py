"""Commands of the AWS CLI checked against botocore's models: service, operation, parameters, and what is required.

The CLI derives its names from the same models: operations and parameters in words with dashes (botocore.xform_name).
What a value means is not checked.
"""

from __future__ import annotations

import functools
import shlex

import botocore.exceptions
import botocore.model
import botocore.session
from botocore import xform_name

COMMON = {"--query", "--output", "--region", "--profile", "--max-items", "--page-size", "--no-paginate"}
"""Options of every command (AWS CLI, command line options and pagination)."""
OWN = {("s3", "cp"), ("s3", "sync"), ("s3", "ls")}
"""Commands that the CLI adds of its own, with no operation behind them."""
CALLED = {"s3api": "s3"}
"""Services that the CLI calls otherwise than the models."""


@functools.cache
def service(name: str) -> botocore.model.ServiceModel:
    """Return a service's model. Raises UnknownServiceError."""
    return botocore.session.get_session().get_service_model(name)


def problem(command: str) -> str:
    """Return what is wrong with `command`, a line that begins with `aws`; nothing when all its names exist."""
    words = shlex.split(command, comments=True)
    if len(words) < 3 or words[0] != "aws":
        return "is no command of the AWS CLI"
    name, operation, rest = words[1], words[2], words[3:]
    if (name, operation) in OWN:
        return ""
    try:
        model = service(CALLED.get(name, name))
    except botocore.exceptions.UnknownServiceError:
        return f"there is no service {name}"
    if operation == "wait":
        loaded = botocore.session.get_session().get_waiter_model(name)
        waiters = {xform_name(item, "-"): loaded.get_waiter(item).operation for item in loaded.waiter_names}
        if not rest or rest[0] not in waiters:
            return f"there is no waiter {rest[:1]}; there are {sorted(waiters)}"
        return _parameters(model.operation_model(waiters[rest[0]]), rest[1:])
    operations = {xform_name(item, "-"): item for item in model.operation_names}
    if operation not in operations:
        return f"{name} has no operation {operation}"
    return _parameters(model.operation_model(operations[operation]), rest)


def _parameters(model: botocore.model.OperationModel, words: list[str]) -> str:
    shape = model.input_shape
    members = {f"--{xform_name(item, '-')}": item for item in (shape.members if shape else {})}
    given = {word for word in words if word.startswith("--")}
    known = set(members) | {f"--no-{item.removeprefix('--')}" for item in members} | COMMON
    if unknown := sorted(given - known):
        return f"{model.name} has no parameter {', '.join(unknown)}; it has {', '.join(sorted(members))}"
    asked = {item: xform_name(item, "-") for item in (shape.required_members if shape else [])}
    missing = [item for item, word in asked.items() if not given & {f"--{word}", f"--no-{word}"}]
    return f"{model.name} needs {', '.join(missing)}" if missing else ""
