"""Pseudonyms, made in two steps, for OTTL has no HMAC.

OTTL wraps a value's SHA-256 in a marker, and the redaction processor replaces each marker by the HMAC of it under the
stack's pepper.
"""

from typing import Any

from infra.documents.collector import clues
from infra.documents.collector.ottl import text
from infra.policy.redaction import Action, Redaction, RedactionRule
from infra.secrets import CATALOGUE

PSEUDONYM_DIGITS = 24
"""Hexadecimal digits of a pseudonym that are kept: 96 bits."""
PEPPER = next(entry.environment_variable for entry in CATALOGUE if entry.name == "redaction-pepper")
PROCESSOR = "redaction/pseudonyms"


def marked(rule: RedactionRule) -> str:
    """Return the arguments of a replacement that leaves the marked SHA-256 of what was found."""
    return f"{text('${0}')}, SHA256, {text(f'[{rule.name}:{clues.MARKER}%s]')}"


def processor() -> dict[str, Any]:
    """Return the redaction processor that turns markers into pseudonyms."""
    return {
        "allow_all_keys": True,
        "blocked_values": [f"{clues.MARKER}[0-9a-f]{{64}}"],
        "hash_function": "hmac-sha256",
        "hmac_key": f"${{env:{PEPPER}}}",
        "summary": "silent",
    }


def shortened(policy: Redaction, target: str = "attributes") -> str:
    """Return the statement that cuts pseudonyms in the values of `target` to the length that is kept."""
    names = "|".join(rule.name for rule in policy.rules if rule.action is Action.PSEUDONYM)
    kept, rest = PSEUDONYM_DIGITS, 64 - PSEUDONYM_DIGITS
    pattern = rf"(\[(?:{names}):[0-9a-f]{{{kept}}})[0-9a-f]{{{rest}}}\]"
    return f'replace_all_patterns({target}, "value", {text(pattern)}, {text("${1}]")})'
