"""As whom an erasure is carried out: in the role that may erase, taken for one request, where a stack has it."""

from typing import TYPE_CHECKING

import boto3
from botocore.credentials import RefreshableCredentials
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import get_session

from infra.context import Context
from infra.documents.eraser_policy import SESSION, role_name
from infra.documents.subject_policy import SESSION_SECONDS
from infra.subject.errors import SubjectError, code_of

if TYPE_CHECKING:
    from mypy_boto3_sts import STSClient


def eraser_session(context: Context, sts: "STSClient", caller: str, request: str) -> boto3.Session:
    """Return a session in the role that may erase, renewed for as long as it takes; its name says which request it is for.

    Where settings name nobody who may take that role, or the caller is in it already, it is the caller's own. Raises
    SubjectError, which says how to take the role, where the caller may not.
    """
    allowed = context.settings.access.erasers
    if not allowed or f":assumed-role/{role_name(context)}/" in caller:
        return boto3.Session(region_name=context.region)
    arn = context.global_arn("iam", f"role/{role_name(context)}")

    def take() -> dict[str, str]:
        try:
            found = sts.assume_role(
                RoleArn=arn, RoleSessionName=f"{SESSION}{request}", DurationSeconds=SESSION_SECONDS
            )["Credentials"]
        except (ClientError, BotoCoreError) as error:
            raise SubjectError(
                f"{caller} may not take {arn} ({code_of(error)}), the role that may erase. Sign in as one of "
                f"{', '.join(allowed)} (access.erasers in the stack's settings); this command then takes the role itself. "
                f"By hand: aws sts assume-role --role-arn {arn} --role-session-name {SESSION}<case>"
            ) from None
        return {
            "access_key": found["AccessKeyId"],
            "secret_key": found["SecretAccessKey"],
            "token": found["SessionToken"],
            "expiry_time": found["Expiration"].isoformat(),
        }

    own = get_session()
    # botocore has no public way to hand a session credentials that renew themselves.
    own._credentials = RefreshableCredentials.create_from_metadata(  # type: ignore[attr-defined]
        metadata=take(), refresh_using=take, method="sts-assume-role"
    )
    return boto3.Session(botocore_session=own, region_name=context.region)
