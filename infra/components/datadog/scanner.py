"""The last line: what redaction should have taken is looked for once more at Datadog."""

import typing

import pulumi
import pulumi_datadog as datadog

from infra.components.datadog.arguments import arguments
from infra.context import Context
from infra.documents.datadog.scanner import group, rules


@typing.final
class SensitiveData(pulumi.ComponentResource):
    """Creates the stack's group of the Sensitive Data Scanner, a rule in it for each pattern of policy/redaction.yaml
    and, in the stack that decides about it, the order of all groups.

    What a rule finds is masked before it is indexed, and the record is tagged `sensitive_data:<rule>`: each such record
    is a leak of the redaction before it.
    """

    def __init__(self, name: str, *, context: Context, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("tinybeans:datadog:SensitiveData", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        made = datadog.SensitiveDataScannerGroup(
            f"{name}-last-line", **arguments(group(context), datadog.SensitiveDataScannerGroupArgs), opts=child
        )
        for rule, body in rules(context, group_id="").items():
            datadog.SensitiveDataScannerRule(
                f"{name}-{rule}",
                **arguments(body, datadog.SensitiveDataScannerRuleArgs),
                group_id=made.id,
                opts=child,
            )
        if order := context.settings.datadog.order:
            datadog.SensitiveDataScannerGroupOrder(
                f"{name}-order", group_ids=[made.id, *order.scanner_groups_after], opts=child
            )
        self.register_outputs({})
