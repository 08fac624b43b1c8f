"""The nightly export's histories once more, on moto's S3 and KMS: what the doubles in memory leave out would show here.

moto answers what AWS refuses; tests/export_fake.py stands around it and refuses (one active task, LimitExceeded,
throttling, tasks that take their time, fail, are cancelled, are listed late and forgotten).
"""

import datetime
from collections import Counter
from contextlib import ExitStack
from typing import Any

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.export_fake import moto_services
from tests.test_export_reconciler import Export

FEW = settings(
    max_examples=3,
    stateful_step_count=30,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
"""Each history takes thousands of calls, at milliseconds each."""
SEED = 112
"""Three histories in which everything that can go wrong does; another hypothesis may need another number."""


@seed(SEED)
class ExportOnMoto(Export):
    """The same groups, the same crashes, the same end."""

    afterwards = (3, datetime.timedelta(hours=140))
    happened: Counter[str] = Counter()  # noqa: RUF012 - of all histories together

    def services(self) -> tuple[Any, Any]:
        """Return clients of a moto that holds nothing yet."""
        self.moto = ExitStack()
        return self.moto.enter_context(moto_services())

    def teardown(self) -> None:
        try:
            super().teardown()
        finally:
            self.moto.close()


@pytest.mark.timeout(300)
def test_any_history_on_moto_ends_complete_and_without_duplicates() -> None:
    run_state_machine_as_test(ExportOnMoto, settings=FEW)
    happened = ExportOnMoto.happened
    assert {"crash", "another run", "throttled", "FAILED", "CANCELLED", "COMPLETED"} <= set(happened), happened
