"""What tests build on: the real policy, the real stacks' settings, and variations of both."""

import datetime
import functools
import json
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws

from infra import stack_file
from infra.context import Context
from infra.policy import Policy, load_policy
from infra.secrets import CONFIG_KEYS, DEPLOY_KEYS, WEBHOOKS, needed
from infra.settings import Settings
from infra.stack_config import PROJECT, load_settings

ROOT = Path(__file__).parent.parent
STACKS = ("sandbox", "dev", "staging", "prod")
TODAY = datetime.date(2026, 11, 23)


@functools.cache
def policy() -> Policy:
    """Return the repository's own policy."""
    return load_policy(ROOT / "policy", TODAY)


def stack_values(stack: str) -> dict[str, str]:
    """Return the configuration of `stack` as Pulumi hands it to the program: text, objects as JSON."""
    return stack_file.stack_values(stack, ROOT)


def settings(stack: str = "prod", **overrides: Any) -> Settings:
    """Return the settings of `stack`; `overrides` replace whole sections (`aws={...}`)."""
    changed = {key: value if isinstance(value, str) else json.dumps(value) for key, value in overrides.items()}
    return load_settings(stack, {**stack_values(stack), **changed}, policy(), environ={})


def context(stack: str = "prod", **overrides: Any) -> Context:
    """Return the context of `stack`."""
    return Context(settings(stack, **overrides), policy())


def sentinels(stack: str) -> dict[str, str]:
    """Return secret config key -> made-up value, for stacks that keep values in config."""
    if settings(stack).credentials_from == "operator":
        return {}
    webhooks = {name: f"https://{name}.invalid/sentinel-webhook-5f1c" for name in settings(stack).alerting.webhooks()}
    return {
        **{entry.config_key: f"sentinel-{entry.name}-5f1c" for entry in needed(settings(stack))},
        **({WEBHOOKS: json.dumps(webhooks)} if webhooks else {}),
    }


def deploy_sentinels(stack: str) -> dict[str, str]:
    """Return secret config key -> made-up key with which the program signs in at the stack's destinations."""
    wanted = [entry for entry in DEPLOY_KEYS if entry.needed_by in settings(stack).destinations]
    return {entry.config_key: f"sentinel-{entry.name}-81d7" for entry in wanted}


def sentinel_texts(stack: str) -> set[str]:
    """Return each secret text of `sentinels` by itself: a webhook's URL, not the object that it stands in."""
    found = sentinels(stack)
    urls = json.loads(found.pop(WEBHOOKS, "{}"))
    return {*found.values(), *urls.values()}


def program_config(stack: str) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the whole configuration of `stack` with sentinel secrets, and which keys are secret."""
    given = {**stack_values(stack), **sentinels(stack), **deploy_sentinels(stack)}
    values = {f"{PROJECT}:{key}": value for key, value in given.items()}
    return values, tuple(f"{PROJECT}:{key}" for key in sorted(CONFIG_KEYS))


def provider(name: str = "aws") -> aws.Provider:
    """Return an explicit provider, as the program makes one."""
    return aws.Provider(name, region="us-east-1")


def in_stack(component_provider: aws.Provider | None = None) -> pulumi.ResourceOptions:
    """Return the options that the program gives to a top-level component."""
    return pulumi.ResourceOptions(providers=[component_provider or provider()])
