"""How applications reach the collectors, and where the collectors connect to."""

import dataclasses

import pytest
import yaml

from infra.components.collector_network import CollectorNetwork
from infra.documents.egress import open_ports
from infra.documents.listeners import listener_specs, ports
from infra.documents.network_limits import CLIENTS_LEAVE_SECONDS, NLB_IDLE_SECONDS, STOP_TIMEOUT_SECONDS
from infra.policy.destinations import Destination
from infra.settings import Listen
from tests.collector_stack import build, collector, varied
from tests.engine import Deployment, deploy
from tests.factories import ROOT, STACKS, context, in_stack

BALANCER, TARGET, LISTENER = (
    "aws:lb/loadBalancer:LoadBalancer",
    "aws:lb/targetGroup:TargetGroup",
    "aws:lb/listener:Listener",
)
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
TASKS, FRONT = "collector-tasks-group-id", "collector-balancer-group-id"


def ingress(deployment: Deployment, group: str) -> set[tuple[str, int]]:
    """Return who may connect to `group` on which port."""
    return {
        (rule["referencedSecurityGroupId"], rule["fromPort"])
        for rule in deployment.all(INGRESS)
        if rule["securityGroupId"] == group
    }


@pytest.mark.parametrize("stack", STACKS)
def test_the_load_balancer_is_internal_and_serves_all_zones(stack: str) -> None:
    balancer = collector(stack).one(BALANCER)
    assert balancer["internal"] is True
    assert balancer["loadBalancerType"] == "network"
    assert balancer["subnets"] == list(context(stack).settings.network.subnet_ids)
    assert balancer["enableCrossZoneLoadBalancing"] is True
    assert balancer["enableDeletionProtection"] is context(stack).protect
    assert balancer["enforceSecurityGroupInboundRulesOnPrivateLinkTraffic"] == "on"


def test_applications_reach_the_load_balancer_and_only_it_reaches_the_tasks() -> None:
    client = context().settings.network.client_security_group_ids[0]
    assert ingress(collector(), FRONT) == {(client, 4317), (client, 4318)}
    assert ingress(collector(), TASKS) == {(FRONT, 4317), (FRONT, 4318), (FRONT, 13133)}
    assert collector().one(BALANCER)["securityGroups"] == [FRONT]


def test_the_load_balancer_reaches_nothing_but_the_tasks() -> None:
    rules = [rule for rule in collector().all(EGRESS) if rule["securityGroupId"] == FRONT]
    assert {(rule["referencedSecurityGroupId"], rule["fromPort"]) for rule in rules} == {
        (TASKS, 4317),
        (TASKS, 4318),
        (TASKS, 13133),
    }


def test_who_may_connect_is_said_by_security_group_and_one_port_at_a_time() -> None:
    for rule in collector().all(INGRESS):
        assert not {"cidrIpv4", "cidrIpv6"} & rule.inputs.keys()
        assert rule["fromPort"] == rule["toPort"]
        assert rule["ipProtocol"] == "tcp"


def test_each_client_group_is_admitted_once() -> None:
    groups = ["sg-0a1b2c3d4e5f60020", "sg-0a1b2c3d4e5f60010", "sg-0a1b2c3d4e5f60020"]
    stack = varied("prod", network={"client_security_group_ids": groups})
    found = deploy(lambda: CollectorNetwork("collector", context=stack, opts=in_stack()))
    assert ingress(found, FRONT) == {(group, port) for group in groups for port in (4317, 4318)}
    assert len([rule for rule in found.all(INGRESS) if rule["securityGroupId"] == FRONT]) == 4


@pytest.mark.parametrize("stack", ["dev", "staging", "prod"])
def test_listeners_are_tls_and_agree_on_the_protocol(stack: str) -> None:
    expected = {4317: "HTTP2Only", 4318: "HTTP1Only"}
    for listener in collector(stack).all(LISTENER):
        assert listener["protocol"] == "TLS"
        assert listener["certificateArn"] == context(stack).settings.network.certificate_arn
        assert listener["sslPolicy"] == "ELBSecurityPolicy-TLS13-1-2-Res-2021-06"
        assert listener["alpnPolicy"] == expected.pop(listener["port"])
    assert expected == {}


def test_without_a_certificate_listeners_are_plain() -> None:
    listeners = collector("sandbox").all(LISTENER)
    assert {listener["port"]: listener["protocol"] for listener in listeners} == {4317: "TCP", 4318: "TCP"}
    assert not [
        key for listener in listeners for key in listener.inputs if key in ("certificateArn", "sslPolicy", "alpnPolicy")
    ]


@pytest.mark.parametrize("stack", STACKS)
def test_it_is_the_certificate_and_nothing_else_that_makes_listeners_tls(stack: str) -> None:
    network = context(stack).settings.network
    for certificate, protocol in (("arn:aws:acm:us-east-1:1:certificate/x", "TLS"), (None, "TCP")):
        specs = listener_specs(network.model_copy(update={"certificate_arn": certificate}), Listen())
        assert [spec.protocol for spec in specs] == [protocol, protocol]


def test_the_hop_behind_a_tls_listener_is_plain_and_says_so() -> None:
    prod = context().settings
    assert {spec.target_protocol for spec in listener_specs(prod.network, prod.collector.listen)} == {"TCP"}
    assert {target["protocol"] for target in collector().all(TARGET)} == {"TCP"}


@pytest.mark.parametrize("stack", STACKS)
def test_the_collectors_own_health_endpoint_decides_who_gets_records(stack: str) -> None:
    targets = collector(stack).all(TARGET)
    assert sorted(target["port"] for target in targets) == [4317, 4318]
    for target in targets:
        check = target["healthCheck"]
        assert (check["protocol"], check["port"], check["path"], check["matcher"]) == ("HTTP", "13133", "/", "200")
        assert target["targetType"] == "ip"
        assert target["preserveClientIp"] == "false"


@pytest.mark.parametrize("stack", STACKS)
def test_a_task_that_stops_is_left_alone_until_its_clients_are_gone_and_its_last_object_is_archived(stack: str) -> None:
    here = context(stack)
    waits = here.policy.data_classes.archive_objects.wait_seconds.at(here.settings.environment)
    for target in collector(stack).all(TARGET):
        assert CLIENTS_LEAVE_SECONDS + waits <= int(target["deregistrationDelay"]) <= 3600
        assert target["connectionTermination"] is True
    assert CLIENTS_LEAVE_SECONDS < STOP_TIMEOUT_SECONDS < NLB_IDLE_SECONDS == 350


def test_receivers_keep_connections_alive_and_let_go_of_them_before_the_load_balancer_does() -> None:
    base = yaml.safe_load((ROOT / "collector_configs" / "base.yaml").read_text())
    protocols = base["receivers"]["otlp"]["protocols"]
    parameters = protocols["grpc"]["keepalive"]["server_parameters"]

    def seconds(key: str) -> int:
        return int(str(parameters[key]).removesuffix("s"))

    assert seconds("time") + seconds("timeout") < NLB_IDLE_SECONDS
    assert seconds("max_connection_age") + seconds("max_connection_age_grace") < CLIENTS_LEAVE_SECONDS
    assert int(protocols["http"]["idle_timeout"].removesuffix("s")) < NLB_IDLE_SECONDS


def test_each_listener_sends_to_the_target_group_of_its_own_port() -> None:
    sent = {
        listener["port"]: action["targetGroupArn"].rsplit(":", 1)[-1]
        for listener in collector().all(LISTENER)
        for action in listener["defaultActions"]
    }
    assert sent == {4317: "collector-grpc-target", 4318: "collector-http-target"}


@pytest.mark.parametrize(
    ("stack", "grpc", "http"),
    [
        ("prod", "https://otel.prod.tinybeans.internal:4317", "https://otel.prod.tinybeans.internal:4318"),
        ("sandbox", "http://collector-balancer.elb.invalid:4317", "http://collector-balancer.elb.invalid:4318"),
    ],
)
def test_applications_are_told_the_name_on_the_certificate_or_the_load_balancers_own(
    stack: str, grpc: str, http: str
) -> None:
    told: list[str] = []

    def program() -> None:
        made = build(context(stack))
        made.endpoint_grpc.apply(told.append)
        made.endpoint_http.apply(told.append)

    deploy(program)
    assert sorted(told) == [grpc, http]


def test_names_leave_room_for_what_pulumi_adds() -> None:
    # Elastic Load Balancing takes 32 characters; Pulumi adds eight.
    for kind in (BALANCER, TARGET):
        assert all(len(item.name) <= 24 for item in collector().all(kind))


def test_an_address_that_the_collector_resolves_has_the_standard_port() -> None:
    assert dataclasses.astuple(ports(Listen(grpc="${env:A}", http="[::]:44318"))) == (4317, 44318, 13133)


@pytest.mark.parametrize("stack", STACKS)
def test_collectors_connect_outward_by_https_only(stack: str) -> None:
    rules = [rule for rule in collector(stack).all(EGRESS) if rule["securityGroupId"] == TASKS]
    assert [(rule["cidrIpv4"], rule["fromPort"], rule["toPort"], rule["ipProtocol"]) for rule in rules] == [
        ("0.0.0.0/0", 443, 443, "tcp")
    ]


def test_syslog_over_tls_is_open_where_loggly_is_a_destination() -> None:
    network = context().settings.network
    assert [rule.port for rule in open_ports(network, (Destination.LOGGLY,))] == [443, 6514]
    closed = network.model_copy(update={"saas_egress": False})
    assert open_ports(closed, (Destination.LOGGLY,)) == ()


RECEIVERS = {
    "fluent": {},
    "browser": {
        "origins": ["https://app.example.test"],
        "services": ["frontend"],
        "proxy_security_group_ids": ["sg-0a1b2c3d4e5f60099"],
    },
}


def test_web_pages_come_by_their_proxies_alone_and_firelens_from_the_applications() -> None:
    stack = context("prod", receivers=RECEIVERS)
    client = stack.settings.network.client_security_group_ids[0]
    found = deploy(lambda: CollectorNetwork("collector", context=stack, opts=in_stack()))
    assert ingress(found, FRONT) == {(client, 4317), (client, 4318), (client, 24224), ("sg-0a1b2c3d4e5f60099", 4319)}
    assert ingress(found, TASKS) == {(FRONT, port) for port in (4317, 4318, 24224, 4319, 13133)}


def test_every_way_in_has_a_tls_listener() -> None:
    stack = context("prod", receivers=RECEIVERS).settings
    specs = listener_specs(stack.network, stack.collector.listen, stack.receivers)
    assert {(spec.name, spec.port, spec.protocol, spec.alpn_policy) for spec in specs} == {
        ("grpc", 4317, "TLS", "HTTP2Only"),
        ("http", 4318, "TLS", "HTTP1Only"),
        ("fluent", 24224, "TLS", None),
        ("browser", 4319, "TLS", "HTTP1Only"),
    }


def test_a_certificate_of_the_collectors_own_secures_the_hop_behind_the_listener() -> None:
    tls = {"certificate": "${env:OTLP_CERTIFICATE}", "key": "${env:OTLP_KEY}"}
    stack = context("prod", receivers={**RECEIVERS, "tls": tls}).settings
    specs = listener_specs(stack.network, stack.collector.listen, stack.receivers)
    assert {spec.name: spec.target_protocol for spec in specs} == {
        "grpc": "TLS",
        "http": "TLS",
        "fluent": "TCP",
        "browser": "TLS",
    }
