"""What Datadog counts of the records before any index leaves some out."""

import typing

import pulumi
import pulumi_datadog as datadog

from infra.components.datadog.arguments import arguments
from infra.context import Context
from infra.documents.datadog.metrics import metrics


@typing.final
class LogMetrics(pulumi.ComponentResource):
    """Creates the metrics from logs. They count from now on, and are kept as long as all of Datadog's metrics."""

    def __init__(self, name: str, *, context: Context, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("tinybeans:datadog:LogMetrics", name, None, opts)
        for metric, body in metrics(context).items():
            datadog.LogsMetric(
                f"{name}-{metric}",
                **arguments(body, datadog.LogsMetricArgs),
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.register_outputs({})
