"""policy/alerts.yaml refuses what could never fire, what does not exist, and what nobody could act on."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from infra.policy import load_policy
from infra.policy.alerts import Alerts, Kind, Target
from infra.policy.alerts.metrics import COLLECTOR_METRICS
from infra.problems import InputError, from_validation
from tests.factories import ROOT, TODAY, policy, settings

DOCUMENT = yaml.safe_load((ROOT / "policy" / "alerts.yaml").read_text())
REQUIRED = {
    Kind.COLLECTOR: {
        "queue-filling", "queue-nearly-full", "queue-full-soon", "spill-in-use", "send-failing", "data-refused",
        "records-lost", "records-quarantined", "redaction-failing", "service-silent", "ingest-high", "ingest-low",
        "delivery-late", "accounting-gap", "collector-restarted", "memory-limited", "collector-metrics-missing",
    },
    Kind.AWS: {
        "tasks-below-desired", "export-late", "export-failed", "archive-object-missing", "sensitive-data-found",
        "alert-undelivered",
    },
    Kind.EVENT: {"key-endangered", "log-group-unprotected", "masked-data-read"},
    Kind.BUDGET: {"budget-threatened"},
    Kind.COMPOSITE: {"collector-down"},
    Kind.LOGS: {"redaction-coverage"},
}  # fmt: skip


def edited(path: str, value: Any) -> str:
    """Return what is said of alerts.yaml with one value changed."""
    document = copy.deepcopy(DOCUMENT)
    *parents, last = path.split("/")
    place = document
    for part in parents:
        place = place[int(part)] if isinstance(place, list) else place[part]
    if value is KeyError:
        del place[last]
    else:
        place[last] = value
    with pytest.raises(ValidationError) as caught:
        Alerts.model_validate(document)
    return "\n".join(map(str, from_validation("policy/alerts.yaml", caught.value)))


def test_every_kind_of_trouble_has_its_alert() -> None:
    alerts = policy().alerts.alerts
    assert {kind: {name for name, item in alerts.items() if item.kind is kind} for kind in REQUIRED} == REQUIRED


CONDITION = "alerts/{}/condition/{}"
REFUSED = {
    "a share that nothing can be above": (
        CONDITION.format("queue-filling", "above"), 1.0,
        "alerts.queue-filling.condition.fill.above: can never fire: a share of its own capacity is at most 1. Allowed: 0 up to",
    ),
    "a metric that the collector does not have": (
        CONDITION.format("memory-limited", "of"), {"metric": "otelcol_processor_refused_log_records"},
        "alerts.memory-limited.condition.increase.of.metric: a metric that the collector does not have. Allowed: otelcol_",
    ),
    "a label that the metric does not bear": (
        CONDITION.format("records-lost", "by"), ["sink"],
        "alerts.records-lost.condition.increase.by: otelcol_exporter_send_failed_log_records has no label sink. Allowed: error_",
    ),
    "a matcher on an unknown label": (
        CONDITION.format("records-lost", "of/where"), [{"label": "sink", "like": "x"}],
        "condition.increase.of.where: otelcol_exporter_send_failed_log_records has no label sink",
    ),
    "a star in the middle": (
        CONDITION.format("spill-in-use", "of/where"), [{"label": "exporter", "like": "otlp*spill"}],
        "a * in the middle, which Datadog cannot match. Allowed: * first or last",
    ),
    "an increase of a gauge": (
        CONDITION.format("memory-limited", "of"), {"metric": "otelcol_exporter_queue_size"},
        "condition.increase.of.metric: otelcol_exporter_queue_size is no counter",
    ),
    "an increase below nothing": (
        CONDITION.format("records-lost", "above"), -1, "condition.increase.above: Input should be greater than or equal to 0",
    ),
    "a window that CloudWatch cannot look back": (
        CONDITION.format("records-lost", "window_seconds"), 90_000,
        "condition.increase.window_seconds: looks back further than CloudWatch's PromQL can. Allowed: at most 86400",
    ),
    "a usual time that it cannot look back to": (
        CONDITION.format("ingest-low", "usual"), {"window_seconds": 7200, "ago_seconds": 86_400},
        "condition.compared.usual: looks back further",
    ),
    "a rate that is always above what is usual": (
        CONDITION.format("ingest-high", "above_times"), 0.9,
        "condition.compared.above_times: fires whenever the rate is as usual. Allowed: above 1",
    ),
    "a horizon that is no time": (
        CONDITION.format("queue-full-soon", "horizon_seconds"), 0, "condition.predicted.horizon_seconds: Input should be",
    ),
    "a prediction of what is there already": (
        CONDITION.format("queue-full-soon", "above"), 0.05,
        "condition.predicted.floor: what is predicted is there already. Allowed: below 0.05",
    ),
    "one event that has to last longer than it is seen": (
        "alerts/records-lost/for_seconds", 900, "alerts.records-lost.for_seconds: can never fire for one event",
    ),
    "silence in a window that holds the usual time": (
        CONDITION.format("service-silent", "usual_window_seconds"), 1800, "condition.silent.usual_window_seconds: can never fire",
    ),
    "absence of what a healthy collector does not have": (
        CONDITION.format("collector-metrics-missing", "metric"), "otelcol_exporter_send_failed_log_records",
        "condition.absent.metric: is absent in a healthy collector too (docs/accounting.md, 9)",
    ),
    "a sum that begins with what may not be there": (
        CONDITION.format("accounting-gap", "sums/0/plus"), [{"metric": "otelcol_exporter_enqueue_failed_log_records"}],
        "is not there before something goes wrong",
    ),
    "a function that there is none of": (
        CONDITION.format("records-lost", "function"), "promql", "alerts.records-lost.condition: not one of the known kinds. Allowed:",
    ),
    "a query": (
        CONDITION.format("records-lost", "query"), "up == 0", "alerts.records-lost.condition.increase.query: unknown key",
    ),
    "a condition of another kind": (
        "alerts/records-lost/kind", "aws", "alerts.records-lost.condition: is no condition of an alert of kind aws",
    ),
    "a target that cannot say it": (
        "alerts/accounting-gap/targets", ["datadog"], "alerts.accounting-gap.targets: a metric monitor cannot say balance",
    ),
    "a target that cannot see it": (
        "alerts/key-endangered/targets", ["datadog"], "alerts.key-endangered.targets: an alert of kind event cannot be evaluated by datadog",
    ),
    "a team that nobody is in": (
        "alerts/records-lost/notify", ["nobody"], "alerts.records-lost.notify: unknown team nobody. Allowed: platform, security",
    ),
    "nobody to tell": ("alerts/records-lost/notify", [], "alerts.records-lost.notify"),
    "no reason": ("alerts/records-lost/reason", KeyError, "alerts.records-lost.reason: required key is missing"),
    "an AWS metric that nothing emits": (
        CONDITION.format("export-late", "metric"), "LagDays", "condition.aws.metric: a metric that nothing emits. Allowed: ECS/",
    ),
    "more periods than are looked at": (
        CONDITION.format("export-late", "breaching_periods"), 9, "condition.aws.breaching_periods: can never fire: more than are looked at",
    ),
    "a period that is none": (
        CONDITION.format("export-late", "period_seconds"), 90, "condition.aws.period_seconds: no period of a CloudWatch alarm",
    ),
    "a count below nothing": (
        CONDITION.format("export-late", "below"), 0, "names neither or both of its limits",
    ),
    "a composite of an alert that is none": (
        CONDITION.format("collector-down", "any_of"), ["tasks-gone"], "alerts.collector-down.condition.any_of: names no other alert: tasks-gone",
    ),
    "a composite of itself": (
        CONDITION.format("collector-down", "suppresses"), ["collector-down"], "alerts.collector-down.condition.suppresses: names no other alert",
    ),
    "a field that the collector's own log does not have": (
        "alerts/records-lost/classic/field", "msg", "alerts.records-lost.classic.own_log.field: a field that the collector's own log",
    ),
    "no alert on silence": (
        CONDITION.format("collector-metrics-missing", "metric"), "up",
        "policy/alerts.yaml: alerts: nothing tells that no metric comes at all. Allowed: collector-metrics-missing",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_it_is_refused_with_file_key_reason_and_what_is_allowed(case: str) -> None:
    path, value, message = REFUSED[case]
    told = edited(path, value)
    assert told.startswith("policy/alerts.yaml: ")
    assert message in told


def test_an_alert_without_a_runbook_is_refused(tmp_path: Path) -> None:
    runbooks = tmp_path / "runbooks"
    runbooks.mkdir()
    for source in (ROOT / "docs" / "runbooks").glob("*.md"):
        (runbooks / source.name).write_text(source.read_text())
    load_policy(ROOT / "policy", TODAY, runbooks)
    (runbooks / "records-lost.md").unlink()
    with pytest.raises(InputError) as caught:
        load_policy(ROOT / "policy", TODAY, runbooks)
    (problem,) = caught.value.problems
    assert (
        str(problem)
        == "policy/alerts.yaml: alerts.records-lost: has no runbook. Allowed: docs/runbooks/records-lost.md"
    )


def test_every_runbook_is_of_an_alert_or_of_a_task() -> None:
    names = {path.stem for path in (ROOT / "docs" / "runbooks").glob("*.md")}
    assert set(policy().alerts.alerts) <= names


def test_a_window_shorter_than_two_scrapes_is_refused() -> None:
    collector = settings("prod").collector.model_dump(mode="json") | {"own_metrics_seconds": 300}
    with pytest.raises(InputError) as caught:
        settings("prod", collector=collector)
    told = str(caught.value)
    key = "policy/alerts.yaml: alerts.data-refused.condition.window_seconds"
    assert f"{key}: can never fire: shorter than two scrapes of 300 s. Allowed: at least 600" in told


def test_what_was_given_is_never_repeated() -> None:
    assert "s3cret" not in edited("alerts/records-lost/condition/function", "s3cret")


def test_an_alert_names_its_runbook_and_one_on_a_missing_metric_the_common_one() -> None:
    alerts = policy().alerts
    assert alerts.runbook("records-lost") == "docs/runbooks/records-lost.md"
    assert alerts.runbook("missing-otelcol-exporter-queue-size") == "docs/runbooks/collector-metrics-missing.md"


def test_every_metric_that_is_always_there_or_comes_with_traffic_has_an_alert_on_its_absence() -> None:
    found = policy().alerts.absences()
    assert "missing-otelcol-exporter-queue-size" in found
    assert all(Target.CLOUDWATCH in alert.targets for alert in found.values())
    assert not any("send-failed" in name for name in found)
    assert set(COLLECTOR_METRICS) >= {alert.condition.model_dump()["metric"] for alert in found.values()}
