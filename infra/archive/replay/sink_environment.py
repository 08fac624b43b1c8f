"""What a collector that is started here has to find in its environment: the sink's address and the sink's key."""

import re
from collections.abc import Callable, Mapping

from botocore.exceptions import BotoCoreError, ClientError

from infra.archive.replay.request import ENDPOINTS
from infra.context import Context
from infra.policy.destinations import Destination
from infra.problems import InputError, Problem
from infra.secrets import CATALOGUE

REFERENCE = re.compile(r"\$\{env:([A-Za-z_][A-Za-z0-9_]*)")


def check_address(context: Context, sink: Destination, variables: Mapping[str, str]) -> None:
    """Raise InputError where the sink's address is left to a variable that is not set: nothing would ever arrive."""
    address = getattr(context.settings.endpoints, ENDPOINTS[sink]) or ""
    missing = [name for name in REFERENCE.findall(address) if not variables.get(name)]
    if missing:
        wrong = f"not set, and {sink}'s address is in it"
        raise InputError(
            [Problem("environment", name, wrong, "the address, or --sink-url (ARGS=)") for name in missing]
        )


def with_key(
    context: Context, sink: Destination, variables: Mapping[str, str], fetch: Callable[[str], str]
) -> dict[str, str]:
    """Return `variables` with the key that `sink` asks for; `fetch` returns a secret of Secrets Manager by its name.

    Raises InputError where neither has it. No message holds a value.
    """
    entry = next((entry for entry in CATALOGUE if entry.needed_by == sink), None)
    if entry is None or variables.get(entry.environment_variable):
        return dict(variables)
    name = context.secret(entry.name)
    try:
        return {**variables, entry.environment_variable: fetch(name)}
    except ClientError as error:
        reason = error.response["Error"]["Code"]
    except BotoCoreError as error:
        reason = type(error).__name__
    problem = Problem(
        "environment",
        entry.environment_variable,
        f"{sink}'s key is not set, and you cannot read the secret {name} ({reason})",
        "the key in that variable, or a collector in replay mode inside the VPC (docs/replay.md)",
    )
    raise InputError([problem])
