"""Thinning out where the policy allows it: whole traces or sessions; what is kept says how many it stands for."""

from collections.abc import Iterator
from typing import Any

from infra.documents.collector.ottl import attribute, group, text
from infra.model import Environment
from infra.policy.data_classes import DataClass, SampledBy, Sampling

HASH_SEED = 7
"""The same for every rule and collector, so that a trace is kept or dropped as a whole, whoever sees its records."""
PRIORITY = "sampling.priority"
ADJUSTED_COUNT = "sampling.adjusted_count"
"""Attribute of a kept record: how many records it stands for."""
SESSION = "session_id"
MASKED = r"^(?:\[[a-z_]+\])?$"
"""A session that is only a mask is everybody's: nothing can be decided by it."""


def rules(data_class: DataClass, environment: Environment) -> tuple[Sampling, ...]:
    """Return the rules that drop anything in `environment`."""
    return tuple(rule for rule in data_class.sampling if rule.keep_percent.at(environment) < 100)


def processors(name: str, data_class: DataClass, environment: Environment) -> dict[str, Any]:
    """Return the processors, in order, that thin out the class `name`; their ids name class and rule."""
    found: dict[str, Any] = {}
    for rule in rules(data_class, environment):
        percent = rule.keep_percent.at(environment)
        found[f"transform/sampling-{name}-{rule.name}"] = {
            "error_mode": "silent",
            "log_statements": [group("log", list(_eligible(rule, percent)))],
        }
        found[f"probabilistic_sampler/{name}-{rule.name}"] = {
            "mode": "hash_seed",
            "hash_seed": HASH_SEED,
            "sampling_percentage": percent,
            "sampling_priority": PRIORITY,
            "fail_closed": False,
            **_source(rule),
        }
    return found


def _source(rule: Sampling) -> dict[str, str]:
    match rule.by:
        case SampledBy.SESSION:
            return {"attribute_source": "record", "from_attribute": SESSION}
        case SampledBy.TRACE:
            return {}


def _belongs_to_nothing(rule: Sampling) -> str:
    """Return the condition that there is nothing to decide by."""
    match rule.by:
        case SampledBy.SESSION:
            session = attribute(SESSION)
            return f"not IsString({session}) or IsMatch({session}, {text(MASKED)})"
        case SampledBy.TRACE:
            return 'log.trace_id.string == ""'


def _eligible(rule: Sampling, percent: float) -> Iterator[str]:
    """Yield statements that keep what the rule does not speak of: higher or unknown severity, no trace, no session."""
    below = rule.below.number
    spared = f"log.severity_number == 0 or log.severity_number >= {below} or {_belongs_to_nothing(rule)}"
    # An earlier rule's sampler left its own numbers; a second sampler would refuse such a record.
    yield 'delete_matching_keys(log.attributes, "^sampling\\\\.(?:priority|randomness|threshold)$$")'
    yield f"set({attribute(PRIORITY)}, 100) where {spared}"
    if percent > 0:
        count = f"{100 / percent:.6g}"
        count = count if "." in count or "e" in count else f"{count}.0"
        known = attribute(ADJUSTED_COUNT)
        yield f"set({known}, {count}) where {attribute(PRIORITY)} == nil and ({known} == nil or {known} < {count})"
