"""How bad input is reported: every problem at once, each with file, key, what is wrong and what is allowed.

The value that was given is never repeated: a secret pasted into the wrong key must not reach a terminal,
a pull-request comment or a CI log.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that must be put right before anything is deployed."""

    file: str
    key: str
    wrong: str
    allowed: str = ""

    def __str__(self) -> str:
        """Return the problem as one line, the next step last."""
        line = f"{self.file}: {self.key}: {self.wrong}"
        return f"{line}. Allowed: {self.allowed}" if self.allowed else line


class InputError(Exception):
    """The stack's settings or the policy cannot be deployed; nothing has been registered."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        count = len(self.problems)
        title = f"{count} problem{'s' if count != 1 else ''} in the input; nothing was deployed"
        super().__init__("\n".join([title, *(f"  - {problem}" for problem in self.problems)]))


class Refused(ValueError):
    """A rule's refusal with what it would have allowed; raised inside pydantic validators.

    `key` names a place below the validated object where the object as a whole is at fault.
    """

    def __init__(self, wrong: str, allowed: str, key: str = "") -> None:
        super().__init__(wrong)
        self.wrong, self.allowed, self.key = wrong, allowed, key


def from_validation(file: str, error: ValidationError, prefix: str = "") -> list[Problem]:
    """Return one problem per pydantic error, in words for the person who wrote the file."""
    return [_problem(file, dict(item), prefix) for item in error.errors(include_input=False, include_url=False)]


def _problem(file: str, item: Mapping[str, Any], prefix: str) -> Problem:
    cause = item.get("ctx", {}).get("error")
    below = [cause.key] if isinstance(cause, Refused) else []
    key = ".".join(part for part in [prefix, *(str(part) for part in item["loc"]), *below] if part) or "(whole file)"
    if isinstance(cause, Refused):
        return Problem(file, key, cause.wrong, cause.allowed)
    match item["type"]:
        case "extra_forbidden":
            return Problem(file, key, "unknown key", "the keys in policy/schemas or docs/settings.md")
        case "missing":
            return Problem(file, key, "required key is missing", "see policy/schemas or docs/settings.md")
        case "literal_error" | "enum":
            return Problem(file, key, "not one of the known values", str(item["ctx"]["expected"]))
        case "union_tag_invalid":
            return Problem(file, key, "not one of the known kinds", str(item["ctx"]["expected_tags"]))
        case _:
            return Problem(file, key, str(item["msg"]).removeprefix("Value error, "))
