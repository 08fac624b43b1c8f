"""Fluent Forward, as ECS FireLens speaks it: the container's line, and beside it where it ran."""

from collections.abc import Iterator

from infra.documents.collector.ottl import any_of, attribute, cache, group, text
from infra.documents.collector.receive.door import Door
from infra.settings_receivers import Fluent

RENAMED = {
    "container_id": "container.id",
    "container_name": "container.name",
    "ec2_instance_id": "host.id",
    "ecs_task_arn": "aws.ecs.task.arn",
}
"""FireLens' key to the resource attribute of the semantic conventions."""
DERIVED = ("aws.ecs.cluster.arn", "aws.ecs.task.id", "aws.ecs.task.family", "aws.ecs.task.revision")
STREAM = {"source": "log.iostream"}
SAID_OTHERWISE = ("ecs_cluster", "ecs_task_definition")
"""FireLens' keys whose content is in a derived attribute."""
LINE_KEYS = ("level", "timestamp", "logger")
"""A record with any of these is a line that Fluent Bit already took apart."""


def door(settings: Fluent) -> Door:
    """Return the way in of FireLens."""
    resource = [*RENAMED.values(), *DERIVED]
    return Door(
        "logs/fluent",
        {"fluent_forward": {"endpoint": settings.endpoint}},
        {
            "transform/fluent": {"error_mode": "silent", "log_statements": [group("log", list(_statements()))]},
            "groupbyattrs/fluent": {"keys": resource},
        },
    )


def _statements() -> Iterator[str]:
    task, definition = attribute("ecs_task_arn"), attribute("ecs_task_definition")
    arn = r"^(arn:[^:]+:ecs:[^:]+:[^:]+:)task/([^/]+)/([^/]+)$"
    for name, shape in (("aws.ecs.cluster.arn", "${1}cluster/${2}"), ("aws.ecs.task.id", "${3}")):
        yield f"set({attribute(name)}, {task}) where IsMatch({task}, {text(arn)})"
        yield f"replace_pattern({attribute(name)}, {text(arn)}, {text(shape)})"
    family = r"^([^:]+):([0-9]+)$"
    for name, shape in (("aws.ecs.task.family", "${1}"), ("aws.ecs.task.revision", "${2}")):
        yield f"set({attribute(name)}, {definition}) where IsMatch({definition}, {text(family)})"
        yield f"replace_pattern({attribute(name)}, {text(family)}, {text(shape)})"
    for key, name in {**RENAMED, **STREAM}.items():
        yield f"set({attribute(name)}, {attribute(key)}) where {attribute(key)} != nil"
    known = [*RENAMED, *STREAM]
    yield f"delete_matching_keys(log.attributes, {text(f'^(?:{any_of(known)})$')})"
    for key, made in zip(SAID_OTHERWISE, ("aws.ecs.cluster.arn", "aws.ecs.task.family"), strict=True):
        yield f"delete_key(log.attributes, {text(key)}) where {attribute(made)} != nil"
    yield from _line_that_was_taken_apart()


def _line_that_was_taken_apart() -> Iterator[str]:
    """Yield statements that make one body again of a line whose keys lie among the attributes."""
    of_the_container = [*RENAMED.values(), *DERIVED, *STREAM.values(), "fluent.tag"]
    line = cache("line")
    is_line = " or ".join(f"{attribute(key)} != nil" for key in LINE_KEYS)
    yield f"set({line}, log.attributes) where {is_line}"
    yield f"delete_matching_keys({line}, {text(f'^(?:{any_of(of_the_container)})$')}) where {line} != nil"
    yield f'set({line}["message"], log.body) where {line} != nil and log.body != nil'
    yield f"set(log.body, {line}) where {line} != nil"
    kept = ", ".join(text(name) for name in of_the_container)
    yield f"keep_keys(log.attributes, [{kept}]) where {line} != nil"
