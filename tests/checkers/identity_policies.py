"""parliament over the policies of roles: actions that fit their resources and conditions, and escalation of privilege.

It is made for identity policies. Not judged here, because it has no rules for them (it complains of every Principal):
the trust policies of roles and the policies of keys, buckets, secrets and VPC endpoints. cfn-lint judges the actions,
conditions and shape of those; tests/test_log_store.py, test_bucket_policy.py and their like judge what they decide.
Whether an action exists is left to cfn-lint too: parliament's list of actions is of April 2025.
"""

import functools
import importlib
import importlib.resources
import json
import sys
import types
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from infra.policy.exceptions import Checker
from tests.checkers.findings import Finding, named
from tests.engine import Registered

POLICIES = {
    "aws:iam/policy:Policy": "policy",
    "aws:iam/rolePolicy:RolePolicy": "policy",
}
"""Types that hold an identity policy, and the input that it is in."""


def parliament(resources: Sequence[Registered], *, stack: str) -> list[Finding]:
    """Return what parliament and its community auditors complain about in the identity policies among `resources`."""
    return [
        Finding(Checker.PARLIAMENT, found.issue, named(item), str(found.detail or found.location), stack)
        for item in resources
        if item.type in POLICIES
        for found in _findings(item.document(POLICIES[item.type]))
    ]


def _findings(document: Mapping[str, Any]) -> list[Any]:
    known = {**document, "Statement": [known for it in document["Statement"] if (known := _with_known_actions(it))]}
    found: list[Any] = _package().analyze_policy_string(json.dumps(known), include_community_auditors=True).findings
    return found


def _with_known_actions(statement: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return `statement` without the actions that parliament has not heard of; None when no other is left.

    One of them would end the analysis of the whole policy before its auditors had their turn.
    """
    said = statement["Action"]
    known = [action for action in ([said] if isinstance(said, str) else said) if _is_known(action)]
    return {**statement, "Action": known} if known else None


def _is_known(action: str) -> bool:
    package = _package()
    if action == "*":
        return True
    try:
        package.expand_action(action)
    except package.UnknownActionException:
        return False
    return True


@functools.cache
def _package() -> Any:
    """Return the package parliament."""
    # It finds its two data files by pkg_resources, which setuptools no longer has since version 82, and leaves them open.
    data = types.ModuleType("pkg_resources")
    data.__dict__["resource_filename"] = lambda package, name: str(importlib.resources.files(package) / name)
    before = sys.modules.get("pkg_resources")
    sys.modules["pkg_resources"] = before or data
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            return importlib.import_module("parliament")
    finally:
        if before is None:
            del sys.modules["pkg_resources"]
