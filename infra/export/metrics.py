"""What a run says to CloudWatch's metrics; the alerts on them are policy's (policy/alerts.yaml)."""

from __future__ import annotations

from typing import Any

from infra.export.answers import explained
from infra.export.days import Moment
from infra.export.step import Report, lag_days
from infra.export.targets import Assignment

NAMESPACE = "Tinybeans/Logging"
LAG, MISSING, FAILURES = "ExportLagDays", "ExportMissingDays", "ExportFailures"
BYTES, DURATION = "ExportBytes", "ExportDurationSeconds"
ARCHIVE_MISSING = "ArchiveMissing"
"""By each run, for one manifest of each group in turn: objects that are gone or altered in size. And by make
archive-verify ARGS=--metrics: records, objects and links that the archive ought to have."""


def metrics(assignment: Assignment, report: Report, now: Moment) -> list[dict[str, Any]]:
    """Return one datum for each metric and class. Every run says lag, missing days and failures, so that a missing
    value means that nothing runs.
    """
    data = []
    for cls in sorted({target.cls for target in assignment.targets if target.bucket}):
        groups = [target.log_group for target in assignment.targets if target.cls == cls]
        missing = [report.closed_missing.get(group, []) for group in groups]
        problems = sum(len(report.problems.get(group, ())) for group in groups)
        data += [
            datum(LAG, cls, max(lag_days(it, now) for it in missing), "Count"),
            datum(MISSING, cls, sum(map(len, missing)), "Count"),
            datum(FAILURES, cls, report.failed_tasks.get(cls, 0) + problems, "Count"),
            datum(ARCHIVE_MISSING, cls, report.gone.get(cls, 0), "Count"),
        ]
    if report.kind == "record":
        data += [
            datum(BYTES, report.cls, report.exported_bytes, "Bytes"),
            datum(DURATION, report.cls, report.duration_seconds, "Seconds"),
        ]
    return data


def datum(name: str, cls: str, value: float, unit: str) -> dict[str, Any]:
    """Return one value of a metric for one class."""
    return {
        "MetricName": name,
        "Dimensions": [{"Name": "Class", "Value": cls}],
        "Value": value,
        "Unit": unit,
    }


def send(cloudwatch: Any, data: list[dict[str, Any]]) -> None:
    """Send data to CloudWatch: at most 1,000 a request (PutMetricData)."""
    with explained(f"sending metrics to {NAMESPACE}", "cloudwatch:PutMetricData for this namespace"):
        for at in range(0, len(data), 1000):
            cloudwatch.put_metric_data(Namespace=NAMESPACE, MetricData=data[at : at + 1000])
