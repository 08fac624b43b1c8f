"""What watches at Datadog: monitors, dashboards, detection rules, objectives."""

from __future__ import annotations

from sandbox.providers.rules import at_most_one, between, one_of
from sandbox.providers.rules_datadog import EVERYWHERE, trimmed
from sandbox.providers.rules_datadog_watch import (
    DASHBOARD,
    DETECTION,
    MONITOR,
    dashboard_is_taken,
    detection_is_taken,
    monitor_is_taken,
)
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
    Row(
        "datadog:index/monitorJson:MonitorJson",
        id="{hex}",
        name=None,
        outputs={"url": "/monitors/{id}"},
        rules=(monitor_is_taken,),
        answers=MONITOR,
    ),
    Row(
        "datadog:index/dashboardJson:DashboardJson",
        id="{hex}",
        name=None,
        outputs={"url": "/dashboard/{id}"},
        rules=(dashboard_is_taken,),
        answers=DASHBOARD,
    ),
    Row(
        "datadog:index/securityMonitoringRuleJson:SecurityMonitoringRuleJson",
        id="{hex}",
        name=None,
        rules=(detection_is_taken,),
        answers=DETECTION,
    ),
    Row(
        "datadog:index/serviceLevelObjective:ServiceLevelObjective",
        id="{hex}",
        name=None,
        rules=(
            *EVERYWHERE,
            one_of("type", "metric", "monitor", "time_slice"),
            one_of("timeframe", "7d", "30d", "90d", "custom"),
            at_most_one("query", "sliSpecification", "monitorIds"),
        ),
        replace_on=frozenset({"type"}),
        answers=trimmed,
    ),
)
