"""The logging contract: the fields of a record, their order and their spelling.

structlog's loggers and the standard library's (Django's own) end in one formatter, so both kinds of
record have the same shape.  A value that the contract does not name belongs under `context`.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, MutableMapping
from datetime import UTC, datetime
from typing import Any, TextIO

import structlog

SERVICE = "tinybeans-web"

# The request's own values: at the top for queries, and in `context` as the application has always written them.
REQUEST_FIELDS = ("request_id", "user_id", "remote_ip", "circle_id", "keep_id", "trace_id", "span_id")
CONTEXT_FIELDS = ("request_id", "remote_ip", "path", "method", "user_id")
TAIL_FIELDS = ("event", "outcome", "auth_context", "tinybeans.log.class", "exc_info")

# These explain the framework, not the service, and would drown what the demo shows.
QUIET_LOGGERS: Mapping[str, int] = {
    "asyncio": logging.WARNING,
    "django.db.backends.schema": logging.INFO,
    "django.template": logging.INFO,
    # mysite.access says the same in the contract's fields, django.request has the traceback.
    "django_structlog": logging.CRITICAL,
}

EventDict = MutableMapping[str, Any]


def take_request_of_django_record(_logger: object, _name: str, event: EventDict) -> EventDict:
    """Give Django's own 4xx and 5xx records the identifiers of the request they are about.

    Django writes them after the middleware has returned, when the context variables are already cleared.
    """
    record = event.get("_record")
    request = getattr(record, "request", None)
    for key, value in getattr(request, "log_context", {}).items():
        event.setdefault(key, value)
    status = getattr(record, "status_code", None)
    if status is not None:
        event.setdefault("status", status)
    return event


def to_contract(_logger: object, _name: str, event: EventDict) -> EventDict:
    """Put every value where the contract says, and leave out what is not known."""
    values = {key: value for key, value in event.items() if value is not None and not key.startswith("_")}
    record: dict[str, Any] = {
        "timestamp": datetime.now(UTC).isoformat(timespec="microseconds"),
        "level": values.pop("level").upper(),
        "logger": values.pop("logger"),
        "message": values.pop("event"),
        "service": SERVICE,
        "environment": os.environ.get("TINYBEANS_ENVIRONMENT", "sandbox"),
        "hostname": os.environ.get("TINYBEANS_HOSTNAME", "web-1"),
    }
    if "event_name" in values:
        values["event"] = values.pop("event_name")
    if "log_class" in values:
        values["tinybeans.log.class"] = values.pop("log_class")
    if "exception" in values:
        values["exc_info"] = values.pop("exception")
    context = {key: values[key] for key in CONTEXT_FIELDS if key in values}
    record.update((key, values.pop(key)) for key in REQUEST_FIELDS if key in values)
    tail = {key: values.pop(key) for key in TAIL_FIELDS if key in values}
    context.update(values)
    if context:
        record["context"] = context
    return record | tail


def configure_logging(stream: TextIO) -> None:
    """Send every record of this process to `stream`, one JSON object a line."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                take_request_of_django_record,
                to_contract,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.DEBUG)
    for name, level in QUIET_LOGGERS.items():
        logging.getLogger(name).setLevel(level)
