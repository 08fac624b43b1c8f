"""policy/redaction.yaml as models: what must never reach a sink, how it is recognised and what becomes of it."""

import re
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from infra.model import Model, Sentence
from infra.problems import Refused

NOT_IN_RE2 = re.compile(r"\(\?[=!<]|\(\?P=|\\[1-9]")
"""Look-around and back-references, which Go's RE2 does not have (github.com/google/re2, Syntax)."""
NAMESPACES = ("code",)
"""Names that semantic conventions use as a namespace of harmless attributes (code.function.name): sensitive as the
last part of a name, not in its midst."""
LITERAL_FIRST = re.compile(r"(?:[^\\.^$*+?{}\[\]|()]|\\[^0-9a-zA-Z])(?![*?{])")
"""A first character that stands for itself and cannot be left out: Go's regexp searches for such a one like for a text."""
FLAGS = re.compile(r"(?<!\\)\(\?[^:]")
DIGITS_FIRST = re.compile(r"\[[0-9-]+\](?![*?])")
"""A first set of digits: the collector tries each digit as a first literal character of its own."""


def compiled(pattern: str) -> re.Pattern[str]:
    """Return `pattern` as the collector reads it: `\\w`, `\\s` and `\\b` know ASCII only (RE2, Syntax)."""
    return re.compile(pattern, re.ASCII)


def _runs_in_the_collector(pattern: str) -> str:
    if NOT_IN_RE2.search(pattern):
        raise Refused("look-around and back-references do not exist in the collector's RE2", "RE2 syntax")
    try:
        compiled(pattern)
    except re.error as error:
        raise Refused(f"not a regular expression ({error.msg} at {error.pos})", "RE2 syntax") from None
    return pattern


def _finds_fast_in_lower_case(clue: str) -> str:
    if clue != clue.lower() or FLAGS.search(clue):
        raise Refused("a clue is looked for in lower-cased text", "lower-case letters, no flags")
    if not (LITERAL_FIRST.match(clue) or DIGITS_FIRST.match(clue)) or _has_top_level_choice(clue):
        raise Refused(
            "a clue must begin with one character that stands for itself, else it is slow",
            "a literal character or a set of digits first, no choice at the top",
        )
    return clue


def _begins_with_a_literal(pattern: str) -> str:
    if not LITERAL_FIRST.match(pattern.removeprefix("(?P<keep>")) or _has_top_level_choice(pattern):
        raise Refused("a usual spelling begins with one character that stands for itself", "a literal character first")
    return pattern


def _has_top_level_choice(pattern: str) -> bool:
    depth, plain = 0, re.sub(r"\\.|\[\^?\]?[^\]]*\]", "", pattern)
    for character in plain:
        depth += (character == "(") - (character == ")")
        if character == "|" and depth == 0:
            return True
    return False


def _joined(pieces: object) -> object:
    return "".join(map(str, pieces)) if isinstance(pieces, list | tuple) else pieces


Pattern = Annotated[
    str,
    BeforeValidator(_joined),
    AfterValidator(_runs_in_the_collector),
    Field(min_length=3),
    WithJsonSchema({"anyOf": [{"type": "string", "minLength": 3}, {"type": "array", "items": {"type": "string"}}]}),
]
"""A long expression may be given in pieces, one a line, which are joined as they stand."""
UsualPattern = Annotated[Pattern, AfterValidator(_begins_with_a_literal)]
Key = Annotated[str, Field(pattern=r"^\*?[a-z0-9_.-]+$")]
Clue = Annotated[str, AfterValidator(_runs_in_the_collector), AfterValidator(_finds_fast_in_lower_case)]
FamiliarName = Annotated[str, Field(pattern=r"^[a-z0-9_.-]+$")]


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
    keys: tuple[Key, ...] = ()
    """Attribute or JSON key names whose whole value is sensitive, compared without case; `*` first: names that end so."""
    pattern: Pattern | None = None
    """Regular expression (RE2) of the value itself, wherever it stands. A group named `keep` at its start stays readable."""
    clues: tuple[Clue, ...] = ()
    """Cheap expressions (RE2, for lower-cased text), one of which matches whenever the pattern can match anywhere."""
    usual: tuple[UsualPattern, ...] = ()
    """Expressions (RE2) of parts of what the pattern matches, in their usual spelling. They are tried before it, and it
    only where a clue is left: a literal beginning makes them up to a thousand times as fast."""
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

    def suspects(self, text: str) -> bool:
        """Return whether one of the clues stands in `text`, so that the pattern has to be tried."""
        return any(compiled(clue).search(text.lower()) for clue in self.clues)

    def covers(self, name: str) -> bool:
        """Return whether one of the keys is a part of the dotted attribute name `name`."""
        for key in self.keys:
            behind = r"(?:\.[0-9]+)?$" if key in NAMESPACES else r"(?:\.|$)"
            if re.search(rf"(?i)(?:^|\.){re.escape(key).replace(chr(92) + '*', '[^.]*')}{behind}", name):
                return True
        return False

    @model_validator(mode="after")
    def _recognises_something(self) -> Self:
        if not self.keys and self.pattern is None:
            raise Refused("a rule needs keys, a pattern or both", "keys, pattern")
        return self

    @model_validator(mode="after")
    def _a_pattern_has_clues(self) -> Self:
        if (self.pattern is None) != (not self.clues):
            raise Refused("clues say when the pattern is worth trying", "clues with a pattern, none without", "clues")
        return self

    @model_validator(mode="after")
    def _usual_spellings_are_of_the_pattern(self) -> Self:
        for position, usual in enumerate(self.usual):
            found = [match[0] for text in self.examples if (match := compiled(usual).search(text))]
            if not found or self.pattern is None:
                raise Refused(
                    "no example is spelled so", "an expression that finds something in an example", f"usual.{position}"
                )
            if not all(compiled(self.pattern).search(value) for value in found):
                raise Refused(
                    "the pattern does not match what this finds", "a part of the pattern", f"usual.{position}"
                )
        for position, text in enumerate(self.look_alikes):
            if any(compiled(usual).search(text) for usual in self.usual):
                raise Refused(
                    "a usual spelling matches this look-alike", "text that is left alone", f"look_alikes.{position}"
                )
        return self

    @model_validator(mode="after")
    def _examples_tell_the_truth(self) -> Self:
        if self.pattern is None:
            return self
        seen = compiled(self.pattern)
        for position, text in enumerate(self.examples):
            if not seen.search(text):
                raise Refused(
                    "the pattern does not match this example", "text that the pattern matches", f"examples.{position}"
                )
            if not self.suspects(text):
                raise Refused("no clue matches this example", "a clue for each way to match", f"examples.{position}")
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
    familiar_names: tuple[FamiliarName, ...] = ()
    """Attribute names that no rule covers and that applications write often: their values are searched, their names
    need no second look. A record with any other name takes the slower way."""
    rules: tuple[RedactionRule, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        names = [rule.name for rule in self.rules]
        if doubled := sorted({name for name in names if names.count(name) > 1}):
            raise Refused(f"rules of the same name: {', '.join(doubled)}", "one rule a name", "rules")
        return self

    @model_validator(mode="after")
    def _familiar_names_are_covered_by_no_rule(self) -> Self:
        for position, name in enumerate(self.familiar_names):
            for rule in self.rules:
                if rule.covers(name):
                    raise Refused(
                        f"the rule {rule.name} covers this name",
                        "names that no rule covers",
                        f"familiar_names.{position}",
                    )
        return self
