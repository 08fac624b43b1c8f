"""Detection rules of Datadog's Cloud SIEM from policy/detections.yaml, as the Security Monitoring API takes them (v2).

What a rule counts are records that arrived, before any index or exclusion. Where a class is thinned out on the way,
fewer arrive than happened, so fewer are asked for.
"""

import math
from typing import Any

from infra.context import Context
from infra.documents.datadog.message import Told
from infra.documents.datadog.scope import of_class
from infra.documents.datadog.terms import event, facet, one_of
from infra.policy.detections import Case, Count, Detection
from infra.policy.detections_against_classes import kept_percent


def security_rules(context: Context, told: Told) -> dict[str, dict[str, Any]]:
    """Return each detection's name with its rule."""
    return {item.name: _rule(context, item, told) for item in context.policy.detections.detections}


def _rule(context: Context, detection: Detection, told: Told) -> dict[str, Any]:
    return {
        "name": f"[{context.name()}] {detection.summary.rstrip('.')}",
        "type": "log_detection",
        "isEnabled": True,
        "message": _message(context, detection),
        # One tag: the API keeps them in no order (tags [a, b] come back as [b, a]), and each reading would differ.
        "tags": [f"env:{context.environment}"],
        "hasExtendedTitle": True,
        "options": {
            "detectionMethod": "threshold",
            "evaluationWindow": detection.window_seconds,
            "keepAlive": detection.keep_alive_seconds,
            "maxSignalDuration": detection.longest_seconds,
        },
        "queries": [_query(context, detection, name, count) for name, count in detection.counts.items()],
        "cases": [_case(context, detection, case, told) for case in detection.cases],
    }


def _query(context: Context, detection: Detection, name: str, count: Count) -> dict[str, Any]:
    where = [one_of(field, values) for field, values in count.where.items()]
    return {
        "name": name,
        "query": " ".join([of_class(context, count.of), event(count.events), *where]),
        "dataSource": "logs",
        "aggregation": "cardinality" if count.distinct else "count",
        "distinctFields": [facet(count.distinct)] if count.distinct else [],
        "groupByFields": [facet(field) for field in detection.by],
        # A record without the field belongs to nobody; together such records would be one very busy nobody.
        "hasOptionalGroupByFields": False,
    }


def _case(context: Context, detection: Detection, case: Case, told: Told) -> dict[str, Any]:
    wanted = {name: arriving(context, detection.counts[name], number) for name, number in case.at_least.items()}
    return {
        "name": case.severity.value,
        "status": case.severity.value,
        "condition": " && ".join(f"{name} >= {number}" for name, number in wanted.items()),
        "notifications": list(told([detection.notify], case.urgency)),
    }


def arriving(context: Context, count: Count, happened: int) -> int:
    """Return how many records arrive, on average, of so many that happened; at least one."""
    cls = context.policy.data_classes.classes[count.of]
    return max(1, math.ceil(happened * kept_percent(cls, context.settings.environment) / 100))


def _message(context: Context, detection: Detection) -> str:
    asked = ", ".join(
        f"{name} (class {count.of}, {', '.join(count.events)})" for name, count in detection.counts.items()
    )
    return "\n\n".join(
        [
            detection.means.strip(),
            f"Counted within {detection.window_seconds // 60} minutes: {asked}.",
            f"Why these numbers: {detection.reason.strip()}",
            f"What to do: {context.settings.alerting.runbook(f'docs/runbooks/{detection.name}.md')}",
            f"Decided in policy/detections.yaml; sources: {', '.join(detection.sources)}.",
        ]
    )
