"""One pipeline a class, and quarantine for every record that is not marked as redacted."""

from collections.abc import Iterable, Mapping
from typing import Any

from infra import sinks
from infra.documents.collector.normalise import UID_PATTERN, severity_text
from infra.documents.collector.ottl import CLASS, DROP, OK, REDACTION, UID, any_of, attribute, group, text
from infra.policy.redaction import Action, Redaction

ROUTER = "routing/class"
QUARANTINE = sinks.QUARANTINE
WITHHELD = "[withheld]"
SERVICE_NAME = "^[a-z][a-z-]{1,40}$"
"""What a service name may be to stay readable in quarantine."""


def pipeline(name: str) -> str:
    """Return the id of the pipeline of a class, or of quarantine."""
    return f"logs/{name}"


def connector(ways: Mapping[str, str]) -> dict[str, Any]:
    """Return the routing connector. Its default, on error too, is quarantine."""
    return by_class(ways, otherwise=QUARANTINE)


def by_class(ways: Mapping[str, str], *, otherwise: str) -> dict[str, Any]:
    """Return a routing connector from records marked clean to the pipeline that `ways` names for their class, and from
    others to `otherwise`."""
    redacted = f'attributes["{REDACTION}"] == "{OK}"'
    return {
        "error_mode": "ignore",
        "default_pipelines": [pipeline(otherwise)],
        "table": [
            {
                "context": "log",
                "condition": f'{redacted} and attributes["{CLASS}"] == "{name}"',
                "pipelines": [first],
            }
            for name, first in ways.items()
        ],
    }


def drops(policy: Redaction) -> dict[str, Any]:
    """Return a filter for each rule that drops whole records; its id, and so its counters, name the rule."""
    return {
        f"filter/{rule.name}": {
            "error_mode": "silent",
            "logs": {"log_record": [f'attributes["{DROP}"] == "{rule.name}" and attributes["{REDACTION}"] == "{OK}"']},
        }
        for rule in policy.rules
        if rule.action is Action.DROP_RECORD
    }


def finish(fragment: Mapping[str, Any]) -> dict[str, Any]:
    """Return the processor that removes what only the pipelines need."""
    return {"actions": [{"key": name, "action": "delete"} for name in fragment["drop_attributes"]]}


def withhold(fragment: Mapping[str, Any], classes: Iterable[str]) -> dict[str, Any]:
    """Return the processor that leaves of a record what cannot betray anybody: ids, times, severity, a class guess."""
    service = 'resource.attributes["service.name"]'
    kept = ", ".join(text(name) for name in fragment["keep_attributes"])
    kept_of_resource = ", ".join(text(name) for name in fragment["keep_resource_attributes"])
    return {
        "error_mode": "silent",
        "log_statements": [
            group(
                "resource",
                [
                    f"keep_keys(resource.attributes, [{kept_of_resource}])",
                    f'set({service}, "") where not IsString({service}) or not IsMatch({service}, {text(SERVICE_NAME)})',
                    'set(resource.schema_url, "")',
                ],
            ),
            group(
                "scope",
                [
                    "keep_keys(scope.attributes, [])",
                    'set(scope.name, "")',
                    'set(scope.version, "")',
                    'set(scope.schema_url, "")',
                ],
            ),
            group(
                "log",
                [
                    f"set(log.body, {text(WITHHELD)})",
                    'set(log.event_name, "")',
                    *severity_text(),
                    f"keep_keys({'log.attributes'}, [{kept}])",
                    f"delete_key(log.attributes, {text(UID)}) where not IsMatch({attribute(UID)}, {text(UID_PATTERN)})",
                    f"delete_key(log.attributes, {text(CLASS)}) where not IsMatch({attribute(CLASS)}, {text(f'^(?:{any_of(classes)})$')})",
                ],
            ),
        ],
    }
