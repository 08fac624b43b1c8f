"""What other values of the policy would cost: those that somebody asks for, and the ones that would save most."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from infra.context import Context
from infra.forecast.prices import Cost, Prices
from infra.forecast.sinks import INDEXES, Choice, bill, in_use, summed
from infra.forecast.volume import Volume
from infra.policy.archive import ArchiveRetention
from infra.policy.data_classes import CLOUDWATCH_RETENTION_DAYS
from infra.problems import InputError, Problem

KEYS = ("keep_percent", "hot_retention_days", "archive_keep_days", "datadog_index_days", "without")
_CHANGE = re.compile(r"^(?P<cls>[a-z]+)\.(?P<key>[a-z_]+)=(?P<value>[a-z0-9.]+)$")
SHOWN = 3


@dataclass(frozen=True)
class Saving:
    """A change, and what a month would cost less, at the stack's own sinks."""

    change: str
    saved: Cost
    """Negative where it costs more."""


def asked(change: str, context: Context, chosen: Mapping[str, Choice]) -> dict[str, Choice]:
    """Return the choices with `change` made, for example `application.keep_percent=20`.

    Raises InputError for a change that the policy would refuse: an unknown class or key, sampling of a class that is
    never sampled, a retention that CloudWatch does not accept.
    """
    found = _CHANGE.match(change)
    if not found or found["key"] not in KEYS:
        raise _refused(change, "not a change", f"class.key=value, the key one of {', '.join(KEYS)}")
    name, key, value = found["cls"], found["key"], found["value"]
    if name not in chosen:
        raise _refused(change, f"unknown class {name}", ", ".join(chosen))
    before = chosen[name]
    if key == "without":
        if value not in before.sinks:
            raise _refused(change, f"{name} records never go to {value}", ", ".join(sorted(before.sinks)))
        return {**chosen, name: replace(before, sinks=before.sinks - {value})}
    try:
        number = float(value)
    except ValueError:
        raise _refused(change, "the value is no number", f"{name}.{key}=a number") from None
    return {**chosen, name: _changed(change, before, key, number, context)}


def _changed(change: str, before: Choice, key: str, number: float, context: Context) -> Choice:
    days = int(number)
    match key:
        case "keep_percent":
            if not before.percents:
                never = ", ".join(context.policy.data_classes.never_sampled)
                raise _refused(change, "the class has no sampling rule", f"a class with one; never {never}")
            if not 0 <= number <= 100:
                raise _refused(change, "not a percentage", "0 to 100")
            return replace(before, percents=dict.fromkeys(before.percents, number))
        case "hot_retention_days":
            if days not in CLOUDWATCH_RETENTION_DAYS:
                raise _refused(change, "not a retention that CloudWatch Logs accepts", ", ".join(map(str, CLOUDWATCH_RETENTION_DAYS)))  # fmt: skip
            return replace(before, hot_days=days)
        case "archive_keep_days":
            if days < 1:
                raise _refused(change, "not a number of days", "1 or more")
            return replace(before, archive=_kept_for(before.archive, days))
        case _:
            if days not in INDEXES:
                raise _refused(change, "not a retention that Datadog has a price for", ", ".join(map(str, INDEXES)))
            return replace(before, datadog_days=days)


def _kept_for(archive: ArchiveRetention, days: int) -> ArchiveRetention:
    """Return the retention for so many days, without the tiers that begin later."""
    tiers = tuple(tier for tier in archive.tiers if tier.after_days < days)
    return archive.model_copy(update={"keep_days": days, "tiers": tiers})


def saving(change: str, context: Context, volume: Volume, chosen: Mapping[str, Choice], prices: Prices) -> Saving:
    """Return what `change` would save. Raises InputError as `asked` does."""
    sinks = in_use(context)
    before = summed(bill(context, volume, chosen, prices), sinks=sinks)
    after = summed(bill(context, volume, asked(change, context, chosen), prices), sinks=sinks)
    touched = _touched(change, context, volume, chosen, prices)
    return Saving(change, Cost(before.usd - after.usd, touched))


def _touched(
    change: str, context: Context, volume: Volume, chosen: Mapping[str, Choice], prices: Prices
) -> frozenset[str]:
    """Return the unknown prices of the class that is changed: what it saves there cannot be told."""
    name = change.partition(".")[0]
    return summed(bill(context, volume, chosen, prices), sinks=in_use(context), cls=name).unknown


def largest(context: Context, volume: Volume, chosen: Mapping[str, Choice], prices: Prices) -> list[Saving]:
    """Return the changes, one a class and key, that would save most, the largest first.

    Candidates halve what is kept of a sampled class, take the next shorter retention, and halve an archive that is
    not locked; never of a class that is never sampled.
    """
    found = [saving(change, context, volume, chosen, prices) for change in _candidates(context, volume, chosen)]
    worth = [item for item in found if item.saved.usd > 0.005]
    return sorted(worth, key=lambda item: (-item.saved.usd, item.change))[:SHOWN]


def _candidates(context: Context, volume: Volume, chosen: Mapping[str, Choice]) -> Iterator[str]:
    for name in volume.classes:
        if name in context.policy.data_classes.never_sampled:
            continue
        choice = chosen[name]
        if choice.percents:
            yield f"{name}.keep_percent={max(choice.percents.values()) / 2:g}"
        shorter = [days for days in CLOUDWATCH_RETENTION_DAYS if days < choice.hot_days]
        if shorter:
            yield f"{name}.hot_retention_days={shorter[-1]}"
        if choice.archive.object_lock.days is None and choice.archive.keep_days > 1:
            yield f"{name}.archive_keep_days={choice.archive.keep_days // 2}"


def _refused(change: str, wrong: str, allowed: str) -> InputError:
    return InputError([Problem("WHAT_IF", change, wrong, allowed)])
