"""The collector's configuration as data: a pure function of settings, policy and fragments."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from infra import render
from infra.documents.collector import collector_config, dumps, load_fragments
from infra.documents.network_limits import CLIENTS_LEAVE_SECONDS, NLB_IDLE_SECONDS
from infra.documents.task_size import CONFIG_BYTES
from infra.policy.destinations import Destination
from infra.render import rendered
from infra.secrets import CATALOGUE
from tests.factories import ROOT, STACKS, context, policy

FRAGMENTS = load_fragments(ROOT / "collector_configs")
CLASSES = tuple(policy().data_classes.classes)


@cache
def config(stack: str = "prod") -> dict[str, Any]:
    return collector_config(context(stack), FRAGMENTS)


@cache
def everything() -> dict[Path, str]:
    return rendered(ROOT)


@cache
def text_of(stack: str) -> str:
    return dumps(config(stack), stack=stack)


def pipeline(name: str, stack: str = "prod") -> dict[str, list[str]]:
    """Return a pipeline of records, without what counts them on their way out."""
    found: dict[str, list[str]] = config(stack)["service"]["pipelines"][f"logs/{name}"]
    return {**found, "exporters": [item for item in found["exporters"] if not item.startswith("count/")]}


def every_text(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for pair in value.items() for item in pair for text in every_text(item)]
    if isinstance(value, list):
        return [text for item in value for text in every_text(item)]
    return [str(value)]


@pytest.mark.parametrize("stack", STACKS)
def test_the_committed_file_is_what_the_program_renders(stack: str) -> None:
    path = ROOT / "collector_configs" / "rendered" / f"{stack}.yaml"
    assert path.read_text() == everything()[path], "run `make render` and commit the result"


@pytest.mark.parametrize("stack", STACKS)
def test_the_rendered_file_says_the_same_as_the_function(stack: str) -> None:
    assert yaml.safe_load(text_of(stack)) == config(stack)


def test_rendering_twice_gives_the_same_bytes() -> None:
    assert text_of("prod") == dumps(collector_config(context("prod"), FRAGMENTS), stack="prod")


@pytest.mark.parametrize("stack", STACKS)
def test_the_rendered_file_fits_the_task_definition(stack: str) -> None:
    assert len(text_of(stack).encode()) <= CONFIG_BYTES


def test_the_header_names_the_stack_and_how_the_file_came_about() -> None:
    first, second = text_of("prod").splitlines()[:2]
    assert "`prod`" in first
    assert "make render" in second


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("cls", CLASSES)
def test_a_class_goes_where_policy_and_stack_both_allow_and_to_its_archive(stack: str, cls: str) -> None:
    settings = context(stack).settings
    allowed = set(policy().data_classes.classes[cls].destinations) & set(settings.destinations)
    sinks = {item.split("/")[1].split("-")[0] for item in pipeline(cls, stack)["exporters"]}
    assert sinks == {*map(str, allowed), "archive"}


def test_audit_records_never_reach_new_relic() -> None:
    assert "failover/newrelic" in pipeline("access", "sandbox")["exporters"]
    assert "failover/newrelic" not in pipeline("audit", "sandbox")["exporters"]


def test_a_stack_on_a_laptop_alone_has_no_archive() -> None:
    local = context("sandbox", destinations="local", endpoints={"loki": "http://127.0.0.1:3100"})
    found = collector_config(local, FRAGMENTS)
    leaving = [name for name in found["exporters"] if not name.startswith("debug/")]
    assert leaving == ["otlp_http/local", "otlp_http/spill-local", "prometheus/counts"]
    assert found["exporters"]["otlp_http/local"]["logs_endpoint"] == "http://127.0.0.1:3100/otlp/v1/logs"
    assert "sigv4auth/logs" not in found["extensions"]


def test_quarantine_stays_inside_aws_in_its_own_stream_and_prefix() -> None:
    group = policy().data_classes.quarantine_class
    exporters = config()["exporters"]
    assert pipeline("quarantine")["exporters"] == ["failover/cloudwatch-quarantine", "failover/archive-quarantine"]
    assert exporters["otlp_http/cloudwatch-quarantine"]["headers"] == {
        "x-aws-log-group": context().log_group(group),
        "x-aws-log-stream": "quarantine",
    }
    assert exporters["awss3/archive-quarantine"]["s3uploader"]["s3_bucket"] == context().archive_bucket(group)
    assert exporters["awss3/archive-quarantine"]["s3uploader"]["s3_prefix"] == "otlp/quarantine"


@pytest.mark.parametrize("cls", CLASSES)
def test_cloudwatch_receives_each_class_in_its_own_group_signed(cls: str) -> None:
    exporter = config()["exporters"][f"otlp_http/cloudwatch-{cls}"]
    assert exporter["logs_endpoint"] == "https://logs.us-east-1.amazonaws.com/v1/logs"
    assert exporter["headers"] == {"x-aws-log-group": f"/tinybeans/prod/{cls}", "x-aws-log-stream": "collector"}
    assert exporter["auth"] == {"authenticator": "sigv4auth/logs"}
    assert config()["extensions"]["sigv4auth/logs"] == {"region": "us-east-1", "service": "logs"}


def test_batches_for_cloudwatch_keep_below_its_megabyte() -> None:
    batch = config()["exporters"]["otlp_http/cloudwatch-audit"]["sending_queue"]["batch"]
    assert batch["sizer"] == "bytes"
    assert batch["max_size"] < 1_048_576


@pytest.mark.parametrize("cls", CLASSES)
def test_the_archive_is_partitioned_by_hour_in_utc_and_overwrites_nothing(cls: str) -> None:
    uploader = config()["exporters"][f"awss3/archive-{cls}"]["s3uploader"]
    assert uploader["s3_bucket"] == context().archive_bucket(cls)
    assert uploader["s3_prefix"] == "otlp"
    assert uploader["s3_partition_format"] == "year=%Y/month=%m/day=%d/hour=%H"
    assert uploader["s3_partition_timezone"] == "UTC"
    assert uploader["unique_key_func_name"] == "uuidv7"
    assert "endpoint" not in uploader


def test_adopted_groups_and_buckets_are_written_to() -> None:
    adopted = context("prod", adopt={"log_groups": {"audit": "/old/audit"}, "buckets": {"audit": "old-audit"}})
    exporters = collector_config(adopted, FRAGMENTS)["exporters"]
    assert exporters["otlp_http/cloudwatch-audit"]["headers"]["x-aws-log-group"] == "/old/audit"
    assert exporters["awss3/archive-audit"]["s3uploader"]["s3_bucket"] == "old-audit"


@pytest.mark.parametrize("stack", STACKS)
def test_classes_are_thinned_out_exactly_as_policy_says(stack: str) -> None:
    environment = context(stack).settings.environment
    found = {
        key: value["sampling_percentage"]
        for key, value in config(stack)["processors"].items()
        if key.startswith("probabilistic_sampler/") and "-over_budget" not in key  # tests/test_rate_limits.py
    }
    assert found == {
        f"probabilistic_sampler/{name}-{rule.name}": percent
        for name, cls in policy().data_classes.classes.items()
        for rule in cls.sampling
        if (percent := rule.keep_percent.at(environment)) < 100
    }


@pytest.mark.parametrize("cls", policy().data_classes.never_sampled)
@pytest.mark.parametrize("stack", STACKS)
def test_protected_classes_have_no_sampler(stack: str, cls: str) -> None:
    assert not [name for name in pipeline(cls, stack)["processors"] if "sampl" in name]


def test_every_sampler_keeps_what_it_cannot_judge_and_hashes_alike() -> None:
    samplers = [value for key, value in config("sandbox")["processors"].items() if key.startswith("probabilistic")]
    assert {(item["fail_closed"], item["hash_seed"], item["mode"]) for item in samplers} == {(False, 7, "hash_seed")}


def secret_variables() -> list[str]:
    return [entry.environment_variable for entry in CATALOGUE]


@pytest.mark.parametrize("stack", STACKS)
def test_secrets_are_named_and_never_contained(stack: str) -> None:
    texts = every_text(config(stack))
    for variable in secret_variables():
        for text in (item for item in texts if variable in item):
            assert re.fullmatch(rf"(ApiKey )?\$\{{env:{variable}\}}", text)
    assert config(stack)["processors"]["redaction/pseudonyms"]["hmac_key"] == "${env:REDACTION_PEPPER}"


def test_keys_of_saas_destinations_travel_in_their_own_headers() -> None:
    everywhere = context(
        "dev",
        destinations="datadog,newrelic,elastic",
        elastic_endpoint="https://logs.example.test:443/",
        newrelic_region="eu",
    )
    exporters = collector_config(everywhere, FRAGMENTS)["exporters"]
    assert exporters["otlp_http/datadog"]["headers"] == {"dd-api-key": "${env:DATADOG_API_KEY}"}
    assert exporters["otlp_http/datadog"]["logs_endpoint"] == "https://otlp.datadoghq.com/v1/logs"
    assert exporters["otlp_http/newrelic"]["headers"] == {"api-key": "${env:NEW_RELIC_LICENSE_KEY}"}
    assert exporters["otlp_http/newrelic"]["logs_endpoint"] == "https://otlp.eu01.nr-data.net/v1/logs"
    assert exporters["otlp_http/elastic"]["headers"] == {"Authorization": "ApiKey ${env:ELASTIC_API_KEY}"}
    assert exporters["otlp_http/elastic"]["logs_endpoint"] == "https://logs.example.test:443/v1/logs"


def test_the_sandbox_sends_to_its_doubles() -> None:
    exporters = config("sandbox")["exporters"]
    assert exporters["otlp_http/cloudwatch-audit"]["logs_endpoint"] == "${env:SANDBOX_CLOUDWATCH_LOGS}/v1/logs"
    assert exporters["awss3/archive-audit"]["s3uploader"]["endpoint"] == "${env:SANDBOX_S3}"
    assert exporters["awss3/archive-audit"]["s3uploader"]["s3_force_path_style"] is True


@pytest.mark.parametrize("stack", STACKS)
def test_nothing_prints_records_and_the_collectors_own_log_is_sparse(stack: str) -> None:
    found = config(stack)
    throwing_away = [item for name, item in found["exporters"].items() if name.partition("/")[0] == "debug"]
    assert {item["verbosity"] for item in throwing_away} == {"basic"}, "more would print records"
    assert not [name for name in found["connectors"] if "debug" in name]
    assert found["service"]["telemetry"]["logs"] == {"level": "warn", "encoding": "json"}
    modes = {
        item.get("error_mode", "silent")
        for name, item in found["processors"].items()
        if name.startswith(("transform/", "filter/"))
    }
    assert modes == {"silent"}, "an error would repeat parts of the record"


def test_clients_keep_their_connections_and_spread_out_again() -> None:
    keepalive = config()["receivers"]["otlp"]["protocols"]["grpc"]["keepalive"]["server_parameters"]
    seconds = {key: int(value.removesuffix("s")) for key, value in keepalive.items()}
    assert seconds["time"] < NLB_IDLE_SECONDS
    assert seconds["max_connection_age"] + seconds["max_connection_age_grace"] < CLIENTS_LEAVE_SECONDS


def test_memory_is_limited_below_the_tasks_own() -> None:
    limiter = config()["processors"]["memory_limiter"]
    assert pipeline("accept")["processors"][0] == "memory_limiter"
    assert limiter["spike_limit_mib"] < limiter["limit_mib"] < context().settings.collector.memory_mib


def test_every_component_is_used_and_every_used_component_exists() -> None:
    for stack in STACKS:
        found = config(stack)
        pipelines = found["service"]["pipelines"].values()
        assert {name for item in pipelines for name in item["processors"]} == set(found["processors"])
        ends = {name for item in pipelines for name in [*item["receivers"], *item["exporters"]]}
        assert ends == {*found["receivers"], *found["connectors"], *found["exporters"]}
        assert found["service"]["extensions"] == list(found["extensions"])


def test_every_destination_has_a_fragment() -> None:
    assert set(FRAGMENTS.destinations) == {*map(str, Destination), "archive"}


def test_the_check_fails_with_the_difference_when_a_rendered_file_is_out_of_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "prod.yaml"
    monkeypatch.setattr(render, "ROOT", tmp_path)
    monkeypatch.setattr(render, "rendered", lambda _: {path: "after: 1\n"})
    path.write_text("before: 1\n")
    with pytest.raises(typer.Exit) as ended:
        render.main(check=True)
    assert ended.value.exit_code == 1
    assert "-before: 1\n+after: 1" in capsys.readouterr().out
    assert path.read_text() == "before: 1\n", "a check writes nothing"
    render.main()
    assert path.read_text() == "after: 1\n"
    render.main(check=True)
