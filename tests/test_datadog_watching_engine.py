"""Monitors, objectives, detection rules and dashboards in the real engine: made once, and then left alone."""

import importlib
import sys
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml
from pulumi import automation as auto

from infra.documents.datadog.message import nobody
from infra.documents.datadog.monitors import monitors
from infra.documents.datadog.security_rules import security_rules
from infra.documents.datadog.slos import slos
from infra.documents.datadog.usage import usage_monitors
from sandbox.providers import write_plugin
from tests.engine_stack import engine
from tests.factories import context

pytestmark = [
    pytest.mark.engine,
    pytest.mark.timeout(240),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:pulumi_datadog.*"),
]


COMPONENTS = {
    "monitors": "LogMonitors",
    "slos": "LogObjectives",
    "security_rules": "DetectionRules",
    "dashboards": "LogDashboards",
}
"""Module of infra/components/datadog to its component. They are imported where they are used: that takes seconds, which
a run without this test should not wait for."""


def program() -> None:
    """Register what watches at Datadog in prod, and nothing else of it."""
    datadog = importlib.import_module("pulumi_datadog")
    signed_in = datadog.Provider("datadog", api_key="made-up", app_key="made-up", validate="false")
    opts = pulumi.ResourceOptions(providers=[signed_in])
    for module, component in COMPONENTS.items():
        found = importlib.import_module(f"infra.components.datadog.{module}")
        getattr(found, component)(module, context=context("prod"), opts=opts)


def stack_in(directory: Path) -> auto.Stack:
    for name in ("project", "state", "home"):
        (directory / name).mkdir()
    plugin = write_plugin(directory / "plugins", Path(sys.executable), "datadog")
    definition = {
        "name": "watching",
        "runtime": "python",
        "plugins": {"providers": [{"name": "datadog", "path": str(plugin)}]},
    }
    (directory / "project" / "Pulumi.yaml").write_text(yaml.safe_dump(definition))
    environment = {
        "PULUMI_BACKEND_URL": f"file://{directory / 'state'}",
        "PULUMI_HOME": str(directory / "home"),
        "PULUMI_CONFIG_PASSPHRASE": "made up",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_DISABLE_REGISTRY_RESOLVE": "true",
        "PULUMI_CREDENTIAL_STORE": "plaintext",
    }
    return auto.create_or_select_stack(
        "prod",
        project_name="watching",
        program=program,
        opts=auto.LocalWorkspaceOptions(
            work_dir=str(directory / "project"),
            env_vars=environment,
            pulumi_command=auto.PulumiCommand(root=str(engine().parent.parent)),
        ),
    )


def test_a_second_update_finds_nothing_to_change(tmp_path: Path) -> None:
    here = context("prod")
    documents: list[Any] = [
        *monitors(here, nobody),
        *usage_monitors(here, nobody),
        *security_rules(here, nobody),
        *slos(here),
    ]
    stack = stack_in(tmp_path)
    first = stack.up()
    # Two dashboards, four components, a provider and the stack itself.
    assert first.summary.resource_changes == {"create": len(documents) + 2 + 4 + 1 + 1}
    second = stack.up()
    assert second.summary.resource_changes == {"same": len(documents) + 8}
    stack.destroy()
