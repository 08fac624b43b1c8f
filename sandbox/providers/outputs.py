"""What a resource shows to the program: its inputs, what the row computes, what moto found, secrets kept secret."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.providers.cloud import Cloud
from sandbox.providers.sdk import Field
from sandbox.providers.table import Package
from sandbox.providers.wire import UNKNOWN, Props, Secret, Unknown, has_secret, plain, taint

DEFAULTS = "__defaults"
"""The real provider's note of which inputs it chose itself, in the inputs it stores."""
_ZERO: dict[str, Any] = {"bool": False, "int": 0, "float": 0, "list": [], "map": {}, "object": {}}


@dataclass(frozen=True)
class Outputs:
    """Composes the outputs of one package's resources in one cloud."""

    package: Package
    cloud: Cloud

    def echo(self, token: str, inputs: Props) -> Props:
        """The outputs that are known from the inputs alone, in a preview too."""
        row, known = self.package.row(token), self.package.resource(token).outputs
        echoed = {
            key: value
            for key, value in inputs.items()
            if key != DEFAULTS and key not in row.write_only and value is not None
        }
        if row.answers:
            echoed = row.answers(echoed)
        for key, value in row.defaults.items():
            echoed.setdefault(key, value)
        if "region" in known:
            echoed.setdefault("region", self.cloud.region)
        if "tagsAll" in known:
            echoed["tagsAll"] = self.tags_all(inputs)
        return echoed

    def tags_all(self, inputs: Props) -> Any:
        """The resource's tags over the provider's default tags."""
        tags = inputs.get("tags") or {}
        if isinstance(tags, Unknown):
            return UNKNOWN
        if isinstance(tags, Secret):
            return Secret({**self.cloud.default_tags, **tags.value})
        return {**self.cloud.default_tags, **tags}

    def unknowns(self, token: str, known: Props) -> Props:
        """Everything that only a creation will know."""
        row, fields = self.package.row(token), self.package.resource(token).outputs
        computed = {name for name, field in fields.items() if field.required} | row.outputs.keys()
        return dict.fromkeys(computed - known.keys(), UNKNOWN)

    def computed(self, token: str, inputs: Props, identifier: str) -> Props:
        """What the row's templates and functions say, over the zero values that Terraform's state holds."""
        row = self.package.row(token)
        facts = self._facts(inputs, identifier)
        cloud = self.at(inputs)
        rendered = {key: _render(value, facts, cloud) for key, value in row.outputs.items()}
        return {**_zeros(self.package.resource(token).outputs), **rendered}

    def recorded(self, token: str, inputs: Props) -> tuple[str, Props]:
        """The id and outputs of a resource that exists in the state only."""
        row = self.package.row(token)
        drawn = {"hex": secrets.token_hex(9)[:17], **inputs}
        # Where the ARN is the id, it is made before there is an id; every other output may use the id.
        template = row.outputs["arn"] if row.id == "{arn}" else row.id
        identifier = str(_render(template, self._facts(drawn, ""), self.at(inputs)))
        return identifier, self.computed(token, drawn, identifier)

    def plain_inputs(self, token: str, inputs: Props) -> Props:
        """Inputs as a realiser takes them: defaults filled in, secrets opened, all tags together."""
        row = self.package.row(token)
        values: Props = {**row.defaults, **plain({k: v for k, v in inputs.items() if k != DEFAULTS})}
        if "tagsAll" in self.package.resource(token).outputs:
            values["tagsAll"] = plain(self.tags_all(inputs))
        return values

    def sealed(self, token: str, outputs: Props, *origins: Props) -> Props:
        """Outputs with secretness: what the SDK calls sensitive, and what was made from a secret."""
        sensitive = self.package.resource(token).sensitive
        sealed = {
            key: Secret(value) if key in sensitive and not has_secret(value) else value
            for key, value in outputs.items()
        }
        for origin in origins:
            sealed = taint(sealed, origin)
        return sealed

    def at(self, props: Props) -> Cloud:
        """The cloud in the region that the resource names."""
        return self.cloud.in_region(props.get("region"))

    def _facts(self, inputs: Props, identifier: str) -> Props:
        cloud = self.at(inputs)
        return {
            "hex": "",
            **inputs,
            "id": identifier,
            "region": cloud.region,
            "account": cloud.account,
            "partition": cloud.partition,
        }


def _render(template: Any, facts: Props, cloud: Cloud) -> Any:
    if isinstance(template, str):
        return template.format_map(facts)
    return template(facts, cloud) if callable(template) else template


def _zeros(outputs: Mapping[str, Field]) -> Props:
    return {
        name: _ZERO[field.shape.kind] for name, field in outputs.items() if field.required and field.shape.kind in _ZERO
    }
