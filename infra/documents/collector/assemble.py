"""The stages put together: what is read from top to bottom is the way a record takes."""

from collections import Counter
from typing import Any

import yaml

from infra.context import Context
from infra.documents.collector import classify, export, normalise, receive, redact, route, sample, telemetry, verify
from infra.documents.collector.fragments import Fragments
from infra.policy.data_classes import Destination

HEADER = """\
# The collector's configuration in the stack `{stack}`, as it runs there.
# Written by `make render` from policy/, Pulumi.{stack}.yaml and collector_configs/: change those, not this.
"""


def collector_config(context: Context, fragments: Fragments) -> dict[str, Any]:
    """Return the whole configuration of the stack's collector, without any secret."""
    settings, policy, base = context.settings, context.policy, fragments.base
    classes = policy.data_classes.classes
    sinks = export.sinks(context, fragments.destinations, base)
    common = {
        "memory_limiter": receive.memory_limiter(base["processors"]["memory_limiter"], settings.collector),
        "transform/normalise": normalise.processor(),
        "transform/classify": classify.processor(policy.data_classes),
        "transform/redact": redact.processor(policy.redaction),
        "redaction/pseudonyms": redact.pseudonyms(),
        "transform/verify": verify.processor(policy.redaction),
        **route.drops(policy.redaction),
    }
    thinning = {name: sample.processors(name, cls, settings.environment) for name, cls in classes.items()}
    finish = route.finish(fragments.classes["every"])
    finishing = {f"attributes/{name}": finish for name in classes}
    withhold = {"transform/withhold": route.withhold(fragments.classes["quarantine"], classes)}
    signers = {export.SIGNER: export.signer(context.region)} if Destination.CLOUDWATCH in settings.destinations else {}
    extensions = {
        "health_check": telemetry.health(settings.collector.listen),
        **signers,
        **{
            export.store(sink): export.queue_store(base["extensions"]["file_storage"], settings, sink)
            for sink in sinks.stores
        },
    }
    pipelines = {
        "logs/accept": {"receivers": ["otlp"], "processors": list(common), "exporters": [route.ROUTER]},
        **{
            route.pipeline(name): {
                "receivers": [route.ROUTER],
                "processors": [*thinning[name], f"attributes/{name}"],
                "exporters": sinks.by_pipeline[name],
            }
            for name in classes
        },
        route.pipeline(route.QUARANTINE): {
            "receivers": [route.ROUTER],
            "processors": list(withhold),
            "exporters": sinks.by_pipeline[route.QUARANTINE],
        },
    }
    return {
        "receivers": receive.receivers(base["receivers"], settings.collector),
        "processors": {
            **common,
            **{key: value for found in thinning.values() for key, value in found.items()},
            **finishing,
            **withhold,
        },
        "connectors": {route.ROUTER: route.connector(classes)},
        "exporters": sinks.exporters,
        "extensions": extensions,
        "service": {
            "extensions": list(extensions),
            "pipelines": pipelines,
            "telemetry": telemetry.telemetry(base["service"]["telemetry"], settings.collector.listen),
        },
    }


def dumps(config: dict[str, Any], *, stack: str) -> str:
    """Return `config` as YAML, the same for the same input, under a header that says where it comes from."""
    body = yaml.dump(config, Dumper=_Named, sort_keys=False, width=4096, allow_unicode=True)
    return HEADER.format(stack=stack) + body


class _Named(yaml.SafeDumper):
    """SafeDumper whose anchors bear the name of the key that they stand under; lists are indented as people do."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._key_of: dict[int, str] = {}
        self._used: Counter[str] = Counter()

    def represent_mapping(self, tag: str, mapping: Any, flow_style: bool | None = None) -> yaml.MappingNode:  # noqa: FBT001 - PyYAML's signature
        """Remember under which key each value stands."""
        node = super().represent_mapping(tag, mapping, flow_style)
        self._key_of |= {id(value): key.value for key, value in node.value}
        return node

    def generate_anchor(self, node: yaml.Node) -> str:
        """Return the key's name, numbered from the second time on."""
        name = self._key_of[id(node)].replace("/", "-")
        self._used[name] += 1
        return name if self._used[name] == 1 else f"{name}_{self._used[name]}"

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001 - PyYAML's signature
        """Indent lists too."""
        super().increase_indent(flow, False)
