"""Records of a class that may be thinned out or folded: which, by what, and why."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from infra.model import Model, PerEnvironment, Sentence
from infra.policy.severity import Severity

Percent = Annotated[float, Field(ge=0, le=100)]


class SampledBy(StrEnum):
    """What decides, so that what belongs together is kept or dropped together."""

    TRACE = "trace"
    SESSION = "session"


class Sampling(Model):
    """Records of the class that may be thinned out; whole requests, or sessions, are kept or dropped together."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z_]{2,30}$")]
    """Shown as the reason wherever dropped records are counted."""
    below: Severity
    """Only records below this severity; WARN samples INFO and DEBUG."""
    keep_percent: PerEnvironment[Percent]
    by: SampledBy = SampledBy.TRACE
    """trace: by trace id; session: by the page's session. A record that has none is kept."""
    reason: Sentence


class Folding(Model):
    """Equal records of the class become one that says how many they were. What waits to be counted is lost in a crash."""

    every_seconds: Annotated[int, Field(ge=1, le=300)]
    """How long equal records are counted before the one that stands for them leaves."""
    below: Severity
    """Only records below this severity."""
    ignoring: tuple[str, ...] = ()
    """Attributes in which equal records may differ; they are removed from the one that stands for them."""
    loses: Literal["what waits when the collector dies, and what a full queue refuses"]
    """Said in so many words, for neither is sent again."""
    reason: Sentence
