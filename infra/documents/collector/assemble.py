"""The stages put together: what is read from top to bottom is the way a record takes."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import yaml

from infra.context import Context
from infra.documents.collector import (
    clean,
    counts,
    deliver,
    fold,
    loggly,
    loopback,
    own_metrics,
    receive,
    route,
    sample,
    telemetry,
)
from infra.documents.collector.fragments import Fragments
from infra.documents.collector.part import Part, joined, pipeline
from infra.settings import Listen
from infra.sinks import ways

HEADER = """\
# The collector's configuration in the stack `{stack}`, as it runs there.
# Written by `make render` from policy/, Pulumi.{stack}.yaml and collector_configs/: change those, not this.
"""


def collector_config(context: Context, fragments: Fragments) -> dict[str, Any]:
    """Return the whole configuration of the stack's collector, without any secret."""
    settings, policy, base = context.settings, context.policy, fragments.base
    classes = policy.data_classes.classes

    doors = receive.doors(context, base)
    guard = {receive.GUARD: receive.memory_limiter(base["processors"][receive.GUARD], settings.collector)}
    cleaning = clean.cleaning(policy)
    thinning = {
        name: {**sample.processors(name, cls, settings.environment), **fold.processors(name, cls)}
        for name, cls in classes.items()
    }
    finish = route.finish(fragments.classes["every"])
    finishing = {name: {f"attributes/{name}": finish} for name in classes}
    withhold = {"transform/withhold": route.withhold(fragments.classes["quarantine"], classes)}
    delivery = deliver.delivery(context, ways(settings, policy.data_classes), fragments.destinations, base)

    def counted(connector: str) -> list[str]:
        return [connector] if connector in counts.counting(settings.collector) else []

    whole = joined(
        [
            Part(extensions={"health_check": telemetry.health(settings.collector.listen)}),
            *(
                Part(
                    receivers=door.receivers,
                    processors={**guard, **door.processors},
                    pipelines={
                        door.pipeline: pipeline(
                            door.receivers,
                            [*guard, *door.processors, *cleaning.processors],
                            [cleaning.exporter, *counted(counts.ACCEPTED)],
                        )
                    },
                )
                for door in doors
            ),
            *(door.beside for door in doors),
            cleaning.part,
            *(
                _class_pipeline(
                    name,
                    cleaning.routers,
                    {**thinning[name], **finishing[name]},
                    [*delivery.entrances[name], *counted(counts.KEPT)],
                )
                for name in classes
            ),
            _class_pipeline(
                route.QUARANTINE,
                [route.ROUTER, loopback.ROUTER],
                withhold,
                [*delivery.entrances[route.QUARANTINE], counts.QUARANTINED],
            ),
            delivery.part,
            counts.counts(classes, settings.collector, base["own_metrics"]["counts"]),
            own_metrics.own_metrics(context, base["own_metrics"]),
            loggly.part(context, fragments.destinations["loggly"]["syslog"]),
        ]
    )
    return document(whole, base, settings.collector.listen)


def document(whole: Part, base: Mapping[str, Any], listen: Listen) -> dict[str, Any]:
    """Return the configuration that `whole` is, with what the collector says about itself."""
    return {
        "receivers": whole.receivers,
        "processors": whole.processors,
        "connectors": whole.connectors,
        "exporters": whole.exporters,
        "extensions": whole.extensions,
        "service": {
            "extensions": list(whole.extensions),
            "pipelines": whole.pipelines,
            "telemetry": telemetry.telemetry(base["service"]["telemetry"], listen),
        },
    }


def _class_pipeline(name: str, routers: Iterable[str], processors: Mapping[str, Any], exporters: Sequence[str]) -> Part:
    """Return the pipeline of a class, or of quarantine, from the routers to the ways to its sinks."""
    return Part(processors=processors, pipelines={route.pipeline(name): pipeline(routers, processors, exporters)})


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
