"""What somebody asks, checked: the question, its values, the window and the classes."""

import datetime
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from infra.archive.search_engine import Asked
from infra.archive.window import Window
from infra.context import Context
from infra.documents.collector.clues import MARKER
from infra.documents.collector.pseudonym import PSEUDONYM_DIGITS
from infra.documents.search.questions import QUESTIONS, Parameter, Question, Subject, classes_for, question
from infra.documents.search.statement import source_of
from infra.documents.search.tables import Source, Table, reads, table_name, tables
from infra.problems import InputError, Problem

_SECONDS = "%Y-%m-%dT%H:%M:%S"
_PLAIN = re.compile(r"[A-Za-z0-9_.:@\[\]-]+")
"""Text that every JSON writer leaves as it is, so that it can be looked for without parsing."""


@dataclass(frozen=True)
class Plan:
    """A question and the tables that it is put to, by class; a table of reads belongs to none."""

    asked: Asked
    tables: Mapping[str, Table]


def plan(
    context: Context,
    *,
    name: str,
    arguments: Sequence[str],
    window: Window,
    form: Source,
    cls: str | None,
    pepper: Callable[[], str],
) -> Plan:
    """Return the question `name` with `arguments` (`parameter=value`).

    `pepper` is asked for only when a pseudonym has to be computed. Raises InputError that names everything wrong.
    """
    found = question(name)
    if found is None:
        raise InputError([Problem("command line", "QUERY", "no such question", ", ".join(q.name for q in QUESTIONS))])
    given = _values(found, arguments)
    source = source_of(found, form)
    of_tables = _tables(context, found, source, cls)
    values = {parameter.name: _value(parameter, given[parameter.name], pepper) for parameter in found.parameters}
    needles = [values[parameter.name] for parameter in found.parameters if parameter.stands_in_records]
    needles = [text for text in [*needles, found.always_holds] if _PLAIN.fullmatch(text)]
    return Plan(
        Asked(
            question=found,
            source=source,
            values={**values, "since": _text(window.start), "until": _text(window.end)},
            needles=tuple(text.encode() for text in needles),
            late_hours=context.policy.data_classes.search.late_hours,
        ),
        of_tables,
    )


def pseudonym(rule: str, value: str, pepper: str) -> str:
    """Return what the collector makes of `value` under `rule`: an HMAC of a hash, its first digits.

    The collector hashes first, so that no processor holds the value together with the key (redact.py).
    """
    hashed = hashlib.sha256(value.encode()).hexdigest()
    keyed = hmac.new(pepper.encode(), f"{MARKER}{hashed}".encode(), hashlib.sha256).hexdigest()
    return f"[{rule}:{keyed[:PSEUDONYM_DIGITS]}]"


def _values(asked: Question, arguments: Sequence[str]) -> dict[str, str]:
    known = {parameter.name: parameter for parameter in asked.parameters}
    allowed = "; ".join(f"{parameter.name}= {parameter.what}" for parameter in asked.parameters)
    problems: list[Problem] = []
    given: dict[str, str] = {}
    for argument in arguments:
        key, separator, value = argument.partition("=")
        if not separator or key not in known:
            problems.append(
                Problem("command line", f"ARGS of {asked.name}", "an argument that is not asked for", allowed)
            )
        elif not value or (known[key].number and not value.isdecimal()):
            problems.append(Problem("command line", key, "not a number" if value else "empty", known[key].what))
        else:
            given[key] = value
    for parameter in asked.parameters:
        if parameter.default is not None:
            given.setdefault(parameter.name, parameter.default)
        elif parameter.name not in given:
            problems.append(
                Problem("command line", parameter.name, "is missing", f"ARGS='{parameter.name}=...': {parameter.what}")
            )
    if problems:
        raise InputError(problems)
    return given


def _value(parameter: Parameter, given: str, pepper: Callable[[], str]) -> str:
    if parameter.rule is None or given.startswith(f"[{parameter.rule}:"):
        return given
    return pseudonym(parameter.rule, given, pepper())


def _tables(context: Context, asked: Question, source: Source, cls: str | None) -> dict[str, Table]:
    classes = context.policy.data_classes.classes
    if asked.subject is Subject.READS:
        if not context.settings.audit_reads:
            raise InputError(
                [
                    Problem(
                        f"Pulumi.{context.environment}.yaml",
                        "audit_reads",
                        "this stack keeps no record of who read its archives",
                        "a stack with audit_reads: true",
                    )
                ]
            )
        return {"": reads(context)}
    able = classes_for(asked, classes.items())
    if cls is not None and cls not in able:
        raise InputError([Problem("command line", "CLASS", "its records cannot answer this question", ", ".join(able))])
    every = tables(context)
    return {name: every[table_name(name, source)] for name in able if cls in (None, name)}


def _text(instant: datetime.datetime) -> str:
    return instant.strftime(_SECONDS)
