"""The stack's dashboards in CloudWatch, for stacks with and without Datadog."""

import functools
import json
import typing
from collections.abc import Mapping

import pulumi
import pulumi_aws as aws

from infra.context import Context
from infra.documents.dashboard_cloudwatch import Place, dashboard
from infra.documents.dashboard_panels import PIPELINE_OWNERS, SERVICE_OWNERS, Panel

RUNBOOKS = "docs/runbooks"
"""Where the runbooks are, below the repository."""
DASHBOARDS: Mapping[str, tuple[str, tuple[Panel, ...]]] = {
    "pipeline": ("Whether records get through", PIPELINE_OWNERS),
    "services": ("What the services say", SERVICE_OWNERS),
}
"""Last part of a dashboard's name to what it answers and shows."""


@typing.final
class Dashboards(pulumi.ComponentResource):
    """Creates two CloudWatch dashboards, one for those who own the pipeline and one for those whose services log.

    Grants nothing: who may look at them follows from the reader's own IAM policies, and what they show of records is
    what the reader may search.
    """

    names: dict[str, str]

    def __init__(
        self,
        name: str,
        *,
        context: Context,
        cluster_name: pulumi.Input[str],
        service_name: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("tinybeans:logging:Dashboards", name, {}, opts)
        collectors = pulumi.Output.all(cluster=cluster_name, service=service_name)
        self.names = {}
        for part, (answers, panels) in DASHBOARDS.items():
            self.names[part] = context.name(part)
            heading = f"## {answers} ({context.environment})\nRunbooks: {context.settings.alerting.runbook(RUNBOOKS)}"
            aws.cloudwatch.Dashboard(
                f"{name}-{part}",
                dashboard_name=self.names[part],
                dashboard_body=collectors.apply(functools.partial(_body, context, heading, panels)),
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.register_outputs({"names": self.names})


def _body(context: Context, heading: str, panels: tuple[Panel, ...], collectors: Mapping[str, str]) -> str:
    data_classes = context.policy.data_classes
    place = Place(
        region=context.region,
        log_groups={cls: context.log_group(cls) for cls in data_classes.classes},
        cluster=collectors["cluster"],
        service=collectors["service"],
    )
    return json.dumps(dashboard(heading, panels, place, data_classes))
