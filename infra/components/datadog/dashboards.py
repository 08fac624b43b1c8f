"""What people look at in Datadog."""

import json
import typing

import pulumi
import pulumi_datadog as datadog

from infra.context import Context
from infra.documents.datadog.dashboards import dashboards


@typing.final
class LogDashboards(pulumi.ComponentResource):
    """Creates one dashboard for the pipeline's owners and one for those whose services log. Grants nothing."""

    def __init__(self, name: str, *, context: Context, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("tinybeans:datadog:LogDashboards", name, None, opts)
        self.dashboards = {
            dashboard: datadog.DashboardJson(
                f"{name}-{dashboard}",
                dashboard=json.dumps(body, sort_keys=True),
                opts=pulumi.ResourceOptions(parent=self),
            )
            for dashboard, body in dashboards(context).items()
        }
        self.register_outputs({})
