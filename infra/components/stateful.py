"""The options of a resource that holds records: how it is protected, and whether one that exists is taken over."""

import pulumi

from infra.context import Context


def stateful_options(context: Context, parent: pulumi.Resource, existing: str | None = None) -> pulumi.ResourceOptions:
    """Return the options of a child of `parent` that holds records, protected as the policy says.

    `existing` is the physical name of one to adopt. The engine imports it and then, in the same update, changes what
    differs from what is declared, as the preview says. Its records are older than the stack, so in every environment
    it is protected and, should its `adopt` entry be taken away, left where it is; both until a teardown is confirmed.
    A property that only a new resource can take therefore stops the update instead of replacing what holds the records.
    """
    kept = existing is not None and context.settings.teardown_confirmed is None
    return pulumi.ResourceOptions(
        parent=parent, protect=context.protect or kept, retain_on_delete=kept or None, import_=existing
    )
