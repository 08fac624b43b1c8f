"""Datadog's own documents as arguments of its provider: nothing is lost, and nothing that it does not have gets by."""

import functools
import importlib
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from infra.documents.datadog import archive, indexes, metrics, pipelines, readers, scanner
from sandbox.providers.inputs import check_inputs
from tests.factories import context

Body = Mapping[str, Any]


def arguments(body: Body, wanted: str) -> dict[str, Any]:
    """Return `body` as arguments of the SDK's class `wanted`; the SDK takes seconds to import, so only a test does."""
    from infra.components.datadog.arguments import arguments as converted  # noqa: PLC0415

    module, _, name = f"pulumi_datadog.{wanted}".rpartition(".")
    return converted(body, getattr(importlib.import_module(module), name))


def camel(value: Any) -> Any:
    """Return arguments as they travel: names as the provider spells them."""
    if isinstance(value, dict):
        return {
            "".join([first, *(part.capitalize() for part in rest)]): camel(item)
            for key, item in value.items()
            for first, *rest in [key.split("_")]
        }
    return [camel(item) for item in value] if isinstance(value, list) else value


def leaves(value: Any) -> list[Any]:
    """Return everything below `value` that is neither object nor list, in order of its text."""
    if isinstance(value, dict):
        return sorted((leaf for item in value.values() for leaf in leaves(item)), key=repr)
    if isinstance(value, list):
        return sorted((leaf for item in value for leaf in leaves(item)), key=repr)
    return [value]


BODIES: dict[str, Callable[[], Body]] = {
    "logsCustomPipeline:LogsCustomPipeline": lambda: pipelines.pipelines(context("prod"))["celery"],
    "logsIndex:LogsIndex": lambda: indexes.indexes(context("prod"))["access"],
    "logsMetric:LogsMetric": lambda: metrics.metrics(context("prod"))["http.requests"],
    "logsArchive:LogsArchive": lambda: archive.archives(context("prod"))["audit"],
    "sensitiveDataScannerGroup:SensitiveDataScannerGroup": lambda: scanner.group(context("prod")),
    "sensitiveDataScannerRule:SensitiveDataScannerRule": lambda: scanner.rules(context("prod"), "")["email"],
    "role:Role": lambda: readers.roles(context("prod"))["security"],
    "logsRestrictionQuery:LogsRestrictionQuery": lambda: readers.restrictions(context("prod"))["security"],
}
"""Type to one of its documents."""
every = pytest.mark.parametrize("token", BODIES)


@functools.cache
def given(token: str) -> dict[str, Any]:
    return arguments(BODIES[token](), f"{token.split(':')[1]}Args")


@every
def test_the_provider_takes_what_the_document_says(token: str) -> None:
    missing = {"groupId"}  # another resource's output, given beside
    found = check_inputs("pulumi_datadog", f"datadog:index/{token}", camel(given(token)))
    assert [problem for problem in found if problem.path not in missing] == []


@every
def test_no_value_of_the_document_is_lost(token: str) -> None:
    body = BODIES[token]()
    data = body.get("data", {})
    content = {**data.get("attributes", {}), **({"id": data["id"]} if "id" in data else {})} if data else body
    told_apart = {"s3"} | {item["type"] for item in tagged(content)}
    kept = [leaf for leaf in leaves(content) if leaf not in told_apart]
    assert len(kept) > 0
    assert [leaf for leaf in leaves(given(token)) if leaf not in told_apart] == kept


def tagged(value: Any) -> list[dict[str, Any]]:
    """Return the processors below `value`: their `type` becomes the name of a block."""
    if isinstance(value, list):
        return [found for item in value for found in tagged(item)]
    if not isinstance(value, dict):
        return []
    own = str(value.get("type", "")).endswith(("-remapper", "-parser", "-processor", "pipeline"))
    return [*([value] if own else []), *(found for item in value.values() for found in tagged(item))]


def test_an_aws_account_is_written_in_the_providers_blocks() -> None:
    here = context("prod")
    account = arguments(archive.integration(here), "aws.IntegrationAccountArgs")
    assert account["auth_config"] == {"aws_auth_config_role": {"role_name": archive.role_name(here)}}
    assert account["aws_regions"] == {"include_onlies": ["us-east-1"]}
    assert check_inputs("pulumi_datadog", "datadog:aws/integrationAccount:IntegrationAccount", camel(account)) == []


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"name": "a", "retention": 3}, "LogsIndexArgs has no property for retention"),
        ({"name": "a", "filter": {"question": "*"}}, "LogsIndexFilterArgs has no property for question"),
        ({"name": "a", "limits": {"daily": 3}}, "LogsIndexArgs has no property for limits.daily"),
    ],
)
def test_a_property_that_the_provider_does_not_have_is_an_error(body: dict[str, Any], said: str) -> None:
    with pytest.raises(TypeError, match=said):
        arguments(body, "LogsIndexArgs")
