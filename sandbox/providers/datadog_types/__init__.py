"""The Datadog types the sandbox knows: recorded, since Datadog has no double of its configuration API.

`replace_on` follows terraform-provider-datadog (datadog/resource_datadog_*.go): an index's name is its identity.
"""

from __future__ import annotations

from typing import Final

from sandbox.providers.cloud import datadog_cloud
from sandbox.providers.rules import between, one_of
from sandbox.providers.table import Package, Row, table

_ROWS = table(
    Row("datadog:index/logsCustomPipeline:LogsCustomPipeline", id="{hex}", name=None),
    Row("datadog:index/logsPipelineOrder:LogsPipelineOrder", id="{name}", name=None),
    Row(
        "datadog:index/logsIndex:LogsIndex",
        id="{name}",
        name=None,
        replace_on=frozenset({"name"}),
        rules=(between("dailyLimitWarningThresholdPercentage", 50, 100),),
    ),
    Row("datadog:index/logsIndexOrder:LogsIndexOrder", id="logs-index-order", name=None),
    Row("datadog:index/logsArchive:LogsArchive", id="{hex}", name=None),
    Row("datadog:index/logsArchiveOrder:LogsArchiveOrder", id="archiveOrderID", name=None),
    Row(
        "datadog:index/logsMetric:LogsMetric",
        id="{name}",
        name=None,
        replace_on=frozenset({"name"}),
    ),
    Row("datadog:index/sensitiveDataScannerGroup:SensitiveDataScannerGroup", id="{hex}", name=None),
    Row("datadog:index/sensitiveDataScannerGroupOrder:SensitiveDataScannerGroupOrder", id="order", name=None),
    Row(
        "datadog:index/sensitiveDataScannerRule:SensitiveDataScannerRule",
        id="{hex}",
        name=None,
        rules=(between("priority", 1, 5),),
    ),
    Row(
        "datadog:index/monitor:Monitor",
        id="{hex}",
        name=None,
        rules=(
            between("priority", 1, 5),
            one_of("onMissingData", "show_no_data", "show_and_notify_no_data", "resolve", "default"),
        ),
    ),
    Row("datadog:index/monitorJson:MonitorJson", id="{hex}", name=None),
    Row(
        "datadog:index/dashboardJson:DashboardJson",
        id="{hex}",
        name=None,
        outputs={"url": "/dashboard/{id}"},
    ),
    Row("datadog:index/serviceLevelObjective:ServiceLevelObjective", id="{hex}", name=None),
)

DATADOG: Final = Package(
    name="datadog",
    sdk="pulumi_datadog",
    rows=_ROWS,
    invokes={},
    cloud=datadog_cloud,
    rows_in="sandbox/providers/datadog_types/",
)
