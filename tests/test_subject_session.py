"""As whom an erasure is carried out, and what is said to who may not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.documents.eraser_policy import role_name
from tests.erase_run import CLIENT, OTHER, PERSON, Cloud, at, cloud, refusal

BOTH = [PERSON, OTHER]


@pytest.fixture(name="place")
def _place(tmp_path: Path) -> Iterator[Cloud]:
    with cloud(tmp_path) as found:
        yield found


def test_the_command_takes_the_role_for_the_request_and_says_how_where_it_may_not(
    place: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.put("application", "a", BOTH)
    place.takes_the_role = True
    asked: list[dict[str, Any]] = []
    real = place.client("sts")

    class Sts:
        def assume_role(self, **given: Any) -> Any:
            asked.append(given)
            if len(asked) > 1:
                raise refusal("AccessDenied")
            return real.assume_role(**given)

        def get_caller_identity(self) -> Any:
            return real.get_caller_identity()

    client = CLIENT
    monkeypatch.setattr(
        "infra.archive.commands_erase.boto3.client",
        lambda name, **options: Sts() if name == "sts" else client(name, **options),
    )
    assert place.run().exit_code == 0
    (taken,) = asked
    assert taken["RoleArn"].endswith(f":role/{role_name(place.context)}")
    assert taken["RoleSessionName"] == f"subject-request-{place.told()[0]['request']}"
    said = place.run("refused")
    assert said.exit_code == 1
    for word in (role_name(place.context), *place.context.settings.access.erasers, "aws sts assume-role"):
        assert word in said.output
    assert len(place.audit("audit.subject.erase.requested")) == 1, "nothing was asked of the archives"


def test_a_stack_that_names_no_eraser_says_so_when_the_archive_refuses(tmp_path: Path) -> None:
    with cloud(tmp_path, "dev") as place:
        assert not place.context.settings.access.erasers
        place.put("application", "a", BOTH)

        place.before = at("put_object", refusal("AccessDenied"))
        said = place.run()
        assert said.exit_code == 1
        assert "access.erasers of the stack's settings" in said.output
