"""What stood in a mask's place: the text that arrived laid over the text that was sent."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from infra.documents.collector.normalise import RENAMED
from sandbox.score.otlp import Text
from sandbox.score.readable import Readable


@dataclass(frozen=True)
class Mask:
    """A mask that arrived: its rule, and the text it stands for where that could be told."""

    rule: str
    before: str | None
    around: str = ""
    """`before` with some of what stands beside it, for a mask that covers only a part of a value."""


BESIDE = 24
"""Characters beside a mask that still belong to its surroundings."""


def masks(arrived: Iterable[Text], sent: Sequence[tuple[str, str]], mask: re.Pattern[str]) -> Iterator[Mask]:
    """Yield every mask in `arrived`; `sent` are the paths and texts of what was sent, `mask` has the rule as group 1."""
    for item in arrived:
        found = list(mask.finditer(item.text))
        if not found:
            continue
        laid = _laid_over(item, found, [text for path, text in sent if _same(item, path)])
        for position, match in enumerate(found):
            if laid is None:
                yield Mask(match[1], None)
            else:
                start, end = laid.span(position + 1)
                yield Mask(match[1], laid[position + 1], laid.string[max(0, start - BESIDE) : end + BESIDE])


def covers(mask: Mask, values: Iterable[str]) -> bool:
    """Return whether the mask stands for one of `values`, or for a part of one, or for more than one."""
    if mask.before is None:
        return False
    inside, around = Readable([mask.before]), mask.around.casefold()
    before = mask.before.strip("\"' ").casefold()
    return any(
        value in inside or (before != "" and (before in value.casefold() or _overlap(before, value, around)))
        for value in values
    )


def _overlap(before: str, value: str, around: str) -> bool:
    """Return whether `value` reaches across one end of `before` in its surroundings."""
    start = around.find(value.casefold()[:BESIDE])
    if start < 0:
        return False
    at = around.find(before)
    return at < start + len(value) and start < at + len(before)


def _laid_over(item: Text, found: Sequence[re.Match[str]], candidates: Iterable[str]) -> re.Match[str] | None:
    ends = [0, *(match.end() for match in found)]
    parts = [re.escape(item.text[end : match.start()]) for end, match in zip(ends, found, strict=False)]
    pattern = re.compile("".join(f"{part}(.*?)" for part in parts) + re.escape(item.text[ends[-1] :]), re.DOTALL)
    return next((match for text in candidates if (match := pattern.fullmatch(text))), None)


def _same(item: Text, path: str) -> bool:
    """Return whether what was sent at `path` may have arrived at the place of `item`."""
    if item.place == "body":
        return path in ("", "body", "message")
    if item.place not in ("attribute", "resource", "scope"):
        return True
    head, _, last = path.rpartition(".")
    names = {path, f"{head}.{RENAMED[last]}" if head else RENAMED[last]} if last in RENAMED else {path}
    return any(name == item.key or name.endswith(f".{item.key}") for name in names)
