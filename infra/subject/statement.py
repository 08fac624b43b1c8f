"""The written answer to an erasure: what was erased, what stays, on which ground and until when."""

import datetime
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from infra.context import Context
from infra.subject.audit import Request
from infra.subject.erase import Outcome
from infra.subject.handover import TEMPLATES
from infra.subject.packet import packet

MAPPING = "the account's row in the application's database, which turns a user's id into a name; no log holds it"


def statement(
    context: Context,
    request: Request,
    outcomes: Iterable[Outcome],
    *,
    executed: bool,
    stopped_by: str = "",
    mapping_deleted: str,
    epochs: list[dict[str, str]],
) -> dict[str, Any]:
    """Return the statement. It names the user's id, and nothing of any record.

    `stopped_by` says what kept the erasure from its end; the outcomes are then those until there.
    """
    erased, retained = [], []
    for outcome in outcomes:
        ground = context.policy.data_classes.classes[outcome.cls].erasure
        legal = {"basis": ground.basis, "because": ground.retained_because}
        if outcome.erased:
            erased.append(
                {
                    "class": outcome.cls,
                    "records": sum(item["records"] for item in outcome.erased),
                    "objects": outcome.erased,
                }
            )
        if outcome.hot_records:
            retained.append(
                {
                    "class": outcome.cls,
                    "where": f"CloudWatch Logs, {context.log_group(outcome.cls)}",
                    "records": outcome.hot_records,
                    "why": "CloudWatch Logs cannot delete single events",
                    "locked_until": "",
                    "until": str(outcome.hot_until),
                    **legal,
                }
            )
        retained.extend(
            {
                "class": outcome.cls,
                "where": item["object"],
                "records": item.get("records"),
                "why": item["why"],
                "locked_until": item.get("locked_until", ""),
                "until": item["expires"],
                **legal,
            }
            for item in outcome.retained
        )
    return {
        "version": 1,
        "request": request.id,
        "environment": context.environment,
        "user": request.user,
        "asked_by": request.caller,
        "asked_at": request.asked.isoformat(timespec="seconds"),
        "reason": request.reason,
        "window": request.window,
        "executed": executed,
        "stopped_by": stopped_by,
        "erased": erased,
        "retained": retained,
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
        "replica": "copies in the second region go by its lifecycle" if context.settings.replica else "none",
    }


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


def write(told: dict[str, Any], out: Path) -> None:
    """Write statement.json and statement.html to `out`, both or neither."""
    page = TEMPLATES.get_template("statement.html.j2").render(told=told)
    with packet(out) as directory:
        (directory / "statement.json").write_text(json.dumps(told, indent=1, ensure_ascii=False), encoding="utf-8")
        (directory / "statement.html").write_text(page, encoding="utf-8")
