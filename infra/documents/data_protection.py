"""CloudWatch Logs data protection: the second line of defence, made of the same rules as the collector's redaction.

Format and limits: CloudWatch Logs API reference, PutDataProtectionPolicy; User Guide, "Custom data identifiers".
"""

import json
import re
from typing import Any

from infra.policy.redaction import Redaction, RedactionRule
from infra.problems import InputError, Problem

MAX_CHARACTERS = 30_720
MAX_CUSTOM_IDENTIFIERS = 10
ALLOWED_IN_CUSTOM_REGEX = re.compile(r"[A-Za-z0-9_#=@/;,\- ^$?\[\]{}|\\*+.]+")
"""Characters that a custom identifier's expression may have; round brackets and colons are not among them."""


def data_protection_policy(cls: str, redaction: Redaction, partition: str) -> dict[str, Any]:
    """Return the data protection policy of a class's log group.

    It audits and masks what the rules with `cloudwatch` entries find, for readers without logs:Unmask, in records
    that arrive from then on. Raises InputError where the rules make a policy that CloudWatch Logs would refuse.
    """
    rules = [rule for rule in redaction.rules if not rule.classes or cls in rule.classes]
    custom = [{"Name": name, "Regex": regex} for rule in rules for name, regex in _custom(rule)]
    managed = [
        f"arn:{partition}:dataprotection::aws:data-identifier/{entry.managed}"
        for rule in rules
        for entry in rule.cloudwatch
        if entry.managed
    ]
    identifiers = [*dict.fromkeys(managed), *(entry["Name"] for entry in custom)]
    document = {
        "Name": f"{cls}-records",
        "Description": "Second line of defence behind the collector's redaction; see policy/redaction.yaml",
        "Version": "2021-06-01",
        **({"Configuration": {"CustomDataIdentifier": custom}} if custom else {}),
        "Statement": [
            # CloudWatch counts findings as a metric; no findings are copied anywhere.
            {"Sid": "Audit", "DataIdentifier": identifiers, "Operation": {"Audit": {"FindingsDestination": {}}}},
            {"Sid": "Mask", "DataIdentifier": identifiers, "Operation": {"Deidentify": {"MaskConfig": {}}}},
        ],
    }
    if problems := list(_refused(cls, rules, identifiers, custom, document)):
        raise InputError(problems)
    return document


def _custom(rule: RedactionRule) -> list[tuple[str, str]]:
    regexes = [entry.custom for entry in rule.cloudwatch if entry.custom]
    return [(rule.name if at == 0 else f"{rule.name}-{at + 1}", regex) for at, regex in enumerate(regexes)]


def _refused(
    cls: str,
    rules: list[RedactionRule],
    identifiers: list[str],
    custom: list[dict[str, str]],
    document: dict[str, Any],
) -> list[Problem]:
    file = "policy/redaction.yaml"
    problems = [
        Problem(
            file,
            f"rules.{rule.name}.cloudwatch",
            "the expression has characters that CloudWatch Logs refuses",
            "letters, digits, blanks and _ # = @ / ; , - ^ $ ? [ ] { } | \\ * + .",
        )
        for rule in rules
        for _, regex in _custom(rule)
        if not ALLOWED_IN_CUSTOM_REGEX.fullmatch(regex)
    ]
    if not identifiers:
        problems.append(Problem(file, "rules", f"no rule protects the class {cls} in CloudWatch", "a cloudwatch entry"))
    if len(custom) > MAX_CUSTOM_IDENTIFIERS:
        problems.append(
            Problem(
                file,
                "rules",
                f"the class {cls} has {len(custom)} custom identifiers",
                f"{MAX_CUSTOM_IDENTIFIERS} in a policy",
            )
        )
    if (size := len(json.dumps(document))) > MAX_CHARACTERS:
        problems.append(
            Problem(file, "rules", f"the class {cls} has a policy of {size} characters", f"at most {MAX_CHARACTERS}")
        )
    return problems
