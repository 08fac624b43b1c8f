"""The sandbox's Datadog: what it refuses as the API does, what it remembers, and how it gives values back."""

from pathlib import Path
from typing import Any

import pytest

from sandbox.providers.cloud import datadog_cloud
from sandbox.providers.datadog_types import DATADOG
from sandbox.providers.errors import ProviderError
from sandbox.providers.lifecycle import Lifecycle
from sandbox.providers.organisation import ORGANISATION_VARIABLE
from sandbox.providers.wire import UNKNOWN, Props

INDEX = "datadog:index/logsIndex:LogsIndex"
PIPELINE = "datadog:index/logsCustomPipeline:LogsCustomPipeline"
METRIC = "datadog:index/logsMetric:LogsMetric"
RULE = "datadog:index/sensitiveDataScannerRule:SensitiveDataScannerRule"
GROUP = "datadog:index/sensitiveDataScannerGroup:SensitiveDataScannerGroup"
ARCHIVE = "datadog:index/logsArchive:LogsArchive"
ACCOUNT = "datadog:aws/integrationAccount:IntegrationAccount"
RESTRICTION = "datadog:index/logsRestrictionQuery:LogsRestrictionQuery"
ORDER = "datadog:index/logsIndexOrder:LogsIndexOrder"
SEED = b"a seed"

AN_INDEX: Props = {"name": "prod-audit", "filters": [{"query": "a:b"}], "retentionDays": 15}
A_PIPELINE: Props = {"name": "django", "filters": [{"query": "a:b"}], "isEnabled": True, "processors": []}
A_METRIC: Props = {"name": "a.b", "filter": {"query": "*"}, "compute": {"aggregationType": "count"}}
A_RULE: Props = {"name": "email", "groupId": "g", "pattern": "[a-z]+@"}
AN_ACCOUNT: Props = {
    "awsAccountId": "123456789012",
    "awsPartition": "aws",
    "authConfig": {"awsAuthConfigRole": {"roleName": "datadog"}},
}


@pytest.fixture(name="life")
def _life() -> Lifecycle:
    return Lifecycle(DATADOG, datadog_cloud({}))


def refused(life: Lifecycle, token: str, news: Props) -> dict[str, str]:
    """Return path -> reason of everything that is wrong with `news`."""
    return {item.path: item.reason for item in life.check(token, "it", {}, news, SEED)[1]}


@pytest.mark.parametrize(
    ("token", "news"),
    [(INDEX, AN_INDEX), (PIPELINE, A_PIPELINE), (METRIC, A_METRIC), (RULE, A_RULE), (ACCOUNT, AN_ACCOUNT)],
)
def test_what_the_api_takes_is_taken(life: Lifecycle, token: str, news: Props) -> None:
    assert refused(life, token, news) == {}


@pytest.mark.parametrize(
    ("token", "news", "path", "said"),
    [
        (INDEX, {**AN_INDEX, "filters": [{"query": "a:b\nc:d"}]}, "filters[0].query", "one line"),
        (
            PIPELINE,
            {**A_PIPELINE, "processors": [{"pipeline": {"name": "n", "filters": [{"query": "a\n"}]}}]},
            "processors[0].pipeline.filters[0].query",
            "one line",
        ),
        (RESTRICTION, {"restrictionQuery": "a:b\nOR c:d"}, "restrictionQuery", "one line"),
        (INDEX, {**AN_INDEX, "name": "Prod_Audit"}, "name", "lower-case letters"),
        (
            INDEX,
            {**AN_INDEX, "dailyLimitWarningThresholdPercentage": 40.5},
            "dailyLimitWarningThresholdPercentage",
            "50",
        ),
        (METRIC, {**A_METRIC, "compute": {"aggregationType": "sum"}}, "compute.aggregationType", "count, distribution"),
        (METRIC, {**A_METRIC, "compute": {"aggregationType": "distribution"}}, "compute.path", "is required"),
        (RULE, {**A_RULE, "pattern": "(?<=a)b"}, "pattern", "look-around"),
        (RULE, {**A_RULE, "pattern": "(?P<keep>a)b"}, "pattern", "named groups"),
        (RULE, {**A_RULE, "pattern": "a*"}, "pattern", "empty text"),
        (RULE, {**A_RULE, "standardPatternId": "p"}, "pattern", "exactly one"),
        (RULE, {**A_RULE, "priority": 6}, "priority", "1 to 5"),
        (RULE, {**A_RULE, "textReplacement": {"type": "blur"}}, "textReplacement.type", "replacement_string"),
        (
            GROUP,
            {"name": "g", "filter": {"query": "*"}, "isEnabled": True, "productLists": ["logs", "mails"]},
            "productLists[1]",
            "rum",
        ),
        (
            ARCHIVE,
            {"name": "a", "query": "*", "s3Archive": {"bucket": "b", "storageClass": "DEEP_ARCHIVE"}},
            "s3Archive.storageClass",
            "GLACIER_IR",
        ),
        (
            PIPELINE,
            {
                **A_PIPELINE,
                "processors": [
                    {
                        "attributeRemapper": {
                            "sources": ["a"],
                            "sourceType": "attribute",
                            "target": "b",
                            "targetType": "column",
                        }
                    }
                ],
            },
            "processors[0].attributeRemapper.targetType",
            "attribute, tag",
        ),
    ],
)
def test_what_the_api_refuses_is_refused_by_path(
    life: Lifecycle, token: str, news: Props, path: str, said: str
) -> None:
    found = refused(life, token, news)
    assert set(found) == {path}
    assert said in found[path]


def test_a_pipeline_holds_no_third_level_and_a_parser_no_sixth_sample(life: Lifecycle) -> None:
    inner: dict[str, Any] = {"pipeline": {"name": "c", "filters": [{"query": "*"}]}}
    outer = {"pipeline": {"name": "b", "filters": [{"query": "*"}], "processors": [inner]}}
    assert "is not a property here" in str(refused(life, PIPELINE, {**A_PIPELINE, "processors": [outer]}))
    grok = {"grokParser": {"grok": {"matchRules": "a b", "supportRules": ""}, "source": "m", "samples": list("abcdef")}}
    assert "at most 5" in str(refused(life, PIPELINE, {**A_PIPELINE, "processors": [grok]}))


def test_a_deleted_indexs_name_can_never_be_used_again_by_anybody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ORGANISATION_VARIABLE, str(tmp_path / "organisation.json"))
    first = Lifecycle(DATADOG, datadog_cloud({}))
    identifier, state = first.create(INDEX, AN_INDEX, preview=False)
    with pytest.raises(ProviderError, match="409: the index 'prod-audit' exists already; import it"):
        first.create(INDEX, AN_INDEX, preview=False)
    first.delete(INDEX, identifier, state)
    later = Lifecycle(DATADOG, datadog_cloud({}))
    with pytest.raises(ProviderError, match="400: the index 'prod-audit' was deleted, and its name can never be used"):
        later.create(INDEX, AN_INDEX, preview=False)
    later.create(INDEX, {**AN_INDEX, "name": "prod-audit-2"}, preview=False)


def test_a_preview_takes_no_name(life: Lifecycle) -> None:
    life.create(INDEX, AN_INDEX, preview=True)
    life.create(INDEX, AN_INDEX, preview=False)


def test_a_metrics_name_is_free_again_and_an_order_exists_once(life: Lifecycle) -> None:
    identifier, state = life.create(METRIC, A_METRIC, preview=False)
    life.delete(METRIC, identifier, state)
    life.create(METRIC, A_METRIC, preview=False)
    order: Props = {"name": "one", "indexes": ["main"]}
    identifier, state = life.create(ORDER, order, preview=False)
    with pytest.raises(ProviderError, match="409: the order of 'indexes' exists already; leave it to the stack"):
        life.create(ORDER, {**order, "name": "another"}, preview=False)
    life.delete(ORDER, identifier, state)
    life.create(ORDER, order, preview=False)


def test_an_account_gets_an_external_id_that_no_preview_knows_and_that_is_no_difference(life: Lifecycle) -> None:
    _, before = life.create(ACCOUNT, AN_ACCOUNT, preview=True)
    assert before["authConfig"] is UNKNOWN
    _, state = life.create(ACCOUNT, AN_ACCOUNT, preview=False)
    assert len(state["authConfig"]["awsAuthConfigRole"]["externalId"]) == 32
    assert life.diff(ACCOUNT, AN_ACCOUNT, state, AN_ACCOUNT).changed == ()
    other: Props = {**AN_ACCOUNT, "authConfig": {"awsAuthConfigRole": {"roleName": "another"}}}
    assert life.diff(ACCOUNT, AN_ACCOUNT, state, other).changed == ("authConfig",)


def test_a_name_comes_back_without_the_spaces_around_it_which_then_differ_for_ever(life: Lifecycle) -> None:
    padded: Props = {**A_PIPELINE, "name": " django "}
    _, state = life.create(PIPELINE, padded, preview=False)
    assert state["name"] == "django"
    assert life.diff(PIPELINE, padded, state, padded).changed == ("name",)
    assert life.diff(PIPELINE, A_PIPELINE, state, A_PIPELINE).changed == ()
