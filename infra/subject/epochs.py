"""Dropping an earlier pepper epoch: its pseudonyms can then be recomputed for nobody, whoever they belong to."""

import datetime
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from infra.context import Context
from infra.problems import InputError, Problem
from infra.secrets import pepper_secret
from infra.subject.errors import SubjectError
from infra.subject.statement import epochs_of

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

SHORTEST_RECOVERY_DAYS = 7
"""Secrets Manager's own (DeleteSecret, API reference)."""


def droppable(context: Context, epoch: str, today: datetime.date, *, although_records_remain: bool) -> None:
    """Raise InputError where `epoch` is no earlier epoch, or records under it remain and that was not accepted."""
    known = {item["epoch"]: item for item in epochs_of(context, today)}
    if epoch not in known:
        allowed = ", ".join(known) or "none: this stack has had one pepper only"
        raise InputError(
            [Problem("command line", "DROP_EPOCH", "no earlier epoch; the current one is the collector's", allowed)]
        )
    if today < datetime.date.fromisoformat(known[epoch]["records_until"]) and not although_records_remain:
        raise InputError(
            [
                Problem(
                    "command line",
                    "DROP_EPOCH",
                    f"records of every user under it remain until {known[epoch]['records_until']}",
                    "that day or later, or ALTHOUGH_RECORDS_REMAIN=1: no request of anybody finds them by a pseudonym then",
                )
            ]
        )


def drop(client: "SecretsManagerClient", context: Context, epoch: str) -> str:
    """Delete the epoch's secret and return what is said about it. Raises SubjectError where that is refused."""
    name = context.secret(pepper_secret(epoch))
    days = context.settings.secret_recovery_days
    try:
        if days < SHORTEST_RECOVERY_DAYS:
            client.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
            return "dropped: its key is gone; take it out of pepper_epochs"
        client.delete_secret(SecretId=name, RecoveryWindowInDays=days)
    except (ClientError, BotoCoreError) as error:
        code = error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
        raise SubjectError(f"{name} could not be deleted ({code}): it takes secretsmanager:DeleteSecret") from None
    return f"dropped: its key can be restored for {days} days; take it out of pepper_epochs"
