"""Datadog's documents: known to Datadog's own models, and asking for nothing that no pipeline sets."""

import re
from collections.abc import Mapping
from typing import Any

import pytest

from infra.documents.collector.ottl import CLASS
from infra.documents.datadog import archive, facets, indexes, metrics, pipelines, readers, scanner
from infra.documents.datadog.contract import AS_THEY_ARE, OF_THE_LOG, SOURCES_OF, STANDARD
from infra.documents.datadog.scope import CLASS_TAG
from infra.documents.datadog.sources import SOURCES, query
from infra.policy.redaction import Action
from tests.datadog_models import faults
from tests.factories import ROOT, context

STACKS = ("sandbox", "dev", "staging", "prod")


def here(stack: str) -> Any:
    return context(stack, destinations="cloudwatch,datadog")


def documents(stack: str) -> list[tuple[str, str, Mapping[str, Any]]]:
    """Return model, version and document of everything that a stack sends to Datadog's API."""
    found = here(stack)
    return [
        *(("LogsPipeline", "v1", item) for item in pipelines.pipelines(found).values()),
        *(("LogsIndex", "v1", item) for item in indexes.indexes(found).values()),
        *(("LogsMetricCreateRequest", "v2", item) for item in metrics.metrics(found).values()),
        *(("LogsArchiveCreateRequest", "v2", item) for item in archive.archives(found).values()),
        ("AWSAccountCreateRequest", "v2", archive.integration(found)),
        ("SensitiveDataScannerGroupCreateRequest", "v2", scanner.group(found)),
        *(
            ("SensitiveDataScannerRuleCreateRequest", "v2", item)
            for item in scanner.rules(found, group_id="made-up").values()
        ),
        *(("RoleCreateRequest", "v2", item) for item in readers.roles(found).values()),
        *(("RestrictionQueryCreatePayload", "v2", item) for item in readers.restrictions(found).values()),
    ]


every = pytest.mark.parametrize("stack", STACKS)


@every
def test_datadogs_own_models_know_every_word_of_every_document(stack: str) -> None:
    made = documents(stack)
    assert len(made) > 50
    assert [fault for model, version, item in made for fault in faults(item, model, version)] == []


@every
def test_every_query_is_one_line_and_names_only_facets_that_records_have(stack: str) -> None:
    known = facets.known(here(stack))
    asked = [text for _, _, item in documents(stack) for text in facets.queries(item)]
    assert len(asked) > 100
    assert [fault for text in asked for fault in facets.faults(text, known)] == []
    assert {name for text in asked for name in facets.used(text)} >= {f"{CLASS_TAG}", "env", "@http.status_code"}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("env:prod -@http.route:(/a OR /b) @http.status_code:>499", {"env", "@http.route", "@http.status_code"}),
        ('@evt.name:"user:login" -(status:error OR @a.b-c:*)', {"@evt.name", "status", "@a.b-c"}),
        ('"https://example.com/a:b" @url.path:/x', {"@url.path"}),
        ("*", set()),
        ("sum:http.requests{env:prod,service:web} by {service}", {"sum", "env", "service"}),
    ],
)
def test_the_facets_of_a_query_are_found(text: str, found: set[str]) -> None:
    assert facets.used(text) == found


def test_a_facet_that_nothing_sets_and_a_second_line_are_faults() -> None:
    known = facets.known(here("prod"))
    assert facets.faults("@http.status_code:500", known) == []
    assert facets.faults("@htpp.status_code:500\n", known) == [
        "the facet @htpp.status_code is set by no pipeline",
        "the query is not one line",
    ]


def contract_rows() -> dict[str, str]:
    """Return key of a JSON line -> what it becomes, from the table in docs/logging-contract.md."""
    text = (ROOT / "docs" / "logging-contract.md").read_text(encoding="utf-8")
    return dict(re.findall(r"^\| `([^`]+)` \| `?([^`|]+?)`? \| `", text, re.MULTILINE))


def test_every_field_of_the_contract_has_its_place_at_datadog() -> None:
    rows = contract_rows()
    assert len(rows) > 20
    mapped = {item.contract for item in STANDARD} | set(AS_THEY_ARE) | set(OF_THE_LOG)
    assert set(rows.values()) - mapped == set()
    assert CLASS in AS_THEY_ARE


def test_every_field_of_a_log_is_remapped_from_otlps_way_in() -> None:
    for name, pipeline in pipelines.pipelines(here("prod")).items():
        kinds = [item["type"].removesuffix("-remapper") for item in pipeline["processors"]]
        assert kinds[:6] == ["date", "status", "message", "service", "trace-id", "span-id"], name
    assert SOURCES_OF["trace-id"][0] == "dd.trace_id"


def test_there_is_a_pipeline_for_each_source_and_in_it_one_for_each_class() -> None:
    found = pipelines.pipelines(here("prod"))
    assert set(found) == {"django", "celery", "node", "browser", "collector"}
    for pipeline in found.values():
        inner = {item["filter"]["query"] for item in pipeline["processors"] if item["type"] == "pipeline"}
        assert inner >= {f"{CLASS_TAG}:{cls}" for cls in ("audit", "security", "application", "access", "client")}


def test_no_pipeline_has_more_processors_than_datadog_advises_nor_a_third_level() -> None:
    for pipeline in pipelines.pipelines(here("prod")).values():
        assert len(pipeline["processors"]) <= 20
        for item in pipeline["processors"]:
            if item["type"] == "pipeline":
                assert 0 < len(item["processors"]) <= 20, item["name"]
                assert all(inner["type"] != "pipeline" for inner in item["processors"])


def test_a_record_that_no_source_claims_is_djangos() -> None:
    rest = next(source for source in SOURCES if not source.claims)
    assert rest.name == "django"
    assert query(rest) == " ".join(f"-{other.claims}" for other in SOURCES if other is not rest)
    assert len(query(rest)) > 100


def test_a_sampled_record_weighs_what_it_stands_for_and_every_other_one_weighs_one() -> None:
    steps = [item for item in pipelines.attributes() if item["type"] == "arithmetic-processor"]

    def weight(record: dict[str, float]) -> float:
        values = dict(record)
        for step in steps:
            names = re.findall(r"[a-z_]+(?:\.[a-z_]+)+|[a-z_]+", step["expression"])
            if step["is_replace_missing"] or all(name in values for name in names):
                terms = step["expression"]
                for name in names:
                    terms = terms.replace(name, repr(values.get(name, 0)))
                values[step["target"]] = eval(terms)  # noqa: S307 - two numbers and an operator of our own
        return values[pipelines.WEIGHT]

    assert weight({"sampling.represents": 5.0}) == 5.0
    assert weight({}) == 1.0
    assert weight({"duration_in_ms": 2.0}) == 1.0


def test_metrics_count_by_what_the_issue_asks_and_by_no_identifier() -> None:
    by = {item.name: set(item.by) for item in metrics.METRICS}
    assert by["http.requests"] >= {"@http.route", "@http.status_code"}
    assert "@evt.outcome" in by["auth.outcomes"]
    assert "@error.kind" in by["exceptions"]
    assert "@redaction.rule" in by["redactions"]
    identifiers = {"@usr.id", "@http.request_id", "@session_id", "trace_id", "@network.client.ip", "@url.path"}
    assert not identifiers & set().union(*by.values())


def test_two_stacks_of_one_organisation_share_no_name() -> None:
    def names(stack: str) -> set[str]:
        return {
            str(item.get("name") or item["data"].get("id") or item["data"]["attributes"].get("name"))
            for model, _, item in documents(stack)
            if model not in ("RestrictionQueryCreatePayload", "AWSAccountCreateRequest")
        }

    assert names("staging") & names("prod") == set()
    assert all("prod" in name for name in names("prod"))


def test_the_scanner_looks_for_every_pattern_of_the_policy_and_finds_its_examples() -> None:
    found = here("prod")
    rules = scanner.rules(found, group_id="g")
    wanted = {rule.name: rule for rule in found.policy.redaction.rules if rule.pattern}
    assert set(rules) == set(wanted)
    assert len(rules) > 20
    for name, rule in wanted.items():
        pattern = rules[name]["data"]["attributes"]["pattern"]
        assert not re.search(r"\(\?P|\(\?[=!<]|\\[1-9]", pattern), name
        for text in rule.examples:
            assert re.search(pattern, text, re.ASCII), f"{name}: {text}"
        for text in rule.look_alikes:
            assert not re.search(pattern, text, re.ASCII), f"{name}: {text}"


def test_the_scanner_leaves_alone_what_the_collector_put_in_place_of_a_value() -> None:
    found = here("prod")
    masks = [
        f"[{rule.name}:{'0a1b2c3d' * 3}]" if rule.action is Action.PSEUDONYM else rule.replacement
        for rule in found.policy.redaction.rules
    ]
    for rule in scanner.scanned(found):
        for mask in masks:
            assert not re.search(scanner.pattern(rule), f"told {mask} so", re.ASCII), f"{rule.name} finds {mask}"


def test_a_reader_group_reads_the_classes_that_policy_lets_it_read_hot() -> None:
    found = here("prod")
    for group, body in readers.restrictions(found).items():
        query_text = body["data"]["attributes"]["restriction_query"]
        for cls, data_class in found.policy.data_classes.classes.items():
            assert (cls in re.split(r"[ ()]", query_text)) is (group in data_class.readers.hot), f"{group}: {cls}"
    assert set(readers.roles(found)) == set(readers.restrictions(found))
