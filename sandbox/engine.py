"""The sandbox stack in the real Pulumi engine: the repository's own program and settings, only the providers differ.

A directory of its own holds the project file with the sandbox's provider plugins, so that the Pulumi.yaml that
production reads never mentions them.
"""

import functools
import json
import os
import runpy
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pulumi import automation as auto

from infra.secrets import WEBHOOKS, secret_keys
from infra.stack import ROOT
from infra.stack_config import PROJECT
from sandbox.providers.cloud import ENDPOINT_VARIABLE
from sandbox.providers.organisation import ORGANISATION_VARIABLE
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
    protected: bool
    """Whether the engine refuses to delete it."""
    outputs: Mapping[str, Any] = field(repr=False)

    @property
    def component(self) -> str:
        """Return the outermost component's type, shortened to its last word."""
        return self.parents[0].rsplit(":", 1)[-1] if self.parents else "stack"


@dataclass(frozen=True)
class Touched:
    """One resource that an operation changes."""

    operation: str
    """create, update, replace, delete or import."""
    type: str
    name: str


@dataclass(frozen=True)
class Timed:
    """What one engine operation did and how long it took."""

    operation: str
    seconds: float
    changes: Mapping[str, int]
    """Operation (create, update, same, ...) to number of resources."""
    touched: frozenset[Touched] = field(default=frozenset(), repr=False)
    """The resources behind those numbers, but for what stays the same."""

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
        return self._timed("preview", self._stack.preview, progress)

    def up(self, progress: Progress = _quiet) -> Timed:
        """Bring the stack to what program, policy and settings say, and return what changed."""
        return self._timed("up", self._stack.up, progress)

    def drift(self) -> Timed:
        """Return what was changed behind the engine's back, and change nothing (`pulumi refresh --preview-only`)."""
        return self._timed("refresh", self._stack.preview_refresh)

    def repair(self) -> Timed:
        """Bring the stack, with what was changed behind the engine's back, to what it should be (`up --refresh`)."""
        return self._timed("up", functools.partial(self._stack.up, refresh=True))

    def destroy(self) -> Timed:
        """Delete every resource of the stack, or none: as `pulumi destroy` does, after a preview that refuses.

        Without it the engine would come upon a protected resource when others were gone already.
        """
        self._stack.preview_destroy()
        return self._timed("destroy", self._stack.destroy)

    def outputs(self) -> dict[str, Any]:
        """Return the stack's outputs."""
        return {name: output.value for name, output in self._stack.outputs().items()}

    def set_config(self, key: str, value: str) -> None:
        """Set one configuration value of the stack."""
        self._stack.set_config(f"{PROJECT}:{key}", auto.ConfigValue(value))

    def remove_config(self, key: str) -> None:
        """Remove one configuration value of the stack."""
        self._stack.remove_config(f"{PROJECT}:{key}")

    def pulumi(
        self, *arguments: str, typed: str = "", environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Return what came of the pulumi command in the stack's project, failed or not.

        `typed` is what a person types; `environment` is put over the stack's own.
        """
        workspace = self._stack.workspace
        return subprocess.run(
            [workspace.pulumi_command.command, *arguments, "--stack", STACK],
            cwd=workspace.work_dir,
            env={**os.environ, **workspace.env_vars, **(environment or {})},
            input=typed,
            capture_output=True,
            text=True,
            check=False,
        )

    def _timed(self, operation: str, run: Callable[..., Any], progress: Progress = _quiet) -> Timed:
        touched: set[Touched] = set()
        started = time.monotonic()
        result = run(on_event=_reporter(progress, touched))
        return Timed(operation, time.monotonic() - started, _changes(result), frozenset(touched))

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
                item.get("protect", False),
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
    made_up = {key: secrets.token_hex(32) for key in secret_keys()}
    made_up[WEBHOOKS] = json.dumps({"pager": f"https://pager.invalid/{secrets.token_hex(16)}"})
    wanted = {key: auto.ConfigValue(value) for key, value in (config or {}).items()}
    wanted |= {key: auto.ConfigValue(value, secret=True) for key, value in {**made_up, **(secret_values or {})}.items()}
    stack.set_all_config({f"{PROJECT}:{key}": value for key, value in wanted.items()})
    yield SandboxStack(stack, directory / "state" / ".pulumi" / "stacks" / PROJECT / f"{STACK}.json")


def _changes(result: Any) -> dict[str, int]:
    """Return operation to number of resources, from what an operation of the Automation API returned."""
    counts = result.change_summary if hasattr(result, "change_summary") else result.summary.resource_changes
    return {_operation(kind): count for kind, count in (counts or {}).items()}


def _operation(kind: Any) -> str:
    """Return an operation's name, which the Automation API gives as text or as an enumeration."""
    return str(getattr(kind, "value", kind))


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
        ORGANISATION_VARIABLE: str(directory / "datadog-organisation.json"),
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


def _reporter(progress: Progress, touched: set[Touched]) -> Callable[[Any], None]:
    """Return an event handler that tells `progress` each resource's name when it is done, and fills `touched`."""

    def report(event: Any) -> None:
        if event.resource_pre_event:
            step = event.resource_pre_event.metadata
            kind = _operation(step.op)
            # A replacement is three steps: replace, create-replacement, delete-replaced.
            operation = "replace" if "replace" in kind else kind
            if operation not in ("same", "read", "refresh"):
                touched.add(Touched(operation, step.type, step.urn.rsplit("::", 1)[-1]))
        if event.res_outputs_event:
            progress(event.res_outputs_event.metadata.urn.rsplit("::", 1)[-1])

    return report
