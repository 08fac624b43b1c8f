"""What is promised of the pipeline, and measured by Datadog."""

import typing

import pulumi
import pulumi_datadog as datadog

from infra.components.datadog.arguments import arguments
from infra.context import Context
from infra.documents.datadog.slos import slos


@typing.final
class LogObjectives(pulumi.ComponentResource):
    """Creates a service level objective for each objective of policy/objectives.yaml; for freshness one for each sink.
    Grants nothing."""

    def __init__(self, name: str, *, context: Context, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("tinybeans:datadog:LogObjectives", name, None, opts)
        self.objectives = {
            objective: datadog.ServiceLevelObjective(
                f"{name}-{objective}",
                **arguments(body, datadog.ServiceLevelObjectiveArgs),
                opts=pulumi.ResourceOptions(parent=self),
            )
            for objective, body in slos(context).items()
        }
        self.register_outputs({})
