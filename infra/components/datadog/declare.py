"""Datadog's part of one stack, read from top to bottom."""

import pulumi

from infra.components.datadog.provider import provider
from infra.context import Context
from infra.stack import Stack


def check(context: Context) -> None:
    """Raise InputError with everything in settings and policy that Datadog would refuse; registers nothing."""


def declare(stack: Stack, opts: pulumi.ResourceOptions) -> None:
    """Register what the stack sets up in Datadog. `opts` carry the stack's AWS provider."""
    context = stack.context
    signed_in = provider(context, stack.deploy_keys["datadog"])
    opts = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(providers=[signed_in]))
