"""Who is asked about: the user's id and what else names the same person, and how records show it."""

import ipaddress
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from infra.archive.records import ArchivedRecord
from infra.archive.search_question import pseudonym
from infra.problems import InputError, Problem

USER_FIELDS = ("user_id", "actor_id", "member_id", "invited_user_id", "enduser.id", "user.id")
"""Attributes that hold a user's id in the clear (docs/logging-contract.md; sandbox/app writes the first three)."""
TARGET, TARGET_TYPE, EVENT = "target_id", "target_type", "event"
"""An id of whatever the type beside it, or the event, says; of a user where that is one of USER_TYPES or USER_EVENTS."""
USER_TYPES = ("user", "member")
USER_EVENTS = ("user.", "twofa.", "auth.", "circle.member.")
CIRCLE_FIELDS = ("circle_id", "group_id")
RULES = {"email": "email", "username": "account_name", "ip": "ip_address", "session": "session"}
"""Kinds of identifiers, each with the rule of policy/redaction.yaml that makes its pseudonym."""
SHARED = frozenset({"ip", "circle"})
"""Kinds that several people have in common: alone, they make no record the subject's that names another user."""
KINDS = (*RULES, "circle")
_USER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


@dataclass(frozen=True)
class Subject:
    """One person, as the applications know them."""

    user: str
    known: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Kind (KINDS) and value of what else names the same person."""

    def kinds(self) -> list[str]:
        """Return the kinds of identifiers that were given, never a value."""
        return sorted({kind for kind, _ in self.known})


@dataclass(frozen=True)
class Matcher:
    """What to look for in a record."""

    user: str
    circles: frozenset[str]
    pseudonyms: Mapping[str, tuple[str, str]] = field(repr=False)
    """Pseudonym as records show it -> kind of identifier and pepper epoch."""

    def why(self, record: ArchivedRecord) -> frozenset[str]:
        """Return why `record` is about the subject, as kinds; nothing where it is not.

        A record that only shares an address or a circle with the subject and names another user is that user's.
        """
        values = {**record.resource, **record.attributes}
        reasons = {"user_id"} if self.user in _users(values) else set()
        reasons |= {"circle"} if any(str(values.get(name, "")) in self.circles for name in CIRCLE_FIELDS) else set()
        if self.pseudonyms:
            text = json.dumps([record.body, record.attributes, record.resource], ensure_ascii=False, default=str)
            for found in _PSEUDONYM.findall(text):
                if found in self.pseudonyms:
                    reasons.add(self.pseudonyms[found][0])
        if reasons <= SHARED and any(other != self.user for other in _users(values)):
            return frozenset()
        return frozenset(reasons)


_PSEUDONYM = re.compile(rf"\[(?:{'|'.join(sorted(set(RULES.values())))}):[0-9a-f]{{24}}\]")


_IN_PATH = re.compile(r"/(?:members|users)/([0-9]+)(?=/|$)")
"""A user's id in the path of a request, as the applications' routes have it."""


def subject(user: str, lines: Iterable[str]) -> Subject:
    """Return the subject with this id and the identifiers in `lines`, each `kind=value`; blank lines and # are skipped.

    Raises InputError that says which line is wrong and never what stands in it.
    """
    problems: list[Problem] = []
    if not _USER.fullmatch(user):
        problems.append(
            Problem(
                "command line",
                "USER",
                "no user's id" if user else "is missing",
                "the id that records show: letters, digits, - and _, at most 64",
            )
        )
    known: list[tuple[str, str]] = []
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        kind, separator, value = line.strip().partition("=")
        if separator and kind in KINDS and _plausible(kind, value):
            known.append((kind, value))
        else:
            problems.append(
                Problem("IDENTIFIERS", f"line {number}", "no identifier", f"kind=value; kinds: {', '.join(KINDS)}")
            )
    if problems:
        raise InputError(problems)
    return Subject(user, tuple(dict.fromkeys(known)))


def matcher(asked: Subject, peppers: Mapping[str, str]) -> Matcher:
    """Return what to look for, with a pseudonym of each identifier under each of `peppers` (epoch -> key)."""
    found = {
        pseudonym(RULES[kind], spelling, pepper): (kind, epoch)
        for epoch, pepper in peppers.items()
        for kind, value in asked.known
        if kind in RULES
        for spelling in spellings(kind, value)
    }
    return Matcher(asked.user, frozenset(value for kind, value in asked.known if kind == "circle"), found)


def spellings(kind: str, value: str) -> list[str]:
    """Return the forms in which applications write `value`: the collector hashes a value as it stands."""
    forms = {value, value.lower()}
    if kind == "email":
        forms |= {form.replace("@", at) for form in forms for at in ("%40", "%2540", "\\u0040", "&#64;", "&#x40;")}
        forms |= {quote(form, safe="@") for form in (value, value.lower())}
    if kind == "ip":
        forms |= {ipaddress.ip_address(value).compressed, ipaddress.ip_address(value).exploded}
    return sorted(forms)


def _plausible(kind: str, value: str) -> bool:
    if kind == "email":
        return re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]{2,}", value) is not None
    if kind == "ip":
        try:
            ipaddress.ip_address(value)
        except ValueError:
            return False
    return bool(value)


def _users(values: Mapping[str, Any]) -> set[str]:
    found = {str(values[name]) for name in USER_FIELDS if values.get(name) not in (None, "")}
    of_type = str(values.get(TARGET_TYPE, "")).lower() in USER_TYPES
    if TARGET in values and (of_type or str(values.get(EVENT, "")).removeprefix("audit.").startswith(USER_EVENTS)):
        found.add(str(values[TARGET]))
    return found | set(_IN_PATH.findall(str(values.get("url.path", ""))))
