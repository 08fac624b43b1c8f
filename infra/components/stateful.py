"""The options of a resource that holds records: how it is kept from being deleted."""

import pulumi

from infra.context import Context


def stateful_options(context: Context, parent: pulumi.Resource, existing: str | None = None) -> pulumi.ResourceOptions:
    """Return the options of a child of `parent` that holds records: protected as the policy says.

    `existing` is the physical name of the adopted resource that it is, or lies in. Those records are older than the
    stack, so in every environment they are protected and, should the `adopt` entry be taken away, left where they
    are; both until a teardown is confirmed. The engine (3.259) imports and then changes what differs in one update; a
    property that only a new resource can take would make it a replacement, which the protection refuses.
    """
    kept = existing is not None and context.settings.teardown_confirmed is None
    return pulumi.ResourceOptions(parent=parent, protect=context.protect or kept, retain_on_delete=kept or None)
