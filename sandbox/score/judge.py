"""One labelled line against what arrived of it. The words are defined in sandbox.score."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from infra.policy.redaction import Action, Redaction
from sandbox.score.align import Mask, covers, masks
from sandbox.score.collector import Carried
from sandbox.score.labelled import Labelled
from sandbox.score.leaves import moved, names_of, pieces_missing, taken_apart
from sandbox.score.otlp import Text, texts
from sandbox.score.readable import Readable

NAMES = "attribute_name"
"""The mask of attribute names that could carry a value: no rule of the policy, but a mask like the others."""
_UID = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_COPIES = {"event name": "event", "scope name": "logger.name"}
"""Places whose text the collector also copies into an attribute."""
SHORTEST_PART = 4
"""Characters below which a text is found somewhere in any record."""
_REMOVING = (Action.DROP_ATTRIBUTE, Action.DROP_RECORD)


class Fate(StrEnum):
    """What became of a labelled value."""

    LEAKED = "leaked"
    MASKED = "masked"
    BY_ANOTHER = "by another"
    REMOVED = "removed"
    """By an action of the policy that drops an attribute or a record."""
    WITHHELD = "withheld"
    LOST = "lost"
    """Not readable, and no mask says why: cut off, or overwritten."""


@dataclass(frozen=True)
class Leak:
    """A labelled value that can be read at kinds of places; the value itself is not kept."""

    id: str
    rule: str
    places: tuple[str, ...]


@dataclass(frozen=True)
class Verdict:
    """What became of one line."""

    id: str
    labelled: bool
    quarantined: bool
    fates: tuple[tuple[str, Fate], ...]
    """Rule of each label, and what became of its value."""
    leaks: tuple[Leak, ...]
    masks: Counter[str]
    extra: Counter[str]
    touched: tuple[str, ...]
    """Why a line without labels counts as touched."""
    harmless: int
    gone: int


@dataclass(frozen=True)
class Judge:
    """Knows the masks of a policy, and which rules remove what they find."""

    mask: re.Pattern[str] = field(repr=False)
    removing: frozenset[str]

    @classmethod
    def of(cls, policy: Redaction) -> "Judge":
        """Return the judge of what `policy` does."""
        names = "|".join([*(rule.name for rule in policy.rules), NAMES])
        removing = frozenset(rule.name for rule in policy.rules if rule.action in _REMOVING)
        return cls(re.compile(rf"\[({names})(?::[0-9a-f]{{8,64}})?\]"), removing)

    def verdict(self, line: Labelled, carried: Carried) -> Verdict:
        """Return what became of `line`."""
        requests = (*carried.delivered, *carried.quarantined)
        arrived = [item for one in requests for item in texts(one) if not _is_uid(item)]
        sent = taken_apart(line.sent)
        placed = list(masks(_without_copies(arrived), sent, self.mask)) if not carried.quarantined else []
        counts = Counter(item.rule for item in placed)
        plain = [Text(item.place, item.key, self.mask.sub("[]", item.text)) for item in arrived]
        readable = Readable(item.text for item in plain)
        leaked = [label for label in line.sensitive if label.value in readable]
        fates = [
            (label.rule, Fate.LEAKED if label in leaked else self._fate(label.rule, counts, carried))
            for label in line.sensitive
        ]
        there = [*(item.text for item in arrived), *(text for path, text in sent if moved(path)), *names_of(line.sent)]
        return Verdict(
            id=line.id,
            labelled=bool(line.sensitive),
            quarantined=bool(carried.quarantined),
            fates=tuple(fates),
            leaks=tuple(Leak(line.id, label.rule, _places(plain, label.value)) for label in leaked),
            masks=counts,
            extra=_extra(placed, line, sent),
            touched=() if line.sensitive else tuple(_touched(carried, counts, sent, arrived)),
            harmless=len(line.harmless),
            gone=sum(bool(carried.quarantined or pieces_missing(text, there)) for text in line.harmless),
        )

    def _fate(self, rule: str, counts: Counter[str], carried: Carried) -> Fate:
        if carried.quarantined:
            return Fate.WITHHELD
        if counts[rule]:
            return Fate.MASKED
        if not carried.delivered:
            return Fate.REMOVED if self.removing else Fate.LOST
        if counts.total():
            return Fate.BY_ANOTHER
        return Fate.REMOVED if rule in self.removing else Fate.LOST


def _extra(placed: Sequence[Mask], line: Labelled, sent: Sequence[tuple[str, str]]) -> Counter[str]:
    """Return, by rule, the masks that cover no labelled value.

    Where it cannot be told what stood in a mask's place, such masks are set against the labelled occurrences that no
    other mask covers.
    """
    values = [label.value for label in line.sensitive]
    extra = Counter(mask.rule for mask in placed if mask.before is not None and not covers(mask, values))
    unplaced = Counter(mask.rule for mask in placed if mask.before is None)
    there = Readable([text for _, text in sent])
    occurrences = sum(max(1, there.count(value)) for value in values)
    covered = sum(mask.before is not None and covers(mask, values) for mask in placed)
    surplus = unplaced.total() - max(0, occurrences - covered)
    for rule, count in unplaced.most_common():
        taken = max(0, min(count, surplus))
        extra[rule] += taken
        surplus -= taken
    return +extra


def _touched(
    carried: Carried, counts: Counter[str], sent: Iterable[tuple[str, str]], arrived: Sequence[Text]
) -> Iterable[str]:
    texts_there = [item.text for item in arrived]
    if carried.quarantined:
        yield "withheld"
    elif not carried.delivered:
        yield "dropped"
    elif counts:
        yield from (f"mask {name}" for name in sorted(counts))
    elif not all(_there(text, texts_there) for path, text in sent if not moved(path)):
        yield "changed"


def _there(text: str, arrived: Sequence[str]) -> bool:
    """Return whether a value arrived whole; one of some length may be a part of a text, as in a list that became JSON."""
    if text in arrived:
        return True
    if len(text) < SHORTEST_PART:
        return False
    return any(part in item for part in (text, json.dumps(text)[1:-1]) for item in arrived)


def _places(plain: Iterable[Text], value: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item.place for item in plain if value in Readable([item.text])))


def _without_copies(arrived: Sequence[Text]) -> list[Text]:
    copies = {(item.key, item.text) for item in arrived if item.place == "attribute"}
    return [item for item in arrived if (_COPIES.get(item.place, ""), item.text) not in copies]


def _is_uid(item: Text) -> bool:
    return item.key == "log.record.uid" and _UID.fullmatch(item.text) is not None
