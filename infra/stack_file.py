"""A stack's context straight from Pulumi.<stack>.yaml, without the engine: for rendering, tests and the sandbox."""

import datetime
import json
from collections.abc import Mapping
from pathlib import Path

from infra.context import Context
from infra.policy import load_policy
from infra.stack_config import PROJECT, load_settings
from infra.yaml_file import read_yaml


def stacks(root: Path) -> list[str]:
    """Return the names of the stacks that have a file in `root`."""
    return sorted(path.name.removeprefix("Pulumi.").removesuffix(".yaml") for path in root.glob("Pulumi.*.yaml"))


def stack_values(stack: str, root: Path) -> dict[str, str]:
    """Return the configuration in the stack's file as the engine hands it over: text, objects as JSON."""
    name = f"Pulumi.{stack}.yaml"
    document = read_yaml(root / name, name)
    prefix = f"{PROJECT}:"
    ours = {key.removeprefix(prefix): value for key, value in document["config"].items() if key.startswith(prefix)}
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in ours.items()}


def context_from_file(
    stack: str, root: Path, today: datetime.date, overrides: Mapping[str, str] | None = None
) -> Context:
    """Return the context of `stack` as its file and the policy under `root` say, with `overrides` in place of keys.

    Raises InputError as the program would.
    """
    policy = load_policy(root / "policy", today)
    values = {**stack_values(stack, root), **(overrides or {})}
    return Context(load_settings(stack, values, policy, {}), policy)
