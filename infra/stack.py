"""Everything one run of the program starts from, read once and checked before anything is registered."""

import datetime
import os
from dataclasses import dataclass, field
from pathlib import Path

import pulumi

from infra.context import Context
from infra.policy import load_policy
from infra.secrets import deploy_keys, secret_values, webhook_urls
from infra.stack_config import PROJECT, configuration, load_settings

ROOT = Path(__file__).parent.parent
"""The repository: policy/ and collector_configs/ are part of the program."""


@dataclass(frozen=True)
class Stack:
    """One stack's context and the secret values that its encrypted configuration holds."""

    context: Context
    secrets: dict[str, pulumi.Output[str]]
    root: Path
    """Where policy/ was read, and collector_configs/ is."""
    deploy_keys: dict[str, dict[str, pulumi.Output[str]]] = field(default_factory=dict)
    """Destination to the keys with which the program signs in there."""
    webhooks: dict[str, pulumi.Output[str]] = field(default_factory=dict)
    """Webhook's name to its URL, where the encrypted configuration holds it."""


def read_stack(stack: str, root: Path = ROOT) -> Stack:
    """Return the running stack `stack`, from policy/ under `root` and Pulumi's configuration.

    Raises InputError with every problem; nothing has been registered by then.
    """
    policy = load_policy(root / "policy", datetime.datetime.now(datetime.UTC).date())
    values = configuration()
    settings = load_settings(stack, values, policy, os.environ)
    config = pulumi.Config(PROJECT)
    return Stack(
        Context(settings, policy),
        secret_values(settings, stack, config, values),
        root,
        deploy_keys(settings, stack, config, values),
        webhook_urls(settings, stack, config, values),
    )
