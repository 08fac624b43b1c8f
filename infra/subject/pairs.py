"""Two listings walked through side by side: what lies in an archive, and its copies in another region."""

from collections.abc import Iterator

from infra.subject.versions import Stored


def pairs(mine: Iterator[Stored], copies: Iterator[Stored]) -> Iterator[tuple[Stored | None, Stored | None]]:
    """Yield each key of either listing once, with what each has of it. Both are in order of form and key."""
    one, other = next(mine, None), next(copies, None)
    while one is not None or other is not None:
        if one is not None and other is not None and _order(one) == _order(other):
            yield one, other
            one, other = next(mine, None), next(copies, None)
        elif other is None or (one is not None and _order(one) < _order(other)):
            yield one, None
            one = next(mine, None)
        else:
            yield None, other
            other = next(copies, None)


def _order(item: Stored) -> tuple[bool, str]:
    return item.key.startswith("export/"), item.key
