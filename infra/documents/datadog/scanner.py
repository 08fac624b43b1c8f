"""Sensitive Data Scanner: policy/redaction.yaml once more, as the last line behind the collector's own redaction.

Its expressions are a subset of PCRE2 without look-around and back-references (Datadog docs, "Regular expression
syntax"), which RE2's are but for two things: it allows one capturing group, of a name of its own, and no pattern that
matches nothing. A rule without a pattern knows its values by the keys they stand under only; the scanner's rules have no
such thing, so those rules stay with the collector alone.
"""

import re
from typing import Any

from infra.context import Context
from infra.documents.datadog.scope import of_stack
from infra.policy.redaction import RedactionRule

NAMED_GROUP = re.compile(r"\(\?P<[a-z_]+>")
PRIORITY = {"mask": 1, "drop_record": 1, "drop_attribute": 2, "pseudonym": 3}
"""How grave a finding is (1 is gravest): credentials are masked, names become pseudonyms."""


def scanned(context: Context) -> tuple[RedactionRule, ...]:
    """Return the rules that the scanner can apply: those with a pattern."""
    return tuple(rule for rule in context.policy.redaction.rules if rule.pattern)


def pattern(rule: RedactionRule) -> str:
    """Return a rule's expression for the scanner. A group that RE2 keeps readable is masked with the rest."""
    return NAMED_GROUP.sub("(?:", rule.pattern or "")


def group(context: Context) -> dict[str, Any]:
    """Return the group of this stack's rules, as the Sensitive Data Scanner API (v2) takes it."""
    return {
        "data": {
            "type": "sensitive_data_scanner_group",
            "attributes": {
                "name": context.name("last-line"),
                "description": "What redaction in the collector should have taken; a finding here is a leak to mend.",
                "filter": {"query": of_stack(context)},
                "is_enabled": True,
                "product_list": ["logs"],
            },
        },
        "meta": {},
    }


def rules(context: Context, group_id: str) -> dict[str, dict[str, Any]]:
    """Return name -> body of each rule of the group `group_id`."""
    return {rule.name: _rule(context, rule, group_id) for rule in scanned(context)}


def _rule(context: Context, rule: RedactionRule, group_id: str) -> dict[str, Any]:
    return {
        "data": {
            "type": "sensitive_data_scanner_rule",
            "attributes": {
                "name": context.name(rule.name),
                "description": rule.what,
                "is_enabled": True,
                "pattern": pattern(rule),
                "priority": PRIORITY[rule.action],
                "tags": [f"sensitive_data:{rule.name}"],
                "text_replacement": {"type": "replacement_string", "replacement_string": rule.replacement},
            },
            "relationships": {"group": {"data": {"type": "sensitive_data_scanner_group", "id": group_id}}},
        },
        "meta": {},
    }
