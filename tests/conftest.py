"""What holds for all tests: those that wait for real processes get a second try, and the summary names each that took it."""

import gc

import pytest

REAL_PROCESSES = ("collector", "engine")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let a test of real processes run once more when it fails: a busy machine can be late for any deadline.

    What is wrong is wrong twice. pytest lists what was tried again under "RERUN".
    """
    for item in items:
        if any(item.get_closest_marker(name) for name in REAL_PROCESSES):
            item.add_marker(pytest.mark.flaky(reruns=1))


def pytest_collection_finish() -> None:
    """Leave what importing and collecting made out of every later search for garbage: it stays until the end."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
