"""The repository's policy with one value changed, and what is said about it."""

import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.policy import load_policy
from infra.problems import InputError
from tests.factories import ROOT, TODAY


def refusal(directory: Path, file: str, path: str, value: Any, today: datetime.date = TODAY) -> str:
    """Return what loading says once `value` stands at `path` of the policy file `file`; KeyError removes the key.

    `directory` is written to; a policy that is taken all the same is a failure of the test.
    """
    for source in (ROOT / "policy").glob("*.yaml"):
        (directory / source.name).write_text(source.read_text())
    document = yaml.safe_load((directory / file).read_text())
    *parents, last = path.split(".")
    place = document
    for part in parents:
        place = place[int(part)] if isinstance(place, list) else place[part]
    if value is KeyError:
        del place[last]
    else:
        place[int(last) if isinstance(place, list) else last] = value
    (directory / file).write_text(yaml.safe_dump(document, sort_keys=False))
    with pytest.raises(InputError) as caught:
        load_policy(directory, today)
    return str(caught.value)
