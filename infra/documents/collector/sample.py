"""Thinning out where the policy allows it: whole traces or sessions; what is kept says how many it stands for."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from infra.documents.collector.ottl import UID, attribute, group, text
from infra.model import Environment
from infra.policy.data_classes import DataClass
from infra.policy.severity import Severity
from infra.policy.thinning import SampledBy, Sampling

HASH_SEED = 7
"""The same for every rule and collector, so that a trace is kept or dropped as a whole, whoever sees its records."""
PRIORITY = "sampling.priority"
ADJUSTED_COUNT = "sampling.adjusted_count"
"""Attribute of a kept record: how many records it stands for."""
SESSION = "session_id"
NO_TRACE = "0" * 32
"""What the path of a trace id says of a record that has none (OTTL v0.158, ctxlog/log.go)."""
MASKED = r"^(?:\[[a-z_]+\])?$"
"""A session that is only a mask is everybody's: nothing can be decided by it."""


def rules(data_class: DataClass, environment: Environment) -> tuple[Sampling, ...]:
    """Return the rules that drop anything in `environment`."""
    return tuple(rule for rule in data_class.sampling if rule.keep_percent.at(environment) < 100)


@dataclass(frozen=True)
class Deciding:
    """What decides over a record, so that what belongs together is kept or dropped together."""

    source: Mapping[str, str]
    """Settings of the sampler."""
    undecided: str
    """Condition of the records that it can say nothing of; they are kept."""


def deciding(by: SampledBy) -> Deciding:
    """Return how whole traces or whole sessions are decided over."""
    match by:
        case SampledBy.SESSION:
            session = attribute(SESSION)
            return Deciding(
                {"attribute_source": "record", "from_attribute": SESSION},
                f"(not IsString({session}) or IsMatch({session}, {text(MASKED)}))",
            )
        case SampledBy.TRACE:
            return Deciding({}, f"log.trace_id.string == {text(NO_TRACE)}")


def alone(together: Deciding) -> Deciding:
    """Return how records are decided over that `together` says nothing of: each by itself."""
    return Deciding({"attribute_source": "record", "from_attribute": UID}, f"not ({together.undecided})")


def processors(name: str, data_class: DataClass, environment: Environment) -> dict[str, Any]:
    """Return the processors, in order, that thin out the class `name`; their ids name class and rule."""
    return {
        key: item
        for rule in rules(data_class, environment)
        for key, item in thinning(
            f"{name}-{rule.name}",
            below=rule.below,
            percent=rule.keep_percent.at(environment),
            deciding=deciding(rule.by),
        ).items()
    }


def thinning(name: str, *, below: Severity, percent: float, deciding: Deciding) -> dict[str, Any]:
    """Return the two processors that keep `percent` of the records below `below`; `name`, in their ids, is class and
    rule.
    """
    return {
        f"transform/sampling-{name}": {
            "error_mode": "silent",
            "log_statements": [group("log", list(_eligible(below, percent, deciding.undecided)))],
        },
        f"probabilistic_sampler/{name}": {
            "mode": "hash_seed",
            "hash_seed": HASH_SEED,
            "sampling_percentage": percent,
            "sampling_priority": PRIORITY,
            "fail_closed": False,
            **deciding.source,
        },
    }


def _eligible(below: Severity, percent: float, undecided: str) -> Iterator[str]:
    """Yield statements that keep what the rule does not speak of: higher or unknown severity, and `undecided`."""
    spared = f"log.severity_number == 0 or log.severity_number >= {below.number} or {undecided}"
    # An earlier rule's sampler left its own numbers; a second sampler would refuse such a record.
    yield 'delete_matching_keys(log.attributes, "^sampling\\\\.(?:priority|randomness|threshold)$$")'
    yield f"set({attribute(PRIORITY)}, 100) where {spared}"
    if percent > 0:
        count = f"{100 / percent:.6g}"
        count = count if "." in count or "e" in count else f"{count}.0"
        known = attribute(ADJUSTED_COUNT)
        yield f"set({known}, {count}) where {attribute(PRIORITY)} == nil and ({known} == nil or {known} < {count})"
