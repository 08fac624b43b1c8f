"""What S3 refuses in lifecycle and Object Lock configurations."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Final

from sandbox.providers.rules import Findings
from sandbox.providers.wire import Props

_COLDER: Final = ("STANDARD_IA", "INTELLIGENT_TIERING", "ONEZONE_IA", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE")
"""Transitions run down this waterfall only (S3 user guide, lifecycle-transition-general-considerations)."""
_INFREQUENT_DAYS: Final = 30
"""Objects stay 30 days before they may move to STANDARD_IA or ONEZONE_IA (same page)."""


def lifecycle_order(props: Props) -> Findings:
    """Unique ids, transitions in order of days and of the waterfall, and expiration last."""
    found: Findings = []
    rules = props.get("rules", [])
    ids = [rule.get("id") for rule in rules]
    found.extend(("rules", f"the id {name!r} is used twice") for name in sorted({n for n in ids if ids.count(n) > 1}))
    for index, rule in enumerate(rules):
        found.extend(_transitions(rule, f"rules[{index}]"))
    return found


def _transitions(rule: Props, path: str) -> Findings:
    found: Findings = []
    listed = [item for item in rule.get("transitions", []) if item.get("days") is not None]
    for item in listed:
        if item.get("storageClass") in ("STANDARD_IA", "ONEZONE_IA") and item["days"] < _INFREQUENT_DAYS:
            found.append((f"{path}.transitions", f"{item['storageClass']} needs at least {_INFREQUENT_DAYS} days"))
    for earlier, later in pairwise(sorted(listed, key=lambda item: item["days"])):
        if _rank(earlier) >= _rank(later):
            reason = f"{later.get('storageClass')} cannot follow {earlier.get('storageClass')}"
            found.append((f"{path}.transitions", reason))
    expiry = (rule.get("expiration") or {}).get("days")
    last = max((item["days"] for item in listed), default=None)
    if expiry and last is not None and expiry <= last:
        found.append((f"{path}.expiration.days", f"{expiry} is not after the last transition at {last} days"))
    return found


def _rank(transition: dict[str, Any]) -> int:
    name = transition.get("storageClass")
    return _COLDER.index(name) if name in _COLDER else -1


def default_retention(props: Props) -> Findings:
    """A default retention is counted in days or in years (PutObjectLockConfiguration)."""
    retention = ((props.get("rule") or {}).get("defaultRetention")) or {}
    if retention and ("days" in retention) == ("years" in retention):
        return [("rule.defaultRetention", "takes exactly one of days and years")]
    return []


lifecycle_order.covers = ("rules",)  # type: ignore[attr-defined]
default_retention.covers = ("rule",)  # type: ignore[attr-defined]
