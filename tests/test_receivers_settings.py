"""What a stack may say of its ways in, what policy may say of browsers and folding, and what comes of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from infra.context import Context
from infra.documents.collector import collector_config, load_fragments
from infra.policy.data_classes import DataClasses
from infra.problems import InputError, from_validation
from infra.settings_receivers import Receivers
from tests.factories import ROOT, STACKS, context, policy, settings

FILES = {"name": "app", "service": "web", "include": ["/var/log/app/*.log"], "format": "lines"}
BROWSER = {
    "origins": ["https://app.example.test"],
    "services": ["frontend"],
    "proxy_security_group_ids": ["sg-00000000"],
}
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "any page": ({"browser": {**BROWSER, "origins": ["*"]}}, "browser.origins.0: String should match"),
    "any page of a domain": (
        {"browser": {**BROWSER, "origins": ["https://*.example.test"]}},
        "browser.origins.0: String should match",
    ),
    "a page without TLS": (
        {"browser": {**BROWSER, "origins": ["http://app.example.test"]}},
        "browser.origins.0: String should match",
    ),
    "no page": ({"browser": {**BROWSER, "origins": []}}, "browser.origins: Tuple should have at least 1 item"),
    "any header": ({"browser": {**BROWSER, "headers": ["*"]}}, "browser.headers.0: String should match"),
    "pages without a proxy": (
        {"browser": {**BROWSER, "proxy_security_group_ids": []}},
        "proxy_security_group_ids: Tuple should have at least 1 item",
    ),
    "requests without end": (
        {"browser": {**BROWSER, "body_bytes": 10**9}},
        "browser.body_bytes: Input should be less than or equal to 1048576",
    ),
    "files without a name of their own": ({"files": [FILES, FILES]}, "files: app is named twice"),
    "files somewhere": ({"files": [{**FILES, "include": ["app.log"]}]}, "files.0.include.0: String should match"),
    "an unknown wrapping": ({"files": [{**FILES, "format": "journald"}]}, "files.0.format: not one of the known"),
    "a private key in the settings": (
        {"tls": {"certificate": "/c.pem", "key": "-----BEGIN PRIVATE KEY-----"}},
        "tls.key: String should match",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_settings_refuse(case: str) -> None:
    values, said = REFUSED[case]
    with pytest.raises(ValidationError) as caught:
        Receivers.model_validate(values)
    message = "\n".join(map(str, from_validation("x", caught.value)))
    assert said in message
    assert "BEGIN PRIVATE" not in message


def test_a_page_on_a_developers_machine_cannot_send_to_prod() -> None:
    local = {"browser": {**BROWSER, "origins": ["http://localhost:3000"]}}
    assert settings("sandbox", receivers=local).receivers.browser is not None
    with pytest.raises(InputError, match=r"receivers\.browser\.origins: weaker than policy asks of prod"):
        settings("prod", receivers=local)


FOLDING = {
    "every_seconds": 10,
    "below": "ERROR",
    "loses": "what waits when the collector dies, and what a full queue refuses",
    "reason": "Alike by the thousand.",
}
POLICY_REFUSED: dict[str, tuple[str, str, Any, str]] = {
    "folding of audit records": ("audit", "folding", FOLDING, "audit records are never folded"),
    "folding of errors": ("access", "folding", {**FOLDING, "below": "FATAL"}, "ERROR and above are never folded"),
    "folding that does not say what it loses": (
        "access",
        "folding",
        {**FOLDING, "loses": "nothing"},
        "folding.loses: not one of the known values",
    ),
    "two ways to sample one class": (
        "client",
        "sampling",
        [
            {
                "name": f"by_{by}",
                "by": by,
                "below": "INFO",
                "keep_percent": {"sandbox": 1, "dev": 1, "staging": 1, "prod": 1},
                "reason": "A rule of the tests.",
            }
            for by in ("trace", "session")
        ],
        "rules of one class decide by different things",
    ),
}


@pytest.mark.parametrize("case", POLICY_REFUSED)
def test_policy_refuses(case: str) -> None:
    cls, key, value, said = POLICY_REFUSED[case]
    document = policy().data_classes.model_dump(mode="json")
    document["classes"][cls][key] = value
    with pytest.raises(ValidationError) as caught:
        DataClasses.model_validate(document)
    assert said in "\n".join(map(str, from_validation("x", caught.value)))


def test_pages_belong_to_a_class_that_exists() -> None:
    document = policy().data_classes.model_dump(mode="json")
    document["browsers"]["belong_to"] = "pages"
    with pytest.raises(ValidationError) as caught:
        DataClasses.model_validate(document)
    assert "browsers.belong_to: unknown class pages" in str(from_validation("x", caught.value)[0])


def configured(**receivers: Any) -> dict[str, Any]:
    return collector_config(context("prod", receivers=receivers), load_fragments(ROOT / "collector_configs"))


@pytest.mark.parametrize("stack", [stack for stack in STACKS if stack != "sandbox"])
def test_stacks_at_aws_have_otlp_alone_for_others(stack: str) -> None:
    assert context(stack).settings.receivers == Receivers()
    found = collector_config(context(stack), load_fragments(ROOT / "collector_configs"))
    own = {"otlp/loopback", "prometheus/own"}
    assert set(found["receivers"]) == {"otlp", *own}
    # Nobody else reaches the collector's own two: one listens on the loopback address only, the other asks.
    for protocol in found["receivers"]["otlp/loopback"]["protocols"].values():
        assert protocol["endpoint"].startswith("127.0.0.1:")
    (job,) = found["receivers"]["prometheus/own"]["config"]["scrape_configs"]
    assert all(target.startswith("127.0.0.1:") for item in job["static_configs"] for target in item["targets"])


def test_every_pipeline_that_receives_refuses_before_memory_runs_out_and_none_after() -> None:
    found = configured(files=[FILES], fluent={}, browser=BROWSER)
    pipelines = found["service"]["pipelines"]
    for name, item in pipelines.items():
        receives = set(item["receivers"]) <= set(found["receivers"])
        changes = bool(item["processors"])
        # metrics/own has no limiter on purpose: it scrapes this very collector, a bounded number of series at a time,
        # and what tells of a collector short of memory is not to be the first thing refused.
        limited = receives and changes and name != "metrics/own"
        assert (item["processors"][:1] == ["memory_limiter"]) is limited, name
    assert pipelines["metrics/own"]["receivers"] == ["prometheus/own"]
    assert [name for name, item in pipelines.items() if "routing/class" in item["exporters"]] == ["logs/redact"]
    assert {tuple(item["receivers"]) for item in pipelines.values() if "routing/gate" in item["exporters"]} == {
        ("otlp",),
        ("file_log/app",),
        ("fluent_forward",),
        ("otlp/browser",),
    }


def test_what_the_reader_sends_again_was_not_changed_by_the_first_attempt() -> None:
    """A second consumer that only reads is why the pipeline that changes records gets a copy."""
    found = configured(files=[FILES])
    beside = found["service"]["pipelines"]["logs/files-as-read"]
    assert beside == {"receivers": ["file_log/app"], "processors": [], "exporters": ["debug/nothing"]}
    assert found["exporters"]["debug/nothing"] == {"verbosity": "basic"}
    assert found["service"]["telemetry"]["logs"]["level"] == "warn", "basic verbosity writes at info"
    assert found["receivers"]["file_log/app"]["retry_on_failure"]["max_elapsed_time"] == "0s"
    assert found["receivers"]["file_log/app"]["storage"] == "file_storage/offsets"


def test_what_a_page_may_say_comes_from_policy() -> None:
    known = policy()
    browsers = known.data_classes.browsers.model_copy(update={"attributes": ("only.this",)})
    changed = Context(
        context("prod", receivers={"browser": BROWSER}).settings,
        replace(known, data_classes=known.data_classes.model_copy(update={"browsers": browsers})),
    )
    found = collector_config(changed, load_fragments(ROOT / "collector_configs"))
    statements = found["processors"]["transform/browser"]["log_statements"][0]["statements"]
    assert [item for item in statements if r"^(?:only\\.this|session_id)(?:\\.[0-9]+)?$$" in item]
