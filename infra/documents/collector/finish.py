"""What every record gets back, or gets for the first time, once it is clean: uid, event name, numbers."""

from collections.abc import Iterator

from infra.documents.collector.normalise import NUMBERS, WHOLE_NUMBERS
from infra.documents.collector.ottl import ATTRIBUTES, UID, attribute, text


def statements() -> Iterator[str]:
    """Yield the statements of a clean record; its uid has waited in place of the event name, where no rule looks."""
    yield f'set({attribute(UID)}, log.event_name) where log.event_name != ""'
    yield f"set({attribute(UID)}, UUIDv7()) where {attribute(UID)} == nil"
    yield 'set(log.event_name, "")'
    yield f"set(log.event_name, {attribute('event')}) where {attribute('event')} != nil"
    yield from numbers(ATTRIBUTES)


def numbers(target: str) -> Iterator[str]:
    """Yield the statements that make numbers again of what the contract has as numbers."""
    for names, convert, shape in (
        (WHOLE_NUMBERS, "Int", r"^-?[0-9]{1,15}$"),
        (NUMBERS, "Double", r"^-?[0-9]{1,15}(?:\.[0-9]{1,15})?$"),
    ):
        for name in names:
            value = f"{target}[{text(name)}]"
            yield f"set({value}, {convert}({value})) where {value} != nil and IsMatch({value}, {text(shape)})"
