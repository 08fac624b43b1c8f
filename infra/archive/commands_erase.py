"""`python -m infra.archive subject-erase`: what can be erased of what the records say of one person, and what stays."""

import datetime
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import boto3
import typer

from infra.documents.export_assignment import SIGNING_KEY
from infra.problems import InputError, Problem
from infra.subject import audit, epochs, erase, statement
from infra.subject.erase_key import Erasing
from infra.subject.errors import SubjectError
from infra.subject.facts import Facts, facts
from infra.subject.gather import Sources
from infra.subject.identity import matcher
from infra.subject.ledger import Ledger
from infra.subject.peppers import peppers
from infra.subject.session import eraser_session

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_sts import STSClient

from infra.archive.commands_subject import (
    Asked,
    End,
    Identifiers,
    Out,
    Reason,
    Stack,
    Start,
    User,
    checked,
    err,
    explained,
    out,
    progress,
)


def subject_erase(
    user: User,
    start: Start,
    end: End,
    directory: Out,
    reason: Reason,
    identifiers: Identifiers = "",
    stack: Stack = "sandbox",
    confirm: Annotated[str, typer.Option(help="The user's id again: erase. Without it, only find what would be.")] = "",
    mapping_deleted: Annotated[str, typer.Option(help="Day on which the account's row was deleted, if it was.")] = "",
    drop_epoch: Annotated[
        str, typer.Option(help="Also drop this earlier pepper epoch, which concerns everybody.")
    ] = "",
    *,
    although_records_remain: Annotated[bool, typer.Option(help="Drop it although records under it remain.")] = False,
) -> None:
    """Erase what can be erased of one user's records, and state in writing what stays, why and until when.

    A dry run unless --confirm repeats the id. Where the stack's settings name access.erasers, sign in as one of them:
    the command takes the role that may erase itself. Stopped at any point, it may be run again and carries on. Exit
    status 1: it was not carried out to its end; 2: bad input.
    """
    with explained():
        _confirmed(user, confirm, mapping_deleted)
        asked = checked(stack, user, start, end, reason, identifiers, directory)
        if drop_epoch:
            epochs.droppable(
                asked.context, drop_epoch, asked.now.date(), although_records_remain=although_records_remain
            )
        with facts(directory) as found:
            _erase(
                asked, found, directory, execute=bool(confirm), mapping_deleted=mapping_deleted, drop_epoch=drop_epoch
            )


def _erase(
    asked: Asked, found: Facts, directory: Path, *, execute: bool, mapping_deleted: str, drop_epoch: str
) -> None:
    """Carry out an erasure and state what came of it. What was erased is gone whether or not the rest went well: it is
    stated and written down however it ends.
    """
    context = asked.context
    request, session = _announced_erasure(asked, execute=execute)
    logs: CloudWatchLogsClient = session.client("logs")
    epochs_now = statement.epochs_of(context, asked.now.date())
    stopped: BaseException | None = None
    try:
        _carry_out(asked, request, session, found, execute=execute)
        if drop_epoch and execute:
            said = epochs.drop(session.client("secretsmanager"), context, drop_epoch)
            epochs_now = [{**it, "may_be_dropped": said} if it["epoch"] == drop_epoch else it for it in epochs_now]
    except BaseException as error:
        stopped = error
    told = statement.statement(
        context,
        request,
        found,
        executed=execute,
        stopped_by=_stopped_by(stopped),
        mapping_deleted=mapping_deleted,
        epochs=epochs_now,
    )
    unwritten: list[SubjectError] = []
    if stopped is None or (execute and found.anything()):
        try:
            statement.keep(told, found, directory)
        except SubjectError as error:
            unwritten.append(error)
        out.print(_summary(told, directory, found.gone()))
    try:
        ending = "stopped" if stopped else "finished"
        audit.write(logs, context, request, f"erase.{ending}", {"subject.records": str(found.gone())})
    except SubjectError as error:
        unwritten.append(error)
    if stopped is not None:
        for more in unwritten:
            err.print(str(more), style="red", markup=False)
        raise stopped
    if unwritten:
        raise unwritten[0]


def _stopped_by(stopped: BaseException | None) -> str:
    match stopped:
        case None:
            return ""
        case SubjectError():
            return str(stopped)
        case KeyboardInterrupt():
            return "it was interrupted; run it again"
        case _:
            return f"an unexpected {type(stopped).__name__}; run it again"


def _announced_erasure(asked: Asked, *, execute: bool) -> tuple[audit.Request, boto3.Session]:
    """Take the role that may erase, and write down who asks for what, before anything is read."""
    sts: STSClient = boto3.client("sts", region_name=asked.context.region)
    who = audit.caller(sts)
    kind = "erase" if execute else "erase_dry_run"
    request = audit.Request(uuid.uuid4().hex, kind, asked.who.user, asked.reason, who, str(asked.window), asked.now)
    session = eraser_session(asked.context, sts, who, request.id)
    kinds = {"subject.looked_for": ",".join(["user_id", *asked.who.kinds()])}
    audit.write(session.client("logs"), asked.context, request, f"{kind}.requested", kinds)
    return request, session


def _carry_out(asked: Asked, request: audit.Request, session: boto3.Session, found: Facts, *, execute: bool) -> None:
    context = asked.context
    search = matcher(asked.who, peppers(session.client("secretsmanager"), context))
    s3 = session.client("s3")
    replica = context.settings.replica
    with progress() as tick:
        erase.erase(
            Erasing(
                Sources(session.client("logs"), s3, context, asked.window),
                search,
                request,
                Ledger(s3, session.client("kms"), context.key_alias(SIGNING_KEY)),
                found,
                session.client("s3", region_name=replica.region) if replica else None,
                execute,
            ),
            tick,
        )


def _summary(told: dict[str, Any], directory: Path, gone: int) -> str:
    done = "erased" if told["executed"] else "would be erased"
    more = "" if told["executed"] else f". CONFIRM={told['user']} erases"
    return f"{gone:,} archived records {done}, {len(told['retained'])} places retain some; the statement is in {directory}{more}"


def _confirmed(user: str, confirm: str, mapping_deleted: str) -> None:
    problems = []
    if confirm and confirm != user:
        problems.append(Problem("command line", "CONFIRM", "is not the user's id", "what USER says"))
    if mapping_deleted:
        try:
            datetime.date.fromisoformat(mapping_deleted)
        except ValueError:
            problems.append(Problem("command line", "MAPPING_DELETED", "not a day", "a day such as 2026-11-24"))
    if problems:
        raise InputError(problems)
