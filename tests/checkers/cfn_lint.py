"""cfn-lint, by AWS's own resource schemas: values, shapes of policies, actions that exist, what goes with what."""

import json
from collections.abc import Sequence

from cfnlint.api import ManualArgs, lint

from infra.policy.exceptions import Checker
from tests.checkers.cloudformation import template
from tests.checkers.findings import Finding, named
from tests.engine import Registered


def cfn_lint(resources: Sequence[Registered], *, stack: str) -> list[Finding]:
    """Return what cfn-lint complains about in `resources`, its warnings included."""
    document, known = template(resources)
    matches = lint(json.dumps(document), config=ManualArgs(regions=["us-east-1"]))
    return [
        Finding(
            Checker.CFN_LINT,
            match.rule.id,
            named(known[str(match.path[1])]) if len(match.path) > 1 else "template",
            f"{'.'.join(map(str, match.path[2:]))}: {match.message}",
            stack,
        )
        for match in matches
    ]
