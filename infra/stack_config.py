"""From a stack's configuration to `Settings`, checked against the policy before anything is registered."""

import json
from collections.abc import Mapping
from typing import Any

from pulumi.runtime.config import CONFIG, get_config_env
from pydantic import ValidationError

from infra.policy import Policy
from infra.policy.destinations import Destination
from infra.problems import InputError, Problem, from_validation
from infra.secrets import CONFIG_KEYS
from infra.settings import Settings
from infra.settings_against_policy import problems_with

PROJECT = "tinybeans-logging"
LOG_DESTINATION = "LOG_DESTINATION"


def configuration(project: str = PROJECT) -> dict[str, str]:
    """Return every key of this project in the running stack's configuration, as Pulumi hands it over.

    pulumi.Config answers for one key at a time; only the whole tells an unknown key from an unused one.
    """
    everything = {**get_config_env(), **CONFIG.get()}
    return {
        key.removeprefix(f"{project}:"): value for key, value in everything.items() if key.startswith(f"{project}:")
    }


def load_settings(stack: str, values: Mapping[str, str], policy: Policy, environ: Mapping[str, str]) -> Settings:
    """Return the settings of `stack`.

    `values` are configuration values (objects as JSON text); `environ` may hold LOG_DESTINATION, which means the
    same as the key `destinations`. Raises InputError with every problem, never with a value.
    """
    file = f"Pulumi.{stack}.yaml"
    plain = {key: _decoded(value) for key, value in values.items() if key not in CONFIG_KEYS}
    plain |= _destinations(file, plain.get("destinations"), environ.get(LOG_DESTINATION))
    try:
        settings = Settings.model_validate(plain)
    except ValidationError as error:
        raise InputError(from_validation(file, error, prefix=PROJECT)) from None
    if problems := problems_with(settings, policy, file):
        raise InputError(problems)
    return settings


def _decoded(value: str) -> Any:
    try:
        return json.loads(value)
    except json.JSONDecodeError:
        return value


def _destinations(file: str, configured: object, from_environment: str | None) -> dict[str, list[str]]:
    """Return the destinations as a list, from wherever they were given; both places must agree."""
    named = [_names(text) for text in (configured, from_environment) if isinstance(text, str)]
    if not all(named):
        known = ", ".join(Destination)
        raise InputError(
            [Problem(file, f"{PROJECT}:destinations", "no destination is named", f"one or more of {known}")]
        )
    if len(named) == 2 and sorted(named[0]) != sorted(named[1]):
        raise InputError(
            [
                Problem(
                    file,
                    f"{PROJECT}:destinations",
                    f"differs from the environment variable {LOG_DESTINATION}",
                    "the same list in both, or only one",
                )
            ]
        )
    return {"destinations": named[0]} if named else {}


def _names(text: str) -> list[str]:
    return list(dict.fromkeys(name.strip().lower() for name in text.split(",") if name.strip()))
