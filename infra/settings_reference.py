"""docs/settings.md, written from the settings' own models and secret catalogue, so that it cannot fall behind them."""

from collections.abc import Iterator
from typing import Any

from infra.described import described_schema
from infra.secrets import CATALOGUE, DEPLOY_KEYS, WEBHOOKS
from infra.settings import Settings

HEAD = """# Stack settings

Everything that differs between stacks and is not policy stands in `Pulumi.<stack>.yaml`, under the prefix
`tinybeans-logging:`. Made by `make schemas` from `infra/settings.py`; do not edit.

A key that is not in these tables, or a value weaker than `policy/data_classes.yaml` asks of the environment, stops
the program before anything is registered. `destinations` is a comma list; the environment variable
`LOG_DESTINATION` means the same.
"""

SECRETS = """## Secrets

In stacks with `credentials_from: config`, each value is an encrypted key of the stack (`pulumi config set --secret`);
elsewhere an operator writes it with `aws secretsmanager put-secret-value` after the first `pulumi up`.

| config key | Secrets Manager name | needed by | purpose |
|---|---|---|---|
"""

DEPLOYING = """Keys with which the program signs in at a service are encrypted keys of every stack that has the destination; they
never leave the engine.

| config key | needed by | purpose |
|---|---|---|
"""

WEBHOOKS_TEXT = f"""`{WEBHOOKS}`, a JSON object of webhook's name to its URL, is the same for `alerting.recipients`: encrypted
config where credentials come from config; elsewhere an operator subscribes the topics that the output `alert_webhooks`
names, with `aws sns subscribe`, and neither program nor state sees the URL.
"""


def reference() -> str:
    """Return the text of docs/settings.md."""
    schema = described_schema(Settings)
    models = schema.pop("$defs")
    sections = [_table("Top level", schema)]
    sections += [_table(name, models[name]) for name in _objects(schema, models)]
    rows = "".join(
        f"| `{entry.config_key}` | `tinybeans/<environment>/{entry.name}` | {entry.needed_by or 'every stack'} | {entry.purpose} |\n"
        for entry in CATALOGUE
    )
    keys = "".join(f"| `{entry.config_key}` | {entry.needed_by} | {entry.purpose} |\n" for entry in DEPLOY_KEYS)
    return "\n".join([HEAD, *sections, SECRETS + rows, DEPLOYING + keys, WEBHOOKS_TEXT])


def _objects(schema: dict[str, Any], models: dict[str, Any]) -> list[str]:
    """Return the models that `schema` refers to, nearest first."""
    found: list[str] = []
    waiting = [schema]
    while waiting:
        for name in _references(waiting.pop(0)):
            if name not in found and "properties" in models[name]:
                found.append(name)
                waiting.append(models[name])
    return found


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"].rsplit("/", 1)[-1]
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def _table(name: str, model: dict[str, Any]) -> str:
    required = set(model.get("required", ()))
    intro = " ".join(model.get("description", "").split())
    rows = "".join(
        f"| `{key}` | {_type(spec)} | {'yes' if key in required else 'no'} | {' '.join(spec.get('description', '').split())} |\n"
        for key, spec in model["properties"].items()
    )
    return f"## {name}\n\n{intro}\n\n| key | type | required | meaning |\n|---|---|---|---|\n{rows}"


def _type(spec: dict[str, Any]) -> str:
    if "$ref" in spec:
        return str(spec["$ref"].rsplit("/", 1)[-1])
    if "anyOf" in spec:
        return " or ".join(_type(option) for option in spec["anyOf"] if option.get("type") != "null")
    if "enum" in spec:
        return ", ".join(f"`{value}`" for value in spec["enum"])
    if spec.get("type") == "array":
        return f"list of {_type(spec['items'])}"
    if spec.get("type") == "object":
        # Where keys have a form, it stands beside what they map to.
        (values,) = spec.get("patternProperties", {"": spec.get("additionalProperties")}).values()
        return f"map to {_type(values)}"
    return str(spec.get("type", "value"))
