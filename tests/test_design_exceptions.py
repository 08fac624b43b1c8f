"""Where the program departs from the repository's own rules, policy/exceptions.yaml says so, and nowhere else."""

import functools
from dataclasses import replace

import pytest

from infra.policy.exceptions import Checker
from tests.checkers.design import ENCRYPTION, design
from tests.checkers.findings import Finding, complaint, stale, unaccepted
from tests.factories import policy
from tests.programs import program

pytestmark = pytest.mark.checker  # judged beside the outside checkers, over the same programs

ACCEPTED = policy().exceptions.exceptions


@functools.cache
def found() -> tuple[Finding, ...]:
    """Return every departure in the stacks that are deployed."""
    return tuple(it for stack in ("dev", "staging", "prod") for it in design(program(stack).resources, stack=stack))


def test_every_departure_from_the_design_is_an_accepted_exception() -> None:
    left = unaccepted(found(), ACCEPTED)
    assert not left, complaint(left)


def test_no_exception_from_the_design_outlives_its_departure() -> None:
    assert stale(found(), ACCEPTED, Checker.DESIGN) == []


def test_an_archive_without_a_customer_key_is_found() -> None:
    plain = {"rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}]}
    changed = [
        replace(item, inputs={**item.inputs, **plain})
        if item.type == ENCRYPTION and item.name.startswith("audit-archive")
        else item
        for item in program("prod").resources
    ]
    assert [finding.resource for finding in unaccepted(design(changed, stack="prod"), ACCEPTED)] == [
        f"{ENCRYPTION}/audit-archive-encryption"
    ]
