"""Whether the collector's configuration can be reviewed, and whether the task definition fits ECS."""

from infra.problems import InputError, Problem

CONFIG_BYTES = 500_000
"""No configuration is larger: GitHub shows no difference of more than 500 KB in one file ("Repository limits", diff
limits), and what a reviewer cannot be shown must not be deployed. S3 and the collector would take more."""
TASK_DEFINITION_BYTES = 64 * 1024
"""Amazon ECS takes no larger task definition (service quotas; it cannot be raised)."""
REGISTRATION_BYTES = 2 * 1024
"""What family, roles, volume, sizes and tags take of it."""


def rendered_file(environment: str) -> str:
    """Return the file in which a stack's rendered configuration is reviewed."""
    return f"collector_configs/rendered/{environment}.yaml"


def guarded(config: str, *, environment: str) -> str:
    """Return `config`. Raises InputError naming the rendered file when it is larger than CONFIG_BYTES."""
    return _within(
        CONFIG_BYTES,
        config,
        Problem(
            rendered_file(environment),
            "(whole file)",
            f"the configuration would take {len(config.encode())} bytes",
            f"at most {CONFIG_BYTES} bytes: fewer or shorter rules, or a shorter fragment in collector_configs/",
        ),
    )


def guarded_definitions(definitions: str, *, environment: str) -> str:
    """Return the container definitions (JSON).

    Raises InputError when the task definition around them would exceed what ECS takes. The configuration is in them
    only where it is small (config_source.py), so that it can hardly be the cause.
    """
    room = TASK_DEFINITION_BYTES - REGISTRATION_BYTES
    return _within(
        room,
        definitions,
        Problem(
            f"Pulumi.{environment}.yaml",
            "collector",
            f"the task definition's containers would take {len(definitions.encode())} bytes",
            f"at most {room} bytes",
        ),
    )


def _within(limit: int, text: str, otherwise: Problem) -> str:
    if len(text.encode()) > limit:
        raise InputError([otherwise])
    return text
