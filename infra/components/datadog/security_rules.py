"""What Datadog's Cloud SIEM looks for in the records."""

import json
import typing

import pulumi
import pulumi_datadog as datadog

from infra.context import Context
from infra.documents.datadog.security_rules import security_rules
from infra.documents.datadog.told import told


@typing.final
class DetectionRules(pulumi.ComponentResource):
    """Creates a detection rule for each detection of policy/detections.yaml. Grants nothing."""

    def __init__(self, name: str, *, context: Context, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("tinybeans:datadog:DetectionRules", name, None, opts)
        self.rules = {
            rule: datadog.SecurityMonitoringRuleJson(
                f"{name}-{rule}",
                json=json.dumps(body, sort_keys=True),
                opts=pulumi.ResourceOptions(parent=self),
            )
            for rule, body in security_rules(context, told(context)).items()
        }
        self.register_outputs({})
