"""Reading the collector's own counts in tests."""

from dataclasses import replace

from tests.collector_run import Run


def counted(run: Run, name: str, **labels: str) -> float:
    """Return the sum of a metric's samples on the page of records by class and reason."""
    return replace(run.collector, metrics_url=run.counts_url).metric(name, **labels)
