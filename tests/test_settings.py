"""A stack's settings say what is wrong with them, and never repeat a value that could be a secret."""

import json
from typing import Any

import pytest

from infra.model import Environment
from infra.policy.destinations import Destination
from infra.problems import InputError
from infra.stack_config import load_settings
from tests.factories import STACKS, context, policy, settings, stack_values


def refusal(stack: str = "prod", environ: dict[str, str] | None = None, **changes: Any) -> str:
    """Return what is said when `stack` is loaded with values changed; a double underscore goes one level down."""
    values: dict[str, Any] = {key: _json(value) for key, value in stack_values(stack).items()}
    for path, value in changes.items():
        *parents, last = path.split("__")
        place = values
        for part in parents:
            place = place.setdefault(part, {})
        if value is KeyError:
            del place[last]
        else:
            place[last] = value
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}
    with pytest.raises(InputError) as caught:
        load_settings(stack, texts, policy(), environ or {})
    return str(caught.value)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


@pytest.mark.parametrize("stack", STACKS)
def test_every_stack_of_the_repository_is_valid(stack: str) -> None:
    assert settings(stack).environment == Environment(stack)


def test_destinations_are_a_comma_list() -> None:
    assert settings("staging").destinations == (Destination.CLOUDWATCH, Destination.DATADOG)


def test_log_destination_means_the_same_as_the_key() -> None:
    values = {key: value for key, value in stack_values("dev").items() if key != "destinations"}
    read = load_settings("dev", values, policy(), {"LOG_DESTINATION": "Datadog, cloudwatch"})
    assert read.destinations == (Destination.DATADOG, Destination.CLOUDWATCH)


def test_log_destination_must_agree_with_the_key() -> None:
    said = refusal(environ={"LOG_DESTINATION": "newrelic"})
    assert "tinybeans-logging:destinations: differs from the environment variable LOG_DESTINATION" in said


@pytest.mark.parametrize("given", ["", " , "])
def test_an_empty_log_destination_is_refused_with_the_known_ones(given: str) -> None:
    said = refusal(environ={"LOG_DESTINATION": given})
    assert "no destination is named" in said
    assert all(str(name) in said for name in Destination)


def test_an_unknown_log_destination_is_refused_with_the_known_ones() -> None:
    values = {key: value for key, value in stack_values("dev").items() if key != "destinations"}
    with pytest.raises(InputError) as refused:
        load_settings("dev", values, policy(), {"LOG_DESTINATION": "splunk"})
    assert all(str(name) in str(refused.value) for name in Destination)


SAID: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown key": ({"collectors": {}}, "Pulumi.prod.yaml: tinybeans-logging.collectors: unknown key"),
    "an unknown nested key": ({"collector__size": 3}, "tinybeans-logging.collector.size: unknown key"),
    "a missing section": ({"network": KeyError}, "tinybeans-logging.network: required key is missing"),
    "an unknown destination": (
        {"destinations": "cloudwatch,splunk"},
        "tinybeans-logging.destinations.1: not one of the known values. Allowed: 'local', 'cloudwatch', 'datadog', 'elastic'",
    ),
    "no destination": (
        {"destinations": " , "},
        "no destination is named. Allowed: one or more of local, cloudwatch, datadog, elastic, newrelic, loggly",
    ),
    "fewer tasks than policy": (
        {"collector__tasks__minimum": 1},
        "weaker than policy asks of prod. Allowed: at least 2",
    ),
    "one zone": ({"network__subnet_ids": ["subnet-00000000"]}, "subnets in at least 2 zones"),
    "no certificate": ({"network__certificate_arn": KeyError}, "a certificate: listeners are TLS"),
    "a short recovery window": ({"secret_recovery_days": 7}, "secret_recovery_days: weaker than policy"),
    "unrecorded reads": ({"audit_reads": False}, "audit_reads: weaker than policy asks of prod. Allowed: true"),
    "a short queue": ({"collector__queue__outage_hours": 1}, "outage_hours: weaker than policy"),
    "an unflushed queue": ({"collector__queue__fsync": False}, "fsync: weaker than policy"),
    "queues larger than their volume": (
        {"collector__queue__volume_gib": 10},
        "full queues and spills of 3 sinks do not fit the volume",
    ),
    "a collector that was not tested": (
        {"collector__image__version": "0.159.0"},
        "not the version that the tests run. Allowed: 0.158.0",
    ),
    "an image without digest": ({"collector__image__digest": "latest"}, "collector.image.digest: String should match"),
    "a Fargate size that does not exist": (
        {"collector__memory_mib": 1000},
        "not a Fargate memory size for 2048 CPU units",
    ),
    "more minimum than maximum": ({"collector__tasks__maximum": 1}, "maximum is below minimum"),
    "a reader group nobody may join": (
        {"access__readers__security": KeyError},
        "access.readers.security: nobody is named",
    ),
    "an unknown reader group": (
        {"access__readers__everyone": {"principals": ["arn:aws:iam::123456789012:role/x"]}},
        "access.readers.everyone: the policy knows no such reader group",
    ),
    "trust without anybody": ({"access__readers__security": {}}, "nobody is trusted"),
    "a wildcard principal": (
        {"access__readers__security": {"principals": ["arn:aws:iam::123456789012:role/*"]}},
        "access.readers.security.principals.0: String should match pattern",
    ),
    "a whole account as principal": (
        {"access__readers__security": {"principals": ["arn:aws:iam::123456789012:root"]}},
        "access.readers.security.principals.0: String should match pattern",
    ),
    "a deployer who reads": (
        {"access__readers__security": {"principals": ["arn:aws:iam::123456789012:role/tinybeans-logging-deploy"]}},
        "is among both deployers and readers",
    ),
    "a deployer who administers keys": (
        {"access__key_administrators": ["arn:aws:iam::123456789012:role/tinybeans-logging-deploy"]},
        "is among both deployers and key_administrators",
    ),
    "SaaS without a route": ({"network__saas_egress": False}, "no route leads to datadog"),
    "no route and no endpoints": (
        {"network__saas_egress": False, "destinations": "cloudwatch"},
        "network.vpc_endpoints: without egress the collector reaches AWS only through endpoints",
    ),
    "no route to the image": (
        {
            "network__saas_egress": False,
            "network__vpc_endpoints": {"route_table_ids": ["rtb-1"]},
            "destinations": "cloudwatch",
        },
        "collector.image.repository: without egress the image cannot be pulled from here",
    ),
    "local in production": ({"destinations": "local", "endpoints": {"loki": "http://x"}}, "local is for laptops"),
    "elastic without an endpoint": ({"destinations": "elastic"}, "the destination elastic needs its endpoint"),
    "adoption for an unknown class": (
        {"adopt__buckets": {"logs": "x"}},
        "adopt.buckets.logs: the policy knows no such class",
    ),
    "a copy in the same region": ({"replica__region": "us-east-1"}, "a copy in the same region survives nothing"),
    "a teardown of another environment": ({"teardown_confirmed": "dev"}, "names another environment than this stack's"),
}


@pytest.mark.parametrize("case", SAID)
def test_settings_refuse(case: str) -> None:
    changes, said = SAID[case]
    message = refusal(**changes)
    assert "Pulumi.prod.yaml: " in message
    assert said in message


@pytest.mark.parametrize(
    "place", ["collector__api_key", "network__vpc_id", "datadog_site", "aws__region", "credentials_from"]
)
def test_a_secret_pasted_into_the_wrong_key_is_not_repeated(place: str) -> None:
    assert "hunter22-do-not-print" not in refusal("prod", None, **{place: ["hunter22-do-not-print"]})


def test_the_floor_of_an_environment_does_not_bind_another() -> None:
    assert settings("dev").collector.tasks.minimum == 1


def test_a_confirmed_teardown_lifts_the_protection() -> None:
    assert context("prod").protect
    assert not context("prod", teardown_confirmed="prod").protect


def test_names_longer_than_a_limit_stay_unique_and_fit() -> None:
    names = {context("prod").name("a" * 70, end, max_length=64) for end in "bc"}
    assert len(names) == 2
    assert {len(name) for name in names} == {64}


@pytest.mark.parametrize("stack", STACKS)
def test_bucket_names_fit_and_name_account_and_region(stack: str) -> None:
    here = context(stack)
    for cls in here.policy.data_classes.classes:
        name = here.archive_bucket(cls)
        assert len(name) <= 63
        assert name.endswith(f"{here.account_id}-{here.region}")
