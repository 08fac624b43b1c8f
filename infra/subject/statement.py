"""The written answer to an erasure: what was erased, what stays, on which ground and until when.

The facts come first: statement.json, with objects.jsonl that it sums up, is whole under its final name before the page
that people read is made of it.
"""

import datetime
import itertools
import json
import os
from pathlib import Path
from typing import Any

from infra.context import Context
from infra.export.days import LATE, SETTLES
from infra.subject.audit import Request
from infra.subject.errors import SubjectError
from infra.subject.facts import COPY, EARLIER, OBJECT, OBJECTS, Facts, Fate, Sum
from infra.subject.handover import TEMPLATES
from infra.subject.packet import refuse_existing

MAPPING = "the account's row in the application's database, which turns a user's id into a name; no log holds it"
SHOWN = 500
"""Objects that the page names; objects.jsonl has them all."""


def statement(
    context: Context,
    request: Request,
    facts: Facts,
    *,
    executed: bool,
    stopped_by: str = "",
    mapping_deleted: str,
    epochs: list[dict[str, str]],
) -> dict[str, Any]:
    """Return the statement. It names the user's id, and nothing of any record.

    `stopped_by` says what kept the erasure from its end; the facts are then those until there.
    """
    return {
        "version": 2,
        "request": request.id,
        "environment": context.environment,
        "user": request.user,
        "asked_by": request.caller,
        "asked_at": request.asked.isoformat(timespec="seconds"),
        "reason": request.reason,
        "window": request.window,
        "executed": executed,
        "stopped_by": stopped_by,
        "erased": _erased(context, facts),
        "retained": [*_hot(context, facts), *_retained(context, facts)],
        "run_again_after": _again(facts),
        "objects": {"file": OBJECTS, "lines": facts.lines, "sha256": facts.sha256},
        "user_mapping": f"deleted on {mapping_deleted}: {MAPPING}"
        if mapping_deleted
        else f"not said to be deleted: {MAPPING}",
        "pepper_epochs": epochs,
        "what_stays_shows": "ids, and pseudonyms in place of addresses, account names and sessions",
        "copies_elsewhere": [
            f"{cls} at {destination}: ask there"
            for cls, data_class in context.policy.data_classes.classes.items()
            for destination in data_class.destinations
            if destination in context.settings.destinations and destination not in ("cloudwatch", "local")
        ],
        "replica": f"copies in {context.settings.replica.region} are among these"
        if context.settings.replica
        else "none",
    }


def _erased(context: Context, facts: Facts) -> list[dict[str, Any]]:
    found = []
    for cls in context.policy.data_classes.classes:
        of = {
            what: it for (of_class, fate, what, _), it in facts.sums.items() if (of_class, fate) == (cls, Fate.ERASED)
        }
        if of:
            none = Sum()
            found.append(
                {
                    "class": cls,
                    "records": of.get(OBJECT, none).records,
                    "objects": of.get(OBJECT, none).objects,
                    "earlier_versions": of.get(EARLIER, none).objects,
                    "copies": of.get(COPY, none).objects,
                }
            )
    return found


def _hot(context: Context, facts: Facts) -> list[dict[str, Any]]:
    return [
        {
            "class": cls,
            "where": f"CloudWatch Logs, {context.log_group(cls)}",
            "objects": 0,
            "records": hot.records,
            "why": "CloudWatch Logs cannot delete single events",
            "locked_until": "",
            "until": str(hot.until),
            **_ground(context, cls),
        }
        for cls, hot in facts.hot.items()
    ]


def _retained(context: Context, facts: Facts) -> list[dict[str, Any]]:
    return [
        {
            "class": cls,
            "where": f"archive, {what}",
            "objects": it.objects,
            "records": it.records,
            "why": why,
            "locked_until": it.locked_until,
            "until": it.last,
            "first_goes": it.first,
            **_ground(context, cls),
        }
        for (cls, fate, what, why), it in facts.sums.items()
        if fate is Fate.RETAINED
    ]


def _ground(context: Context, cls: str) -> dict[str, str]:
    ground = context.policy.data_classes.classes[cls].erasure
    return {"basis": ground.basis, "because": ground.retained_because}


def _again(facts: Facts) -> str:
    """Return the day after which what is still hot is exported to the archive no more; nothing where nothing is hot."""
    if not facts.hot:
        return ""
    newest = max(hot.newest for hot in facts.hot.values())
    return (newest + LATE + SETTLES + datetime.timedelta(days=1)).isoformat()


def epochs_of(context: Context, today: datetime.date) -> list[dict[str, str]]:
    """Return each earlier pepper epoch, and from when no record under it is left, so that it may be dropped."""
    longest = max(
        data_class.archive.at(context.settings.environment).keep_days
        for data_class in context.policy.data_classes.classes.values()
    )
    found = []
    for epoch, ended in context.settings.pepper_epochs.items():
        until = ended + datetime.timedelta(days=longest + 1)
        found.append(
            {
                "epoch": epoch,
                "records_until": until.isoformat(),
                "may_be_dropped": "yes: all its records are gone"
                if until <= today
                else "not before that day: it concerns every user",
            }
        )
    return found


def keep(told: dict[str, Any], facts: Facts, out: Path) -> None:
    """Bring statement.json and objects.jsonl to `out`, whole or not at all, and lay the page statement.html beside them.

    Raises SubjectError where the page cannot be made: the facts are at `out` then all the same.
    """
    facts.close()
    refuse_existing(out)
    (facts.directory / OBJECTS).touch()
    _whole(facts.directory / "statement.json", json.dumps(told, indent=1, ensure_ascii=False))
    os.replace(facts.directory, out)
    try:
        page = TEMPLATES.get_template("statement.html.j2").render(told=told, shown=_first(out / OBJECTS))
        _whole(out / "statement.html", page)
    except Exception as error:
        raise SubjectError(
            f"the page that people read could not be made ({type(error).__name__}); the facts are whole in "
            f"{out}/statement.json and {out}/{OBJECTS}"
        ) from error


def _first(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in itertools.islice(lines, SHOWN)]


def _whole(path: Path, text: str) -> None:
    """Write a file under its name only once all of it is on the disk."""
    new = path.with_name(f".{path.name}.new")
    try:
        with new.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, path)
    finally:
        new.unlink(missing_ok=True)
