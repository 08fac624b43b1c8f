"""Writes generated.jsonl: made-up values in the forms and places in which applications print them, always the same.

    python -m tests.labelled.generate

What is sensitive is known because it was put there; the policy's expressions are not consulted.
"""

import json
import random
import string
from collections.abc import Callable, Iterator
from typing import Any

from tests.labelled.forms import CHARACTERS, FORMS, HARMLESS, KEYED
from tests.labelled_set import DIRECTORY

SEED = 20261124
HARMLESS_LINES = 180
Row = dict[str, Any]


def filled(form: str, dice: random.Random) -> str:
    """Return `form` with each `<kind>` of CHARACTERS replaced by made-up characters: `<hex:12>` by twelve digits."""
    before, found, rest = form.partition("<")
    if not found:
        return before
    kind, _, after = rest.partition(">")
    name, _, length = kind.partition(":")
    if name not in CHARACTERS:
        return f"{before}<{filled(rest, dice)}"
    return before + "".join(dice.choices(CHARACTERS[name], k=int(length))) + filled(after, dice)


def text_rows(dice: random.Random) -> Iterator[Row]:
    """Yield rows whose sensitive value, between « and », stands in text."""
    for rule, forms in FORMS.items():
        for at in range(max(16, len(forms) * 2)):
            form = filled(forms[at % len(forms)], dice)
            parts = form.replace("»", "«").split("«")
            values = [{"value": value, "rule": rule} for value in parts[1::2]]
            number = "".join(dice.choices(string.digits[1:], k=5))
            place = PLACES[(at + at // len(PLACES)) % len(PLACES)]
            yield {**place("".join(parts), number), "sensitive": values, "harmless": [f"step {number}"]}


def keyed_rows(dice: random.Random) -> Iterator[Row]:
    """Yield rows whose sensitive value stands under a name that says so."""
    for rule, pairs in KEYED.items():
        for at in range(max(15, len(pairs))):
            key, form = pairs[at % len(pairs)]
            value = filled(form, dice)
            place = KEYED_PLACES[at % len(KEYED_PLACES)]
            yield {**place(key, value), "sensitive": [{"value": value, "rule": rule}], "harmless": ["mysite.keeps"]}


def harmless_rows(dice: random.Random) -> Iterator[Row]:
    """Yield rows in which nothing is sensitive."""
    for at in range(HARMLESS_LINES):
        text = filled(HARMLESS[at % len(HARMLESS)], dice)
        place = PLACES[(at + at // len(HARMLESS)) % len(PLACES)]
        yield {**place(text, "00000"), "sensitive": [], "harmless": [text]}


def _line(**values: Any) -> Row:
    common = {"timestamp": "2026-11-24T08:12:09.514201+00:00", "level": "INFO", "logger": "mysite.keeps"}
    return {"line": json.dumps(common | values)}


def _traceback(text: str) -> str:
    return (
        'Traceback (most recent call last):\n  File "/app/mysite/keeps/views.py", line 88, in post\n'
        f"    {text}\nValueError: step failed"
    )


PLACES: tuple[Callable[[str, str], Row], ...] = (
    lambda text, number: {"line": f"[INFO] mysite.keeps step {number} {text}"},
    lambda text, number: _line(message=f"step {number}: {text}"),
    lambda text, number: _line(message=f"step {number}", context={"detail": {"note": text}}),
    lambda text, number: _line(message=f"step {number}", notes=["first", text]),
    lambda text, number: _line(message=f"step {number}", exc_info=_traceback(text)),
    lambda text, number: {"record": {"body": f"step {number}", "attributes": {"note": text}}},
    lambda text, number: {"record": {"body": {"step": f"step {number}", "inner": [{"note": text}]}}},
    lambda text, number: {"record": {"body": f"step {number}", "resource": {"deploy.note": text}}},
    lambda text, number: {"record": {"body": f"step {number}\n{text}\nend"}},
)
KEYED_PLACES: tuple[Callable[[str, str], Row], ...] = (
    lambda key, value: _line(message="stored", **{key: value}),
    lambda key, value: _line(message="stored", context={key: value}),
    lambda key, value: {"record": {"body": "mysite.keeps stored", "attributes": {f"data.{key}": value}}},
    lambda key, value: {"record": {"body": {"event": "mysite.keeps", "data": {key: [value, "1"]}}}},
    lambda key, value: {"record": {"body": "mysite.keeps", "resource": {key: value}}},
    lambda key, value: {"line": "mysite.keeps data=" + json.dumps({"at": 1, key: value})},
    lambda key, value: {"line": f"mysite.keeps invalid: { {'at': 1, key: value}!r}"},
    lambda key, value: _line(message="payload " + json.dumps({"at": 1, key: value})),
)


def main() -> None:
    """Write the file anew."""
    dice = random.Random(SEED)  # noqa: S311
    rows = [*text_rows(dice), *keyed_rows(dice), *harmless_rows(dice)]
    lines = [json.dumps({"id": f"generated-{at:03d}", **row}, ensure_ascii=False) for at, row in enumerate(rows, 1)]
    (DIRECTORY / "generated.jsonl").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
