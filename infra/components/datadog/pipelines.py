"""How records are read at Datadog."""

import typing

import pulumi
import pulumi_datadog as datadog

from infra.components.datadog.arguments import arguments
from infra.context import Context
from infra.documents.datadog.pipelines import pipelines


@typing.final
class LogPipelines(pulumi.ComponentResource):
    """Creates one log pipeline for each source and, in the stack that decides about the organisation's order, the order
    of all pipelines: ours first, then those that the settings name."""

    def __init__(self, name: str, *, context: Context, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("tinybeans:datadog:LogPipelines", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.pipelines = {
            source: datadog.LogsCustomPipeline(
                f"{name}-{source}", **arguments(body, datadog.LogsCustomPipelineArgs), opts=child
            )
            for source, body in pipelines(context).items()
        }
        if order := context.settings.datadog.order:
            datadog.LogsPipelineOrder(
                f"{name}-order",
                name=context.name("pipelines"),
                pipelines=[*(item.id for item in self.pipelines.values()), *order.pipelines_after],
                opts=child,
            )
        self.register_outputs({})
