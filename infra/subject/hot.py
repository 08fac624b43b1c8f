"""What CloudWatch Logs still holds of a window, event by event."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from infra.archive.errors import ArchiveError
from infra.archive.records import ArchivedRecord, hot_record
from infra.archive.window import Window, nanoseconds

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient


def hot(logs: "CloudWatchLogsClient", log_group: str, window: Window) -> Iterator[ArchivedRecord]:
    """Yield the events of `log_group` in `window`, a page at a time. Raises ArchiveError where it cannot be read.

    Events come without a filter: its terms cannot tell `user_id` 42 from any other 42, and what data protection masked
    stays masked.
    """
    number = 0
    try:
        pages = logs.get_paginator("filter_log_events").paginate(
            logGroupName=log_group,
            startTime=nanoseconds(window.start) // 1_000_000,
            endTime=(nanoseconds(window.end) - 1) // 1_000_000,
        )
        for page in pages:
            for event in page["events"]:
                yield hot_record(log_group, event["timestamp"], event["message"], number)
                number += 1
    except ClientError as error:
        raise ArchiveError(log_group, "", f"cannot be read ({error.response['Error']['Code']})") from None
    except BotoCoreError as error:
        raise ArchiveError(log_group, "", f"reading it broke off ({type(error).__name__})") from None
