"""From whatever came in to records of one shape, of one class and proven clean: what runs, and in which order."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.documents.collector import classify, clues, gate, names, normalise, pseudonym, redact, route, verify
from infra.documents.collector.part import Part, pipeline
from infra.policy import Policy


@dataclass(frozen=True)
class Cleaning:
    """What every record passes before it has a class's pipeline to itself."""

    part: Part
    processors: tuple[str, ...]
    """Ids of what runs in each receiving pipeline, after what the door does itself."""
    exporter: str
    """Id of the connector that receiving pipelines end in."""
    routers: tuple[str, ...]
    """Ids of the connectors that feed the classes' pipelines."""


def cleaning(policy: Policy, ways: Mapping[str, str]) -> Cleaning:
    """Return the stages between the doors and the classes' pipelines; `ways` says which pipeline each class begins with.

    A record in which the gate finds nothing goes to its class; every other one takes the way through redaction.
    """
    first: dict[str, Any] = {
        "transform/normalise": normalise.processor(),
        "transform/classify": classify.processor(policy.data_classes),
        "transform/names": names.processor(policy.redaction),
        pseudonym.PROCESSOR: pseudonym.processor(),
        "transform/shared": gate.shared(policy.redaction),
        "transform/scan": gate.scan(policy.redaction),
        "redaction/gate": gate.search(clues.of(policy.redaction)),
        "transform/gate": gate.judge(),
    }
    second: dict[str, Any] = {
        "transform/redact": redact.processor(policy.redaction),
        pseudonym.PROCESSOR: pseudonym.processor(),
        "transform/rescan": verify.rescan(policy.redaction),
        "redaction/again": verify.search(policy.redaction),
        "transform/verify": verify.processor(policy.redaction),
        **route.drops(policy.redaction),
    }
    return Cleaning(
        Part(
            processors={**first, **second},
            connectors={gate.ROUTER: gate.connector(ways), route.ROUTER: route.connector(ways)},
            pipelines={route.pipeline(gate.REDACT): pipeline([gate.ROUTER], second, [route.ROUTER])},
        ),
        tuple(first),
        gate.ROUTER,
        (gate.ROUTER, route.ROUTER),
    )
