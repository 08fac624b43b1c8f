"""What of the records is searchable at Datadog, and for how long."""

import typing

import pulumi
import pulumi_datadog as datadog

from infra.components.datadog.arguments import arguments
from infra.context import Context
from infra.documents.datadog.indexes import indexes


@typing.final
class LogIndexes(pulumi.ComponentResource):
    """Creates one index for each class and, in the stack that decides about the organisation's order, the order of all
    indexes: ours first, for a record goes to the first index that matches.

    A deleted index takes its records along, and its name can never be used again. So every index is protected in every
    environment until a teardown is confirmed, and even then stays where it is: Pulumi only forgets it.
    """

    def __init__(self, name: str, *, context: Context, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("tinybeans:datadog:LogIndexes", name, None, opts)
        kept = pulumi.ResourceOptions(
            parent=self, protect=context.settings.teardown_confirmed is None, retain_on_delete=True
        )
        self.indexes = {
            cls: datadog.LogsIndex(
                f"{name}-{cls}",
                **arguments(body, datadog.LogsIndexArgs),
                # Without it the API keeps a limit that policy has taken away (terraform-provider-datadog#3191).
                disable_daily_limit="daily_limit" not in body,
                opts=kept,
            )
            for cls, body in indexes(context).items()
        }
        if order := context.settings.datadog.order:
            datadog.LogsIndexOrder(
                f"{name}-order",
                name=context.name("indexes"),
                indexes=[*(item.name for item in self.indexes.values()), *order.indexes_after],
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.register_outputs({})
