"""A stack without a way out: it reaches AWS through endpoints, and the endpoints let through only what it is for."""

import functools
import json
from typing import Any

import pytest

from infra.documents.endpoint_policy import gateway_policy, interface_policy, interface_services
from infra.problems import InputError
from tests.collector_stack import LOCKED_DOWN, build, collector, locked_down, varied
from tests.engine import Deployment, deploy
from tests.factories import context, stack_values
from tests.policy_evaluator import Decision, Request, decide

ENDPOINT = "aws:ec2/vpcEndpoint:VpcEndpoint"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
IAM = "arn:aws:iam:us-east-1:123456789012"
TASK, EXECUTION, STRANGER = f"{IAM}:collector-task-role", f"{IAM}:collector-execution-role", f"{IAM}:other"
LOGS = "arn:aws:logs:us-east-1:123456789012:log-group:/tinybeans/prod"
AUDIT = "arn:aws:s3:::tinybeans-prod-logs-audit-123456789012-us-east-1"
SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:tinybeans/prod/redaction-pepper-a1B2c3"
IMAGE = "arn:aws:ecr:us-east-1:210987654321:repository/mirror/collector"


@functools.cache
def stack(*, preview: bool = False) -> Deployment:
    return deploy(lambda: build(locked_down()), preview=preview)


def endpoints(*, preview: bool = False) -> dict[str, Any]:
    return {
        item["serviceName"].removeprefix("com.amazonaws.us-east-1."): item
        for item in stack(preview=preview).all(ENDPOINT)
    }


def through(service: str, who: str, action: str, resource: str, **keys: str) -> bool:
    request = Request(who, action, resource, {name.replace("__", ":"): value for name, value in keys.items()})
    return decide(request, endpoints()[service].document("policy")) is Decision.ALLOWED


@pytest.mark.parametrize("preview", [True, False])
def test_there_is_an_endpoint_for_each_service_that_a_collector_needs(*, preview: bool) -> None:
    found = endpoints(preview=preview)
    assert set(found) == {"logs", "monitoring", "secretsmanager", "kms", "ecr.api", "ecr.dkr", "s3"}
    network = context().settings.network
    for service, item in found.items():
        assert item["vpcId"] == network.vpc_id
        if service == "s3":
            assert item["vpcEndpointType"] == "Gateway"
            assert item["routeTableIds"] == LOCKED_DOWN["vpc_endpoints"]["route_table_ids"]  # type: ignore[index]
        else:
            assert item["vpcEndpointType"] == "Interface"
            assert item["privateDnsEnabled"] is True
            assert item["subnetIds"] == list(network.subnet_ids)
            assert item["securityGroupIds"] == ["collector-endpoints-group-id"]


def test_collectors_reach_the_endpoints_and_nothing_else() -> None:
    rules = [rule for rule in stack().all(EGRESS) if rule["securityGroupId"] == "collector-tasks-group-id"]
    where = [(rule.inputs.get("referencedSecurityGroupId"), rule.inputs.get("prefixListId")) for rule in rules]
    assert sorted(where, key=str) == [
        ("collector-endpoints-group-id", None),
        (None, "collector-endpoints-s3-endpoint-prefix-list"),
    ]
    assert not [rule for rule in stack().all(EGRESS) if {"cidrIpv4", "cidrIpv6"} & rule.inputs.keys()]
    assert {rule["fromPort"] for rule in rules} == {rule["toPort"] for rule in rules} == {443}


def test_only_collectors_reach_the_endpoints() -> None:
    rules = [rule for rule in stack().all(INGRESS) if rule["securityGroupId"] == "collector-endpoints-group-id"]
    assert [(rule["referencedSecurityGroupId"], rule["fromPort"]) for rule in rules] == [
        ("collector-tasks-group-id", 443)
    ]


def test_a_stack_with_a_way_out_needs_no_endpoint() -> None:
    assert collector().all(ENDPOINT) == []


def test_a_stack_may_have_endpoints_and_a_way_out() -> None:
    both = deploy(lambda: build(varied("prod", network={"vpc_endpoints": LOCKED_DOWN["vpc_endpoints"]})))
    services = {item["serviceName"].rsplit(".", 1)[-1] for item in both.all(ENDPOINT)}
    assert services == {"logs", "monitoring", "secretsmanager", "kms", "s3"}, "the image is not in ECR"
    assert [rule for rule in both.all(EGRESS) if rule.inputs.get("cidrIpv4") == "0.0.0.0/0"]


def test_a_destination_without_a_route_is_refused() -> None:
    network = {**json.loads(stack_values("prod")["network"]), **LOCKED_DOWN}
    with pytest.raises(InputError, match="no route leads to datadog"):
        context("prod", destinations="cloudwatch,datadog", network=network)


@pytest.mark.parametrize("who", [EXECUTION, STRANGER])
def test_records_pass_from_the_collector_to_its_groups_only(who: str) -> None:
    stream = f"{LOGS}/audit:log-stream:collector"
    assert through("logs", TASK, "logs:PutLogEvents", stream)
    assert not through("logs", TASK, "logs:PutLogEvents", f"{LOGS}/other:log-stream:collector")
    assert not through("logs", TASK, "logs:GetLogEvents", stream)
    assert not through("logs", who, "logs:PutLogEvents", stream)


def test_archives_pass_from_the_collector_to_its_buckets_only() -> None:
    assert through("s3", TASK, "s3:PutObject", f"{AUDIT}/otlp/x")
    assert not through("s3", TASK, "s3:PutObject", "arn:aws:s3:::somebody-elses/otlp/x")
    assert not through("s3", STRANGER, "s3:PutObject", f"{AUDIT}/otlp/x")


def test_image_layers_pass_from_the_bucket_of_the_images_region_and_are_only_read() -> None:
    layers = "arn:aws:s3:::prod-us-east-1-starport-layer-bucket/x"
    assert through("s3", STRANGER, "s3:GetObject", layers)
    assert not through("s3", STRANGER, "s3:PutObject", layers)
    assert not through("s3", STRANGER, "s3:GetObject", "arn:aws:s3:::prod-eu-west-1-starport-layer-bucket/x")


def test_without_an_image_in_ecr_no_bucket_of_aws_is_opened() -> None:
    assert gateway_policy({}, partition="aws", image_region=None)["Statement"] == []
    assert not [name for name in interface_services(image_in_ecr=False) if name.startswith("ecr.")]


@pytest.mark.parametrize("service", ["ecr.api", "ecr.dkr"])
def test_the_image_passes_from_its_one_repository(service: str) -> None:
    assert through(service, EXECUTION, "ecr:BatchGetImage", IMAGE)
    assert not through(service, EXECUTION, "ecr:BatchGetImage", IMAGE + "2")
    assert not through(service, TASK, "ecr:BatchGetImage", IMAGE)
    assert not through(service, EXECUTION, "ecr:PutImage", IMAGE)


def test_secrets_pass_to_what_starts_the_collector_only() -> None:
    assert through("secretsmanager", EXECUTION, "secretsmanager:GetSecretValue", SECRET)
    assert not through("secretsmanager", EXECUTION, "secretsmanager:GetSecretValue", SECRET + "x")
    assert not through("secretsmanager", TASK, "secretsmanager:GetSecretValue", SECRET)


def test_every_interface_endpoint_names_its_principals_and_admits_something() -> None:
    for service, item in endpoints().items():
        statements = item.document("policy")["Statement"]
        assert statements, service
        assert all(statement["Sid"] for statement in statements)
        assert not [action for statement in statements for action in statement["Action"] if action == "*"]
        if service != "s3":
            assert {statement["Principal"]["AWS"] for statement in statements} <= {TASK, EXECUTION}


def test_an_endpoint_carries_what_the_role_is_granted_with_its_conditions() -> None:
    grant = {
        "Sid": "A",
        "Effect": "Allow",
        "Action": ["kms:Decrypt"],
        "Resource": "k",
        "Condition": {"Bool": {"x": "true"}},
    }
    other = {"Sid": "B", "Effect": "Allow", "Action": "logs:PutLogEvents", "Resource": "g"}
    assert interface_policy("kms", {"role": [grant, other]})["Statement"] == [{**grant, "Principal": {"AWS": "role"}}]
    s3 = {
        "Sid": "C",
        "Effect": "Allow",
        "Action": "s3:PutObject",
        "Resource": "b",
        "Condition": {"Bool": {"x": "true"}},
    }
    assert gateway_policy({"role": [s3]}, partition="aws", image_region=None)["Statement"] == [
        {**s3, "Principal": "*", "Condition": {"Bool": {"x": "true"}, "ArnEquals": {"aws:PrincipalArn": "role"}}}
    ]
