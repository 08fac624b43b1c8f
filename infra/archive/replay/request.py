"""What is to be replayed, as it was asked for and checked against the policy."""

import datetime
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from infra.archive.objects import Form
from infra.archive.window import Window, parse_window
from infra.context import Context
from infra.policy.destinations import Destination
from infra.problems import InputError, Problem
from infra.settings_against_policy import problems_with
from infra.stack_file import context_from_file, stacks

WHERE = "command line"
ENDPOINTS = {
    Destination.LOCAL: "loki",
    Destination.CLOUDWATCH: "cloudwatch_logs",
    Destination.DATADOG: "datadog",
    Destination.NEWRELIC: "newrelic",
    Destination.ELASTIC: "elastic",
    Destination.LOGGLY: "loggly",
}
"""Destination to the setting that says where it is."""


@dataclass(frozen=True)
class Asked:
    """A replay as somebody asked for it; nothing of it has been checked."""

    stack: str
    cls: str
    start: str
    end: str
    sink: str
    forms: tuple[Form, ...]
    late_days: int
    """Days after an event in which its upload is looked for."""
    sink_url: str = ""
    """The sink's address where it is not the stack's."""


@dataclass(frozen=True)
class Replay:
    """Which records of which class go where."""

    context: Context
    """The stack's own, with the sink for its only destination."""
    cls: str
    sink: Destination
    window: Window
    forms: tuple[Form, ...]
    late: datetime.timedelta
    name: str
    """Tells this replay from others and is on every record that it sends; the same whenever the same is asked for."""

    @property
    def bucket(self) -> str:
        """Return the bucket that the records are read from."""
        return self.context.archive_bucket(self.cls)


def checked(asked: Asked, root: Path, now: datetime.datetime) -> Replay:
    """Return the replay that was asked for. Raises InputError with every reason why it cannot or may not be."""
    if asked.stack not in (known := stacks(root)):
        raise InputError([Problem(WHERE, "STACK", "there is no such stack", ", ".join(known))])
    context = context_from_file(asked.stack, root, now.date())
    problems = list(_against_policy(asked, context))
    window: Window | None = None
    try:
        window = parse_window(asked.start, asked.end, now)
    except InputError as error:
        problems += error.problems
    if problems or window is None:
        raise InputError(problems)
    sink = Destination(asked.sink)
    narrowed = _only(context, sink, asked.sink_url)
    if found := problems_with(narrowed.settings, narrowed.policy, f"Pulumi.{asked.stack}.yaml"):
        raise InputError(found)
    late = datetime.timedelta(days=asked.late_days)
    return Replay(narrowed, asked.cls, sink, window, asked.forms, late, name(asked))


def name(asked: Asked) -> str:
    """Return a name of lower-case letters, digits and hyphens that says what was asked for."""
    whole = hashlib.sha256(repr(asked).encode()).hexdigest()[:8]
    parts = (asked.cls, asked.start, asked.end, asked.sink)
    return "-".join([*(re.sub("[^0-9a-z]", "", part.lower())[:20] for part in parts), whole])


def _against_policy(asked: Asked, context: Context) -> Iterator[Problem]:
    classes = context.policy.data_classes.classes
    if asked.cls not in classes:
        yield Problem(WHERE, "CLASS", "the policy knows no such class", ", ".join(classes))
    if asked.sink not in set(Destination):
        yield Problem(WHERE, "TO_SINK", "there is no such sink", ", ".join(Destination))
    elif asked.cls in classes and asked.sink not in classes[asked.cls].destinations:
        allowed = ", ".join(classes[asked.cls].destinations)
        yield Problem(WHERE, "TO_SINK", f"policy lets no {asked.cls} records go to {asked.sink}", allowed)


def _only(context: Context, sink: Destination, url: str) -> Context:
    endpoints = context.settings.endpoints
    if url:
        endpoints = endpoints.model_copy(update={ENDPOINTS[sink]: url.rstrip("/")})
    return replace(
        context, settings=context.settings.model_copy(update={"destinations": (sink,), "endpoints": endpoints})
    )
