"""Who is told by Datadog, and when."""

import json
import typing

import pulumi
import pulumi_datadog as datadog

from infra.context import Context
from infra.documents.datadog.monitors import monitors
from infra.documents.datadog.told import told
from infra.documents.datadog.usage import usage_monitors


@typing.final
class LogMonitors(pulumi.ComponentResource):
    """Creates a monitor for each alert of policy/alerts.yaml that has Datadog among its targets, and one for each service
    on what it sends to Datadog in a day against its budget. Grants nothing."""

    def __init__(self, name: str, *, context: Context, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("tinybeans:datadog:LogMonitors", name, None, opts)
        reach = told(context)
        self.monitors = {
            monitor: datadog.MonitorJson(
                f"{name}-{monitor}",
                monitor=json.dumps(body, sort_keys=True),
                opts=pulumi.ResourceOptions(parent=self),
            )
            for monitor, body in {**monitors(context, reach), **usage_monitors(context, reach)}.items()
        }
        self.register_outputs({})
