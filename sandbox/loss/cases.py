"""Every case, in the order in which they are run and shown."""

from sandbox.loss import cases_disk, cases_process, cases_refused, cases_sink
from sandbox.loss.case import Case

CASES: tuple[Case, ...] = (
    *cases_process.CASES,
    *cases_sink.CASES,
    *cases_refused.CASES,
    *cases_disk.CASES,
)
