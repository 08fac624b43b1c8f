"""What is kept of traces, in the stacks that take them: decided for a whole trace once it is over."""

from typing import Annotated

from pydantic import Field

from infra.model import Model, PerEnvironment, Sentence
from infra.policy.destinations import Destination


class Spans(Model):
    """Which traces leave, and where they may go. One reason is enough for a trace to be kept."""

    wait_seconds: Annotated[int, Field(ge=1, le=300)]
    """How long a trace's spans are awaited; what comes later shares the fate of those before it."""
    held_traces: Annotated[int, Field(ge=100, le=1_000_000)]
    """Traces that wait in memory at once; the oldest is decided early when there are more."""
    largest_trace_bytes: Annotated[int, Field(ge=65_536)]
    """A trace that grows beyond this many bytes is dropped, so that memory stays bounded."""
    keep_failed: bool
    """Whether every trace with a span that failed is kept."""
    keep_slower_than_ms: Annotated[int, Field(ge=1)]
    """Every trace that took longer (ms) is kept."""
    keep_percent: PerEnvironment[Annotated[float, Field(ge=0, le=100)]]
    """Share (%) of all other traces, chosen by their ids and so by every collector alike."""
    destinations: tuple[Destination, ...] = Field(min_length=1)
    """Where spans may go."""
    reason: Sentence
