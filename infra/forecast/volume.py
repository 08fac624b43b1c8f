"""How much comes of each class in a day, and how much of it the policy's sampling leaves."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from infra.model import Environment
from infra.policy import Policy
from infra.policy.data_classes import DataClass
from infra.problems import InputError, Problem

WHOLE = ""
"""Records that no sampling rule speaks of."""


@dataclass(frozen=True)
class ClassVolume:
    """One class: records a day as they come in, by the sampling rule that speaks of them."""

    records: Mapping[str, float]
    """Rule, or WHOLE, to records a day before it."""
    record_bytes: float

    def kept(self, percents: Mapping[str, float]) -> float:
        """Return the records a day that are left when each rule keeps its percent."""
        return sum(count * percents.get(rule, 100.0) / 100 for rule, count in self.records.items())


@dataclass(frozen=True)
class Volume:
    """What a forecast starts from."""

    classes: Mapping[str, ClassVolume]
    source: str
    """Where the figures come from, for people."""
    notes: tuple[str, ...] = field(default=())
    """What is assumed where nothing was measured."""
    stored_share: float | None = None
    """What gzip left of each byte, where there were lines to measure."""


def percents(data_class: DataClass, environment: Environment) -> dict[str, float]:
    """Return the class's sampling rules with what each keeps in `environment`."""
    return {rule.name: rule.keep_percent.at(environment) for rule in data_class.sampling}


def from_budgets(policy: Policy, environment: Environment) -> Volume:
    """Return what comes when every class uses the whole of its budget."""
    budgets = policy.budgets.classes
    kept = {name: item.daily_bytes.at(environment) / item.record_bytes for name, item in budgets.items()}
    return from_kept(kept, policy, environment, "policy/budgets.yaml, each class at the whole of its budget")


def from_mix(mix: str, records_per_second: float, policy: Policy, environment: Environment) -> Volume:
    """Return the volume of a mix such as `application=60,access=40` (shares of any sum) at a rate of kept records.

    Raises InputError for a class that the policy does not know, and for shares that are no numbers.
    """
    classes = policy.data_classes.classes
    shares: dict[str, float] = {}
    for part in mix.split(","):
        name, _, value = part.strip().partition("=")
        try:
            share = float(value)
        except ValueError:
            share = -1.0
        if name not in classes or not 0 <= share < float("inf"):
            raise InputError([Problem("MIX", name or "(empty)", "not a share of a known class", f"class=number, of {', '.join(classes)}")])  # fmt: skip
        shares[name] = shares.get(name, 0.0) + share
    if not sum(shares.values()):
        raise InputError([Problem("MIX", "shares", "all of them are zero", "at least one above zero")])
    whole = sum(shares.values())
    kept = {name: records_per_second * 86_400 * share / whole for name, share in shares.items()}
    return from_kept(kept, policy, environment, f"a mix of {records_per_second:g} records a second after sampling")


def from_kept(kept: Mapping[str, float], policy: Policy, environment: Environment, source: str) -> Volume:
    """Return the volume of which `kept` (records a day) is left, where it is not known of which severity they are."""
    found, guessed = {}, []
    for name, count in kept.items():
        rules = percents(policy.data_classes.classes[name], environment)
        record_bytes = policy.budgets.classes[name].record_bytes
        rule, percent = min(rules.items(), key=lambda item: item[1], default=(WHOLE, 100.0))
        if percent <= 0:
            rule, percent = WHOLE, 100.0
        if rule != WHOLE:
            guessed.append(name)
        found[name] = ClassVolume({rule: count * 100 / percent}, record_bytes)
    notes = ["bytes of a record: policy/budgets.yaml"]
    if guessed:
        notes.append(
            f"all of {', '.join(guessed)} is taken to be what sampling speaks of: savings by sampling are at most"
        )
    return Volume(found, source, tuple(notes))
