"""Logs at Datadog: how they are read, kept, counted and looked through.

`replace_on` follows terraform-provider-datadog (datadog/resource_datadog_*.go): an index's or metric's name is its
identity.
"""

from __future__ import annotations

from sandbox.providers.organisation import Claim
from sandbox.providers.rules import between
from sandbox.providers.rules_datadog import (
    EVERYWHERE,
    grok_samples,
    index_name,
    metric_compute,
    scanner_pattern,
    trimmed,
    with_external_id,
)
from sandbox.providers.table import Row, Rule, table


def one_order(of: str) -> Claim:
    """An order exists once in an organisation: a second resource would fight the first over it for ever."""
    return Claim(kind="the order of", name=lambda _: of, instead="leave it to the stack whose settings have it")


def _row(
    token: str,
    *,
    id: str = "{hex}",
    rules: tuple[Rule, ...] = (),
    claim: Claim | None = None,
    replace_on: frozenset[str] = frozenset(),
) -> Row:
    return Row(
        token,
        id=id,
        name=None,
        replace_on=replace_on,
        rules=(*EVERYWHERE, *rules),
        claim=claim,
        answers=trimmed,
    )


ROWS = table(
    _row("datadog:index/logsCustomPipeline:LogsCustomPipeline", rules=(grok_samples,)),
    _row("datadog:index/logsPipelineOrder:LogsPipelineOrder", id="{name}", claim=one_order("pipelines")),
    _row(
        "datadog:index/logsIndex:LogsIndex",
        id="{name}",
        replace_on=frozenset({"name"}),
        rules=(between("dailyLimitWarningThresholdPercentage", 50, 100), index_name),
        claim=Claim(kind="the index", for_ever=True),
    ),
    _row("datadog:index/logsIndexOrder:LogsIndexOrder", id="logs-index-order", claim=one_order("indexes")),
    _row("datadog:index/logsArchive:LogsArchive"),
    _row("datadog:index/logsArchiveOrder:LogsArchiveOrder", id="archiveOrderID", claim=one_order("archives")),
    _row(
        "datadog:index/logsMetric:LogsMetric",
        id="{name}",
        replace_on=frozenset({"name"}),
        rules=(metric_compute,),
        claim=Claim(kind="the metric"),
    ),
    _row("datadog:index/sensitiveDataScannerGroup:SensitiveDataScannerGroup"),
    _row(
        "datadog:index/sensitiveDataScannerGroupOrder:SensitiveDataScannerGroupOrder",
        id="order",
        claim=one_order("scanner groups"),
    ),
    _row(
        "datadog:index/sensitiveDataScannerRule:SensitiveDataScannerRule",
        rules=(between("priority", 1, 5), scanner_pattern),
    ),
    Row(
        "datadog:aws/integrationAccount:IntegrationAccount",
        id="{hex}",
        name=None,
        rules=EVERYWHERE,
        claim=Claim(kind="the AWS account", name=lambda props: str(props["awsAccountId"])),
        answers=with_external_id,
        completed=frozenset({"authConfig"}),
    ),
)
