"""policy/redaction.yaml as models: what must never reach a sink, how it is recognised and what becomes of it."""

import re
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from infra.model import Model, Sentence
from infra.problems import Refused

NOT_IN_RE2 = re.compile(r"\(\?[=!<]|\(\?P=|\\[1-9]")
"""Look-around and back-references, which Go's RE2 does not have (github.com/google/re2, Syntax)."""


def _runs_in_the_collector(pattern: str) -> str:
    if NOT_IN_RE2.search(pattern):
        raise Refused("look-around and back-references do not exist in the collector's RE2", "RE2 syntax")
    try:
        re.compile(pattern)
    except re.error as error:
        raise Refused(f"not a regular expression ({error.msg} at {error.pos})", "RE2 syntax") from None
    return pattern


Pattern = Annotated[str, AfterValidator(_runs_in_the_collector), Field(min_length=3)]


class Action(StrEnum):
    """What becomes of a value that a rule recognises."""

    MASK = "mask"
    PSEUDONYM = "pseudonym"
    DROP_ATTRIBUTE = "drop_attribute"
    DROP_RECORD = "drop_record"


class CloudWatchIdentifier(Model):
    """How CloudWatch Logs data protection recognises the same value, as a second line of defence."""

    managed: str | None = None
    """Name of an AWS managed data identifier (User Guide: "Types of data that you can protect")."""
    custom: Annotated[str, Field(max_length=200)] | None = None
    """Regular expression of a custom identifier (200 characters at most, 10 in a policy)."""

    @model_validator(mode="after")
    def _one_of_the_two(self) -> Self:
        if (self.managed is None) == (self.custom is None):
            raise Refused("give exactly one of managed and custom", "managed or custom")
        return self


class RedactionRule(Model):
    """One kind of value that may not leave the collector as it came."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{2,30}$")]
    what: Sentence
    why: Sentence
    """The law or standard that asks for it."""
    action: Action
    keys: tuple[str, ...] = ()
    """Attribute or JSON key names whose whole value is sensitive, compared without case."""
    pattern: Pattern | None = None
    """Regular expression (RE2) of the value itself, wherever it stands. A group named `keep` at its start stays readable."""
    literals: tuple[str, ...] = ()
    """Plain texts, one of which is present whenever the pattern can match: a cheap test before the costly one."""
    classes: tuple[str, ...] = ()
    """Classes the rule applies to; empty means all."""
    cloudwatch: tuple[CloudWatchIdentifier, ...] = ()
    examples: tuple[str, ...] = Field(min_length=1)
    """Texts in which the rule must find something."""
    look_alikes: tuple[str, ...] = Field(min_length=1)
    """Harmless texts that must stay as they are."""

    @property
    def replacement(self) -> str:
        """Return what a reader sees in place of the value."""
        return f"[{self.name}]"

    @model_validator(mode="after")
    def _recognises_something(self) -> Self:
        if not self.keys and self.pattern is None:
            raise Refused("a rule needs keys, a pattern or both", "keys, pattern")
        return self

    @model_validator(mode="after")
    def _examples_tell_the_truth(self) -> Self:
        if self.pattern is None:
            return self
        seen = re.compile(self.pattern)
        for position, text in enumerate(self.examples):
            if not seen.search(text):
                raise Refused(
                    "the pattern does not match this example", "text that the pattern matches", f"examples.{position}"
                )
            if self.literals and not any(literal in text for literal in self.literals):
                raise Refused(
                    "none of the rule's literals stands in this example",
                    "a literal for each way to match",
                    f"examples.{position}",
                )
        for position, text in enumerate(self.look_alikes):
            if seen.search(text):
                raise Refused(
                    "the pattern matches this look-alike",
                    "text that the pattern leaves alone",
                    f"look_alikes.{position}",
                )
        return self


class Redaction(Model):
    """The whole of policy/redaction.yaml."""

    version: Annotated[int, Field(ge=1)]
    rules: tuple[RedactionRule, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        names = [rule.name for rule in self.rules]
        if doubled := sorted({name for name in names if names.count(name) > 1}):
            raise Refused(f"rules of the same name: {', '.join(doubled)}", "one rule a name", "rules")
        return self
