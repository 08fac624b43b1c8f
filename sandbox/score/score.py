"""Verdicts added up: figures by rule, figures over all lines, and the bars that they are held against."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from sandbox.score.judge import Fate, Leak, Verdict

LEAK_RATE_ALLOWED = 0.0
"""Issue 4: "leak rate 0 on labelled values"."""
TOUCHED_ALLOWED = 0.01
"""Issue 4: "under 1% of harmless lines touched"."""


@dataclass(frozen=True)
class RuleScore:
    """One rule's figures; a rate is None where there is nothing to divide by."""

    rule: str
    fates: Counter[str]
    masks: int
    extra: int

    @property
    def labels(self) -> int:
        """Return how many labelled values the rule has."""
        return self.fates.total()

    @property
    def leak_rate(self) -> float | None:
        """Return the share of labelled values that leaked."""
        return _share(self.fates[Fate.LEAKED], self.labels)

    @property
    def recall(self) -> float | None:
        """Return the share of labelled values that a mask or an action of the policy hides."""
        return _share(sum(self.fates[fate] for fate in (Fate.MASKED, Fate.BY_ANOTHER, Fate.REMOVED)), self.labels)

    @property
    def precision(self) -> float | None:
        """Return the share of masks that cover a labelled value."""
        return _share(self.masks - self.extra, self.masks)


@dataclass(frozen=True)
class Score:
    """All figures of one run."""

    rules: tuple[RuleScore, ...]
    total: RuleScore
    lines: int
    harmless_lines: int
    touched: tuple[Verdict, ...]
    quarantined: int
    harmless_texts: int
    gone: tuple[Verdict, ...]
    leaks: tuple[Leak, ...]

    @property
    def touched_share(self) -> float:
        """Return the share of lines without labels that were touched."""
        return _share(len(self.touched), self.harmless_lines) or 0.0

    @property
    def gone_texts(self) -> int:
        """Return how many harmless texts can no longer be read."""
        return sum(item.gone for item in self.gone)

    @property
    def broken(self) -> tuple[str, ...]:
        """Return the bars that these figures break, in words."""
        found = []
        if (self.total.leak_rate or 0.0) > LEAK_RATE_ALLOWED:
            found.append(f"leak rate {self.total.leak_rate:.2%}, allowed is {LEAK_RATE_ALLOWED:.0%}")
        if self.harmless_lines and self.touched_share >= TOUCHED_ALLOWED:
            found.append(f"{self.touched_share:.2%} of harmless lines touched, allowed is under {TOUCHED_ALLOWED:.0%}")
        return tuple(found)


def added_up(verdicts: Iterable[Verdict], order: Iterable[str]) -> Score:
    """Return the figures of `verdicts`; rules in `order`, those that only labels name after them."""
    all_of = tuple(verdicts)
    fates: dict[str, Counter[str]] = {}
    masks: Counter[str] = Counter()
    extra: Counter[str] = Counter()
    for verdict in all_of:
        for rule, fate in verdict.fates:
            fates.setdefault(rule, Counter())[fate] += 1
        masks += verdict.masks
        extra += verdict.extra
    names = list(dict.fromkeys([*order, *sorted({*fates, *masks})]))
    rules = tuple(RuleScore(name, fates.get(name, Counter()), masks[name], extra[name]) for name in names)
    total = RuleScore("all", sum((rule.fates for rule in rules), Counter()), masks.total(), extra.total())
    return Score(
        rules=rules,
        total=total,
        lines=len(all_of),
        harmless_lines=sum(not item.labelled for item in all_of),
        touched=tuple(item for item in all_of if item.touched),
        quarantined=sum(item.quarantined for item in all_of),
        harmless_texts=sum(item.harmless for item in all_of),
        gone=tuple(item for item in all_of if item.gone),
        leaks=tuple(leak for item in all_of for leak in item.leaks),
    )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
