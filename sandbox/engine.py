"""The sandbox stack in the real Pulumi engine: the repository's own program and settings, only the providers differ.

A directory of its own holds the project file with the sandbox's provider plugins, so that the Pulumi.yaml that
production reads never mentions them.
"""

import json
import os
import runpy
import secrets
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pulumi import automation as auto

from infra.secrets import CATALOGUE
from infra.stack import ROOT
from infra.stack_config import PROJECT
from sandbox.providers.cloud import ENDPOINT_VARIABLE
from sandbox.providers.plugin import PACKAGES, write_plugin

STACK = "sandbox"
Progress = Callable[[str], None]


def _quiet(_: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class Resource:
    """One resource in the stack's state."""

    type: str
    name: str
    urn: str
    parents: tuple[str, ...]
    """Types of the components around it, outermost first."""
    outputs: Mapping[str, Any] = field(repr=False)

    @property
    def component(self) -> str:
        """Return the outermost component's type, shortened to its last word."""
        return self.parents[0].rsplit(":", 1)[-1] if self.parents else "stack"


@dataclass(frozen=True)
class Timed:
    """What one engine operation did and how long it took."""

    operation: str
    seconds: float
    changes: Mapping[str, int]
    """Operation (create, update, same, ...) to number of resources."""

    @property
    def changed(self) -> int:
        """Return how many resources were created, updated, replaced or deleted."""
        return sum(count for kind, count in self.changes.items() if kind not in ("same", "read"))


class SandboxStack:
    """The stack `sandbox` in `directory`, against the AWS endpoint given. Made by `sandbox_stack`."""

    def __init__(self, stack: auto.Stack, state: Path) -> None:
        self._stack, self._state = stack, state

    def preview(self, progress: Progress = _quiet) -> Timed:
        """Return what an update would change, without changing it."""
        started = time.monotonic()
        result = self._stack.preview(on_event=_reporter(progress))
        return Timed("preview", time.monotonic() - started, _named(result.change_summary))

    def up(self, progress: Progress = _quiet) -> Timed:
        """Bring the stack to what program, policy and settings say, and return what changed."""
        started = time.monotonic()
        result = self._stack.up(on_event=_reporter(progress))
        return Timed("up", time.monotonic() - started, _changes(result))

    def refresh(self) -> Timed:
        """Return what was changed behind the engine's back, having taken it into the state."""
        started = time.monotonic()
        result = self._stack.refresh()
        return Timed("refresh", time.monotonic() - started, _changes(result))

    def destroy(self) -> Timed:
        """Delete every resource of the stack."""
        started = time.monotonic()
        result = self._stack.destroy()
        return Timed("destroy", time.monotonic() - started, _changes(result))

    def outputs(self) -> dict[str, Any]:
        """Return the stack's outputs."""
        return {name: output.value for name, output in self._stack.outputs().items()}

    def set_config(self, key: str, value: str) -> None:
        """Set one configuration value of the stack."""
        self._stack.set_config(f"{PROJECT}:{key}", auto.ConfigValue(value))

    def stored(self) -> str:
        """Return the text of the stack's state as the backend keeps it on disk, secrets encrypted."""
        return self._state.read_text(encoding="utf-8")

    def resources(self) -> list[Resource]:
        """Return every resource in the state but the stack itself."""
        return [
            Resource(
                item["type"],
                item["urn"].rsplit("::", 1)[-1],
                item["urn"],
                _parents(item["urn"]),
                item.get("outputs", {}),
            )
            for item in json.loads(self.stored())["checkpoint"]["latest"].get("resources", [])
            if item["type"] != "pulumi:pulumi:Stack"
        ]


@contextmanager
def sandbox_stack(
    directory: Path,
    *,
    engine: Path,
    aws_endpoint: str,
    root: Path = ROOT,
    config: Mapping[str, str] | None = None,
    secret_values: Mapping[str, str] | None = None,
) -> Iterator[SandboxStack]:
    """Yield the sandbox stack with its state in `directory`.

    `engine` is the pulumi executable, `root` the repository whose program, policy and settings are deployed, `config`
    overrides keys of Pulumi.sandbox.yaml, `secret_values` (config key to value) replace the made-up ones.
    """
    project = directory / "project"
    for needed in (project, directory / "state", directory / "home"):
        needed.mkdir(parents=True, exist_ok=True)
    plugins = [
        {"name": name, "path": str(write_plugin(directory / "plugins" / name, Path(sys.executable), name))}
        for name in PACKAGES
    ]
    definition = {"name": PROJECT, "runtime": "python", "plugins": {"providers": plugins}}
    (project / "Pulumi.yaml").write_text(yaml.safe_dump(definition))
    if not (project / f"Pulumi.{STACK}.yaml").exists():
        shutil.copy(root / f"Pulumi.{STACK}.yaml", project)
    stack = auto.create_or_select_stack(
        STACK,
        project_name=PROJECT,
        program=lambda: _program(root),
        opts=auto.LocalWorkspaceOptions(
            work_dir=str(project),
            env_vars=_environment(directory, aws_endpoint),
            pulumi_command=auto.PulumiCommand(root=str(engine.parent.parent)),
        ),
    )
    made_up = {entry.config_key: secrets.token_hex(32) for entry in CATALOGUE}
    wanted = {key: auto.ConfigValue(value) for key, value in (config or {}).items()}
    wanted |= {key: auto.ConfigValue(value, secret=True) for key, value in {**made_up, **(secret_values or {})}.items()}
    stack.set_all_config({f"{PROJECT}:{key}": value for key, value in wanted.items()})
    yield SandboxStack(stack, directory / "state" / ".pulumi" / "stacks" / PROJECT / f"{STACK}.json")


def _changes(result: Any) -> dict[str, int]:
    """Return operation to number of resources, from what an operation of the Automation API returned."""
    return _named(result.summary.resource_changes or {})


def _named(counts: Mapping[Any, int]) -> dict[str, int]:
    """Return `counts` by the operation's name, which the Automation API gives as text or as an enumeration."""
    return {str(getattr(kind, "value", kind)): count for kind, count in counts.items()}


def _program(root: Path) -> None:
    """Run the very file that `pulumi up` runs."""
    runpy.run_path(str(root / "__main__.py"), run_name="__main__")


def _environment(directory: Path, aws_endpoint: str) -> dict[str, str]:
    """Return what keeps the engine offline, away from the user's own Pulumi and AWS set-up."""
    return {
        "PULUMI_BACKEND_URL": f"file://{directory / 'state'}",
        "PULUMI_HOME": str(directory / "home"),
        "PULUMI_CONFIG_PASSPHRASE": _passphrase(directory),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_DISABLE_REGISTRY_RESOLVE": "true",
        "PULUMI_CREDENTIAL_STORE": "plaintext",
        "PULUMI_EXPERIMENTAL": "",
        ENDPOINT_VARIABLE: aws_endpoint,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }


def _passphrase(directory: Path) -> str:
    """Return the passphrase of the state in `directory`, made up when the state is new, readable by its owner only."""
    file = directory / "passphrase"
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(secrets.token_hex(16))
    return file.read_text()


def _parents(urn: str) -> tuple[str, ...]:
    """Return the component types in a URN's qualified type, outermost first."""
    qualified = urn.split("::")[2]
    return tuple(part for part in qualified.split("$")[:-1] if part != "pulumi:pulumi:Stack")


def _reporter(progress: Progress) -> Callable[[Any], None]:
    """Return an event handler that tells `progress` the name of each resource as it is done."""

    def report(event: Any) -> None:
        if event.res_outputs_event:
            progress(event.res_outputs_event.metadata.urn.rsplit("::", 1)[-1])

    return report
