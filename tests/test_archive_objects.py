"""How large archived objects are: as policy says, and no alert or promise takes packing for a delay."""

from pathlib import Path
from typing import Any

import pytest

from infra.archive.commands_cost import packed
from infra.documents.collector import collector_config, load_fragments
from infra.documents.datadog.slos import slos
from infra.forecast.archive import SMALLEST_MOVED_BYTES
from tests.datadog_watching import WITH_DATADOG
from tests.factories import ROOT, STACKS, context
from tests.policy_edits import refusal


@pytest.mark.parametrize("stack", STACKS)
def test_every_queue_before_the_archive_packs_as_policy_says(stack: str) -> None:
    here = context(stack)
    wanted = here.policy.data_classes.archive_objects
    exporters = collector_config(here, load_fragments(ROOT / "collector_configs"))["exporters"]
    found = {name: item for name, item in exporters.items() if name.startswith("otlp_http/hop-archive-")}

    assert len(found) == len(here.policy.data_classes.classes) + 1  # and quarantine
    for item in found.values():
        assert item["sending_queue"]["batch"] == {
            "flush_timeout": f"{wanted.wait_seconds.at(here.settings.environment)}s",
            "min_size": wanted.close_at_bytes,
            "max_size": wanted.largest_bytes,
            "sizer": "bytes",
        }
        assert item["sending_queue"]["storage"] == "file_storage/archive"


def test_in_prod_objects_of_every_class_are_large_enough_for_the_tiers_that_policy_names() -> None:
    for cls, size in packed(context("prod")).items():
        assert size >= SMALLEST_MOVED_BYTES, cls


@pytest.mark.parametrize(
    ("file", "path", "value", "said"),
    [
        ("data_classes.yaml", "archive_objects.wait_seconds.prod", 0, "wait_seconds.prod"),
        ("data_classes.yaml", "archive_objects.wait_seconds.dev", 4000, "wait_seconds.dev"),
        ("data_classes.yaml", "archive_objects.largest_bytes", 4096, "largest_bytes: a batch would be split"),
        (
            "data_classes.yaml",
            "archive_objects.wait_seconds.prod",
            840,
            "alerts.delivery-late.condition.window_seconds: an object of the archive waits for up to 840 s",
        ),
        (
            "alerts.yaml",
            "alerts.delivery-late.condition.window_seconds",
            600,
            "Allowed: at least 720, or otlp_http/hop",
        ),
        (
            "alerts.yaml",
            "alerts.send-failing.condition.waiting.where",
            [{"label": "exporter", "not_like": ["otlp_http/hop-archive-audit"]}],
            "alerts.send-failing.condition.window_seconds",
        ),
        (
            "alerts.yaml",
            "alerts.send-failing.condition.waiting.where",
            [{"label": "exporter", "like": "otlp_http/hop-*"}],
            "alerts.send-failing.condition.window_seconds",
        ),
    ],
)
def test_a_wait_that_an_alert_would_take_for_a_delay_is_refused(
    tmp_path: Path, file: str, path: str, value: Any, said: str
) -> None:
    assert said in refusal(tmp_path, file, path, value)


@pytest.mark.parametrize("stack", WITH_DATADOG)
def test_freshness_of_the_archive_looks_back_over_the_wait_and_that_of_other_sinks_does_not(stack: str) -> None:
    here = context(stack)
    waits = here.policy.data_classes.archive_objects.wait_seconds.at(here.settings.environment)
    formulas = {
        name: document["sli_specification"]["time_slice"]["query"]["formulas"][0]["formula"]
        for name, document in slos(here).items()
        if document["type"] == "time_slice"
    }
    archive = formulas.pop("delivery-freshness-archive")
    slice_seconds = here.policy.objectives.slice_seconds

    assert archive == f"moving_rollup(default_zero(taken), {slice_seconds + waits}, 'sum') / came"
    assert set(formulas.values()) == {"default_zero(taken) / came"}
