"""docs/queries.md, taken apart: the blocks of each question, so that what it teaches is what the tests run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from tests.factories import ROOT

FILE = ROOT / "docs" / "queries.md"
_SECTION = re.compile(r"^## ([a-z]+(?:-[a-z]+)+)$\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_BLOCK = re.compile(r"^```(insights|logql|sql)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PLACE = re.compile(r"PUT-THE-([A-Z-]+)-HERE")


@dataclass(frozen=True)
class Documented:
    """One question as the document asks it; None where a language cannot."""

    name: str
    insights: str | None
    logql: str | None
    sql: str


def questions() -> list[Documented]:
    """Return the document's questions, in its order. AssertionError for a block that is there twice."""
    found = []
    for name, section in _SECTION.findall(FILE.read_text(encoding="utf-8")):
        blocks = _BLOCK.findall(section)
        by_language = {language: text.strip() for language, text in blocks}
        assert len(by_language) == len(blocks), f"{name} has two blocks of one language"
        found.append(Documented(name, by_language.get("insights"), by_language.get("logql"), by_language["sql"]))
    return found


def filled(text: str, values: Mapping[str, str]) -> str:
    """Return `text` with values in the places that say PUT-THE-...-HERE."""
    return _PLACE.sub(lambda place: values[place[1].lower().replace("-", "_")], text)
