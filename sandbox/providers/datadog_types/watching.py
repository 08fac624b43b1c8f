"""What watches at Datadog: monitors, dashboards, objectives."""

from __future__ import annotations

from sandbox.providers.rules import between, one_of
from sandbox.providers.rules_datadog import EVERYWHERE, trimmed
from sandbox.providers.table import Row, table

ROWS = table(
    Row(
        "datadog:index/monitor:Monitor",
        id="{hex}",
        name=None,
        rules=(
            *EVERYWHERE,
            between("priority", 1, 5),
            one_of("onMissingData", "show_no_data", "show_and_notify_no_data", "resolve", "default"),
        ),
        answers=trimmed,
    ),
    Row("datadog:index/monitorJson:MonitorJson", id="{hex}", name=None),
    Row(
        "datadog:index/dashboardJson:DashboardJson",
        id="{hex}",
        name=None,
        outputs={"url": "/dashboard/{id}"},
    ),
    Row("datadog:index/serviceLevelObjective:ServiceLevelObjective", id="{hex}", name=None, answers=trimmed),
)
