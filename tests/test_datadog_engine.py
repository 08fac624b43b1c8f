"""Datadog's part of the program in the real engine: up, again, and what an organisation does not forget.

Only what lives in Datadog is deployed, so that neither AWS nor the collector is needed; the whole program with Datadog
comes up in tests/test_demo.py.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml
from pulumi import automation as auto

from infra.context import Context
from sandbox.providers import write_plugin
from sandbox.providers.datadog_types.logs import ROWS
from sandbox.providers.errors import ProviderError
from sandbox.providers.organisation import ORGANISATION_VARIABLE, Organisation
from sandbox.tools.locate import locate
from tests.factories import context

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300)]

KEYS = {"api_key": "sentinel-api-2c1f", "app_key": "sentinel-app-9e03"}


@dataclass(frozen=True)
class Home:
    """One organisation, and stacks with whatever settings in it."""

    directory: Path

    def stack(self, name: str, program: Callable[[], None]) -> auto.Stack:
        """Return the stack `name` of `program`."""
        return auto.create_or_select_stack(
            name,
            project_name="datadog",
            program=program,
            opts=auto.LocalWorkspaceOptions(
                work_dir=str(self.directory / "project"),
                env_vars={
                    "PULUMI_BACKEND_URL": f"file://{self.directory / 'state'}",
                    "PULUMI_HOME": str(self.directory / "home"),
                    "PULUMI_CONFIG_PASSPHRASE": "made up",
                    "PULUMI_SKIP_UPDATE_CHECK": "true",
                    "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
                    "PULUMI_DISABLE_REGISTRY_RESOLVE": "true",
                    ORGANISATION_VARIABLE: str(self.directory / "organisation.json"),
                },
                pulumi_command=auto.PulumiCommand(root=str(locate("pulumi", obtain=False).parent.parent)),
            ),
        )


def signed_in(here: Context) -> pulumi.ResourceOptions:
    from infra.components.datadog.provider import provider  # noqa: PLC0415 - what it imports takes seconds

    keys = {name: pulumi.Output.secret(key) for name, key in KEYS.items()}
    return pulumi.ResourceOptions(providers=[provider(here, keys)])


def all_of_it(here: Context) -> None:
    """Register all of Datadog's components but the archive, which is half AWS."""
    from infra.components.datadog import (  # noqa: PLC0415
        dashboards,
        indexes,
        metrics,
        monitors,
        pipelines,
        readers,
        scanner,
        security_rules,
        slos,
    )

    opts = signed_in(here)
    scanner.SensitiveData("scanner", context=here, opts=opts)
    pipelines.LogPipelines("pipelines", context=here, opts=opts)
    indexes.LogIndexes("indexes", context=here, opts=opts)
    metrics.LogMetrics("metrics", context=here, opts=opts)
    readers.LogReaders("readers", context=here, opts=opts)
    monitors.LogMonitors("monitors", context=here, opts=opts)
    slos.LogObjectives("objectives", context=here, opts=opts)
    security_rules.DetectionRules("detections", context=here, opts=opts)
    dashboards.LogDashboards("dashboards", context=here, opts=opts)


def only_indexes(here: Context) -> None:
    """Register the indexes, and their order where the settings say so."""
    from infra.components.datadog.indexes import LogIndexes  # noqa: PLC0415

    LogIndexes("indexes", context=here, opts=signed_in(here))


def without_clients(here: Context) -> Context:
    """Return `here` with a policy that no longer knows the class `client`."""
    classes = here.policy.data_classes
    left = {name: item for name, item in classes.classes.items() if name != "client"}
    return Context(here.settings, replace(here.policy, data_classes=classes.model_copy(update={"classes": left})))


@pytest.fixture(scope="module", name="home")
def _home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    directory = tmp_path_factory.mktemp("datadog")
    for name in ("project", "state", "home"):
        (directory / name).mkdir()
    plugin = write_plugin(directory / "plugin", Path(sys.executable), "datadog")
    definition = {
        "name": "datadog",
        "runtime": "python",
        "plugins": {"providers": [{"name": "datadog", "path": str(plugin)}]},
    }
    (directory / "project" / "Pulumi.yaml").write_text(yaml.safe_dump(definition))
    return Home(directory)


@pytest.fixture(scope="module", name="created")
def _created(home: Home) -> auto.UpResult:
    """Return what came of the first update, of the stack that decides about the organisation's order."""
    here = context("sandbox", destinations="cloudwatch,datadog")
    assert here.settings.datadog.order is not None
    return home.stack("sandbox", lambda: all_of_it(here)).up()


def changes(result: auto.UpResult) -> dict[str, int]:
    return {str(getattr(kind, "value", kind)): count for kind, count in (result.summary.resource_changes or {}).items()}


def dev(**settings: Any) -> Context:
    """Return a stack whose indexes are not protected; that they are elsewhere is seen in test_datadog_program.py."""
    return context("dev", destinations="cloudwatch,datadog", teardown_confirmed="dev", **settings)


def test_everything_comes_up_and_a_second_update_changes_nothing(
    home: Home, created: auto.UpResult, record_property: Callable[[str, object], None]
) -> None:
    count = changes(created)["create"]
    assert count > 85
    record_property("resources", count)
    here = context("sandbox", destinations="cloudwatch,datadog")
    assert changes(home.stack("sandbox", lambda: all_of_it(here)).up()) == {"same": count}


def test_no_key_stands_in_plain_text_anywhere(home: Home, created: auto.UpResult) -> None:
    assert created.summary.result == "succeeded"
    texts = [path.read_text(errors="ignore") for path in home.directory.rglob("*") if path.is_file()]
    assert any("logs-index-order" in text for text in texts), "the state is among them"
    assert not [key for key in KEYS.values() for text in texts if key in text]


@pytest.fixture(scope="module", name="second")
def _second(home: Home, created: auto.UpResult) -> str:
    """Return how the update of a second stack ended that believes the order to be its own, too."""
    assert created.summary.result == "succeeded"
    here = dev(datadog={"order": {}})
    with pytest.raises(auto.CommandError) as refused:
        home.stack("dev", lambda: only_indexes(here)).up()
    return str(refused.value)


def test_a_second_stack_cannot_decide_about_the_order_as_well(second: str) -> None:
    assert "Datadog answers 409: the order of 'indexes' exists already; leave it to the stack" in second


def test_an_index_stays_when_pulumi_lets_go_of_it_and_once_deleted_its_name_is_gone(home: Home, second: str) -> None:
    assert second
    forgotten = home.stack("dev", lambda: only_indexes(without_clients(dev()))).up()
    assert forgotten.summary.result == "succeeded"
    name = {"name": "tinybeans-dev-client"}
    claim = ROWS["datadog:index/logsIndex:LogsIndex"].claim
    assert claim
    organisation = Organisation(home.directory / "organisation.json")
    with pytest.raises(ProviderError, match="exists already"):  # Pulumi forgot it, and Datadog has it still
        organisation.take(claim, name)
    organisation.give_back(claim, name)  # somebody deletes it by hand
    with pytest.raises(auto.CommandError, match="was deleted, and its name can never be used again"):
        home.stack("dev", lambda: only_indexes(dev())).up()
