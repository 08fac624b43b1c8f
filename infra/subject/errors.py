"""What stops a request, and how AWS says so."""

from botocore.exceptions import BotoCoreError, ClientError


class SubjectError(Exception):
    """A request that could not be carried out, with the next step."""


def code_of(error: ClientError | BotoCoreError) -> str:
    """Return AWS's code, or the name of what broke off."""
    return error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
