"""The one path a secret takes: encrypted stack config, or an operator's put-secret-value, into Secrets Manager,
and from there into the collector's task as an ECS secret. Nothing else in the program sees a value.

Keys with which the program itself signs in at a service take the first half of it: from encrypted stack config into
that service's provider, in every stack, for a deployer can read nothing back from Secrets Manager.

Webhooks' URLs start the same way, encrypted in the stack's config or with an operator, and end with SNS, which has to
be told them: they never reach the collector.
"""

import functools
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pulumi

from infra.policy.destinations import Destination
from infra.problems import InputError, Problem
from infra.settings import Settings


@dataclass(frozen=True)
class SecretEntry:
    """One secret that the collector needs."""

    name: str
    """Last part of its name in Secrets Manager."""
    config_key: str
    """Key of the value in encrypted stack config, where a stack keeps it there."""
    environment_variable: str
    """Variable under which ECS hands the value to the collector."""
    needed_by: Destination | None
    """The destination that needs it; None: every stack."""
    purpose: str


CATALOGUE = (
    SecretEntry(
        "redaction-pepper", "redactionPepper", "REDACTION_PEPPER", None, "Key of the HMAC that makes pseudonyms."
    ),
    SecretEntry("datadog-api-key", "datadogApiKey", "DATADOG_API_KEY", Destination.DATADOG, "Datadog log intake."),
    SecretEntry(
        "newrelic-license-key",
        "newrelicLicenseKey",
        "NEW_RELIC_LICENSE_KEY",
        Destination.NEWRELIC,
        "New Relic OTLP intake.",
    ),
    SecretEntry("elastic-api-key", "elasticApiKey", "ELASTIC_API_KEY", Destination.ELASTIC, "Elastic OTLP intake."),
    SecretEntry("loggly-token", "logglyToken", "LOGGLY_TOKEN", Destination.LOGGLY, "Loggly customer token."),
)


PEPPER_VARIABLE = "REDACTION_PEPPER"
CURRENT_EPOCH = "current"
"""Name of the pepper epoch that the collector makes pseudonyms under."""


def pepper_secret(epoch: str) -> str:
    """Return the last part of the name of an epoch's pepper; the current one's is the catalogue's."""
    return "redaction-pepper" if epoch == CURRENT_EPOCH else f"redaction-pepper-{epoch}"


def earlier_peppers(settings: Settings) -> tuple[SecretEntry, ...]:
    """Return the secrets of earlier pepper epochs, which the collector does not get."""
    return tuple(
        SecretEntry(pepper_secret(epoch), "", PEPPER_VARIABLE, None, f"Pepper of pseudonyms made until {ended}.")
        for epoch, ended in settings.pepper_epochs.items()
    )


@dataclass(frozen=True)
class DeployKey:
    """One key with which the program signs in at a service to set it up; the collector never has it."""

    name: str
    """Argument of the service's provider that takes it."""
    config_key: str
    """Key of the value in encrypted stack config."""
    needed_by: Destination
    purpose: str


DEPLOY_KEYS = (
    DeployKey("api_key", "datadogDeployApiKey", Destination.DATADOG, "API key of Datadog's provider."),
    DeployKey(
        "app_key",
        "datadogDeployAppKey",
        Destination.DATADOG,
        "Application key of Datadog's provider, of a service account; unscoped, or log monitors are refused.",
    ),
)


def secret_keys() -> frozenset[str]:
    """Return every configuration key that holds a secret."""
    return frozenset(entry.config_key for entry in (*CATALOGUE, *DEPLOY_KEYS))


def deploy_keys(
    settings: Settings, stack: str, config: pulumi.Config, present: Mapping[str, str]
) -> dict[str, dict[str, pulumi.Output[str]]]:
    """Return destination -> provider argument -> key, for this stack's destinations that are set up themselves.

    `present` tells which config keys exist. Raises InputError naming each key that is missing.
    """
    wanted = [entry for entry in DEPLOY_KEYS if entry.needed_by in settings.destinations]
    _refuse_missing((entry.config_key for entry in wanted if entry.config_key not in present), stack)
    found: dict[str, dict[str, pulumi.Output[str]]] = {}
    for entry in wanted:
        found.setdefault(entry.needed_by, {})[entry.name] = config.require_secret(entry.config_key)
    return found


def _refuse_missing(config_keys: Iterable[str], stack: str) -> None:
    problems = [
        Problem(
            f"Pulumi.{stack}.yaml",
            f"tinybeans-logging:{key}",
            "the secret is missing",
            f"`pulumi config set --secret {key}`",
        )
        for key in config_keys
    ]
    if problems:
        raise InputError(problems)


def needed(settings: Settings) -> tuple[SecretEntry, ...]:
    """Return the secrets that this stack's destinations need, in the catalogue's order."""
    return tuple(entry for entry in CATALOGUE if entry.needed_by is None or entry.needed_by in settings.destinations)


def secret_values(
    settings: Settings, stack: str, config: pulumi.Config, present: Mapping[str, str]
) -> dict[str, pulumi.Output[str]]:
    """Return secret name -> value for stacks that keep values in encrypted config; empty where operators put them.

    `present` tells which config keys exist. Raises InputError naming each key that is missing, or that stands in
    a stack whose values come from operators.
    """
    file = f"Pulumi.{stack}.yaml"
    if settings.credentials_from == "operator":
        stray = [entry for entry in CATALOGUE if entry.config_key in present]
        if stray:
            raise InputError(
                Problem(
                    file,
                    f"tinybeans-logging:{entry.config_key}",
                    "values come from operators in this stack",
                    "`pulumi config rm`, then put-secret-value",
                )
                for entry in stray
            )
        return {}
    _refuse_missing((entry.config_key for entry in needed(settings) if entry.config_key not in present), stack)
    return {entry.name: config.require_secret(entry.config_key) for entry in needed(settings)}


WEBHOOKS = "alertWebhooks"
"""Config key of a JSON object: webhook's name to its URL, encrypted as a whole."""
CONFIG_KEYS = frozenset({WEBHOOKS, *secret_keys()})
"""Every config key whose value is secret."""


def webhook_urls(
    settings: Settings, stack: str, config: pulumi.Config, present: Mapping[str, str]
) -> dict[str, pulumi.Output[str]]:
    """Return webhook's name -> URL for stacks that keep secrets in encrypted config; empty where operators keep them.

    Raises InputError naming each webhook that has no https URL, or one that stands where values come from operators;
    never a URL.
    """
    key = f"tinybeans-logging:{WEBHOOKS}"
    file, names = f"Pulumi.{stack}.yaml", settings.alerting.webhooks()
    if settings.credentials_from == "operator":
        if WEBHOOKS in present:
            raise InputError(
                [
                    Problem(
                        file,
                        key,
                        "values come from operators in this stack",
                        "`pulumi config rm`, then `aws sns subscribe` as the output alert_webhooks says",
                    )
                ]
            )
        return {}
    if not names:
        return {}
    given = _object(present.get(WEBHOOKS, "{}"))
    missing = [name for name in names if not str(given.get(name, "")).startswith("https://")]
    if missing:
        raise InputError(
            Problem(
                file,
                f"{key}.{name}",
                "the webhook has no https URL",
                f"""`pulumi config set --secret {WEBHOOKS} '{{"{name}": "https://..."}}'`""",
            )
            for name in missing
        )
    urls = config.require_secret_object(WEBHOOKS)
    return {name: urls.apply(functools.partial(_named, name)) for name in names}


def _named(name: str, urls: Mapping[str, object]) -> str:
    return str(urls[name])


def _object(text: str) -> dict[str, object]:
    """Return the JSON object in `text`, or nothing: what it holds instead is not for an error's text."""
    try:
        found = json.loads(text)
    except json.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}
