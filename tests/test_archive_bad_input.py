"""What a person gets wrong at the commands that keep: each is said with what is allowed, and nothing is begun."""

from typing import Any

import pytest
from typer.testing import CliRunner

from infra.archive import commands_keeping, commands_register
from infra.archive.__main__ import app
from infra.archive.keeping.place import Services, place_of
from tests.factories import context

WHO = {"--who": "Ada", "--why": "order 12 of the court"}
WINDOW = {"--from": "2026-10-01", "--to": "2026-10-31"}
GIVEN: dict[str, dict[str, str]] = {
    "hold": {"--class": "audit", **WINDOW, **WHO},
    "extend": {"--class": "audit", **WINDOW, **WHO, "--until": "2031-01-01"},
    "certificate": {"--class": "audit", "--month": "2026-10", **WHO},
    "register": {"--class": "audit"},
}


class Untouched:
    """A service that nobody may ask anything."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} was asked for although the input is wrong")


@pytest.fixture(autouse=True)
def _untouched(monkeypatch: pytest.MonkeyPatch) -> None:
    nobody = Untouched()
    for module in (commands_keeping, commands_register):
        monkeypatch.setattr(
            module,
            "place_in",
            lambda stack, cls: place_of(context(stack), cls, Services(nobody, nobody, nobody, nobody, nobody)),
        )


def outcome(command: str, **changed: str) -> tuple[int, str]:
    given = {**GIVEN[command], **{f"--{name}": value for name, value in changed.items()}}
    result = CliRunner().invoke(app, [command, *(part for pair in given.items() for part in pair)])
    return result.exit_code, result.output


@pytest.mark.parametrize("command", GIVEN)
def test_an_unknown_class_is_named_with_those_that_there_are(command: str) -> None:
    code, said = outcome(command, **{"class": "payroll"})
    assert (code, "CLASS: there is no such class. Allowed: audit, security" in said) == (2, True), said


@pytest.mark.parametrize("command", ["hold", "extend"])
@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"from": "2026-10-31", "to": "2026-10-01"}, "FROM: is not before TO"),
        ({"to": "2041-01-01"}, "TO: lies in the future"),
        ({"from": "2041-01-01", "to": "2041-01-02"}, "FROM: lies in the future"),
        ({"from": "yesterday"}, "FROM: not a day and not an instant"),
        ({"who": " "}, "WHO: says nothing"),
        ({"why": "because"}, "WHY: says nothing"),
    ],
)
def test_a_window_or_a_reason_that_means_nothing_is_refused(command: str, changed: dict[str, str], said: str) -> None:
    code, text = outcome(command, **changed)
    assert (code, said in text) == (2, True), text


@pytest.mark.parametrize(
    ("command", "changed", "said"),
    [
        ("extend", {"until": "2020-01-01"}, "UNTIL: is past or too far away"),
        ("extend", {"until": "2099-01-01"}, "lock_extension_days in policy/data_classes.yaml"),
        ("extend", {"until": "soon"}, "UNTIL: not a day"),
        ("certificate", {"month": "2041-01"}, "MONTH: lies in the future"),
        ("certificate", {"month": "October"}, "MONTH: not a month"),
        ("certificate", {"who": ""}, "WHO: says nothing"),
        ("register", {"public-key": "/nowhere"}, "there is no public key in /nowhere"),
    ],
)
def test_what_one_command_alone_asks_for_is_refused_with_what_is_allowed(
    command: str, changed: dict[str, str], said: str
) -> None:
    code, text = outcome(command, **changed)
    assert (code, said in text) == (2, True), text


@pytest.mark.parametrize("command", GIVEN)
def test_a_stack_that_names_no_keepers_says_where_to_name_them(command: str) -> None:
    code, said = outcome(command, stack="dev")
    assert code == 2
    assert "Pulumi.dev.yaml: access.archive_keepers: names nobody" in said
