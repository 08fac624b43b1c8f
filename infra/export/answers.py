"""AWS's refusals, in words for the person who has to act on them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError

from infra.export.problems import LaterError, RefusedError, TakenError

LATER = frozenset(
    {
        "LimitExceededException",
        "OperationAbortedException",
        "RequestLimitExceeded",
        "RequestTimeout",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "InternalError",
        "InternalFailure",
        "KMSInternalException",
        "DependencyTimeoutException",
    }
)
"""Codes after which the same request may succeed a little later."""
TAKEN = frozenset({"PreconditionFailed", "ConditionalRequestConflict"})
"""What S3 answers to If-None-Match when the key is there, or is being written at this moment."""


@contextlib.contextmanager
def explained(doing: str, needs: str) -> Iterator[None]:
    """Turn what AWS says while `doing` into LaterError, TakenError, or RefusedError that names what it `needs`."""
    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if code in TAKEN:
            raise TakenError(doing) from error
        if code in LATER or status >= 500:
            raise LaterError(f"{doing}: AWS says {code}") from error
        said = error.response.get("Error", {}).get("Message", "")
        raise RefusedError(f"{doing} was refused: {code} {said}. It takes {needs}") from error
    except (ConnectionError, HTTPClientError) as error:
        raise LaterError(f"{doing}: {type(error).__name__}") from error
    except BotoCoreError as error:
        raise RefusedError(f"{doing} failed: {error}. It takes {needs}, and credentials for the account") from error
