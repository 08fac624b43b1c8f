"""Whether the collector's configuration still fits into the task definition that carries it."""

from infra.problems import InputError, Problem

CONFIG_BYTES = 48 * 1024
"""Room for the configuration as it is written (docs/adr: the configuration travels in the task definition)."""
TASK_DEFINITION_BYTES = 64 * 1024
"""Amazon ECS takes no larger task definition (service quotas; it cannot be raised)."""
REGISTRATION_BYTES = 2 * 1024
"""What family, roles, volume, sizes and tags take of it."""


def rendered_file(environment: str) -> str:
    """Return the file in which a stack's rendered configuration is reviewed."""
    return f"collector_configs/rendered/{environment}.yaml"


def guarded(config: str, *, environment: str) -> str:
    """Return `config`. Raises InputError naming the rendered file when it is larger than 48 KiB."""
    return _within(CONFIG_BYTES, config, environment, "the configuration")


def guarded_definitions(definitions: str, *, environment: str) -> str:
    """Return the container definitions (JSON).

    Raises InputError when the task definition around them would exceed what ECS takes: quotation marks and backslashes
    count twice in JSON, so a configuration below its own limit can still be too large.
    """
    room = TASK_DEFINITION_BYTES - REGISTRATION_BYTES
    return _within(room, definitions, environment, "the task definition's containers")


def _within(limit: int, text: str, environment: str, what: str) -> str:
    size = len(text.encode())
    if size > limit:
        raise InputError(
            [
                Problem(
                    rendered_file(environment),
                    "(whole file)",
                    f"{what} would take {size} bytes",
                    f"at most {limit} bytes: fewer or shorter rules, or a shorter fragment in collector_configs/",
                )
            ]
        )
    return text
