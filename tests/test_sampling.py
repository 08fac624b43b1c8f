"""What is left of sampled traces says how many there were."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import pytest

from infra.documents.collector.redact import PSEUDONYM_DIGITS
from infra.documents.collector.sample import MASKED
from tests.collector_run import batch, record
from tests.doors import at_least, running, stack, until
from tests.factories import policy

TRACES = 400


def test_a_session_that_is_only_a_mask_is_nobodys_and_a_pseudonym_is_somebodys() -> None:
    for rule in policy().redaction.rules:
        assert re.search(MASKED, rule.replacement)
        assert not re.search(MASKED, f"[{rule.name}:{'0a' * (PSEUDONYM_DIGITS // 2)}]")
    assert re.search(MASKED, "")


@pytest.mark.collector
def test_the_counts_on_what_is_kept_add_up_to_what_was_sent(tmp_path: Path) -> None:
    access = {"logger.name": "gunicorn.access"}
    records: list[dict[str, Any]] = []
    for number in range(TRACES):
        trace = hashlib.md5(f"t{number}".encode(), usedforsecurity=False).hexdigest()
        records += [record(body, access, severity=9, traceId=trace) for body in ("first", "second")]
        records.append(record("failed", access, severity=17, traceId=trace))
        records.append(record("alone", access, severity=9))
    with running(stack({}), tmp_path) as run:
        run.collector.send(batch(records))
        kept = run.collector.metric("otelcol_processor_outgoing_items", processor="attributes/access")
        arrived = until(run, at_least(int(kept)))
    by_body = {
        body: [item.record.attributes.get("sampling.adjusted_count", 1) for item in arrived if item.record.body == body]
        for body in ("first", "second", "failed", "alone")
    }
    for body in ("failed", "alone"):  # what belongs to no trace is kept, and stands for itself
        assert sum(by_body[body]) == len(by_body[body]) == TRACES
    assert 0 < len(by_body["first"]) < TRACES
    for body in ("first", "second"):
        assert abs(sum(by_body[body]) - TRACES) < 0.2 * TRACES
