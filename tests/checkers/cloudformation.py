"""A CloudFormation template of the registered resources, for cfn-lint, which knows AWS's own resource schemas.

Inputs become properties of the same name with a capital; where CloudFormation says it otherwise, the table does.
What it has no word for is left out by name, so that a new input is judged, or complained about, but never lost.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tests.checkers import cloudformation_bucket as bucket
from tests.checkers.cloudformation_alerts import ALERT_KINDS
from tests.checkers.cloudformation_jobs import JOB_KINDS
from tests.checkers.cloudformation_kind import Kind, Properties
from tests.checkers.cloudformation_words import capitalised, moved, tag_list
from tests.checkers.plan import is_aws
from tests.engine import Registered


def _service(properties: Properties) -> Properties:
    network, volume = properties.pop("NetworkConfiguration"), properties.pop("VolumeConfiguration")
    public = "ENABLED" if network.pop("AssignPublicIp") else "DISABLED"
    return moved(
        {
            **properties,
            "NetworkConfiguration": {"AwsvpcConfiguration": {**network, "AssignPublicIp": public}},
            "VolumeConfigurations": [volume],
        },
        "DeploymentConfiguration",
        {
            "DeploymentCircuitBreaker": "DeploymentCircuitBreaker",
            "DeploymentMaximumPercent": "MaximumPercent",
            "DeploymentMinimumHealthyPercent": "MinimumHealthyPercent",
        },
    )


def _attributes(key: str, names: Mapping[str, str]) -> Callable[[Properties], Properties]:
    """Return a function that gathers properties into the list of keys and values that load balancing takes."""

    def shaped(properties: Properties) -> Properties:
        taken = {names[name]: properties.pop(name) for name in names if name in properties}
        listed = [{"Key": name, "Value": json.dumps(value).strip('"')} for name, value in taken.items()]
        return {**properties, key: listed}

    return shaped


def _load_balancer(properties: Properties) -> Properties:
    internal = properties.pop("Internal")
    return _attributes(
        "LoadBalancerAttributes",
        {
            "EnableCrossZoneLoadBalancing": "load_balancing.cross_zone.enabled",
            "EnableDeletionProtection": "deletion_protection.enabled",
        },
    )({**properties, "Scheme": "internal" if internal else "internet-facing"})


def _target_group(properties: Properties) -> Properties:
    check = properties.pop("HealthCheck")
    health = {
        "HealthCheckEnabled": check.pop("Enabled"),
        "HealthCheckIntervalSeconds": check.pop("Interval"),
        "HealthCheckTimeoutSeconds": check.pop("Timeout"),
        "HealthyThresholdCount": check.pop("HealthyThreshold"),
        "UnhealthyThresholdCount": check.pop("UnhealthyThreshold"),
        "Matcher": {"HttpCode": check.pop("Matcher")},
        **{f"HealthCheck{name}": value for name, value in check.items()},
    }
    return _attributes(
        "TargetGroupAttributes",
        {
            "ConnectionTermination": "deregistration_delay.connection_termination.enabled",
            "DeregistrationDelay": "deregistration_delay.timeout_seconds",
            "PreserveClientIp": "preserve_client_ip.enabled",
        },
    )({**properties, **health})


def _listener(properties: Properties) -> Properties:
    certificate, alpn = properties.pop("CertificateArn", None), properties.pop("AlpnPolicy", None)
    return {
        **properties,
        **({"Certificates": [{"CertificateArn": certificate}]} if certificate else {}),
        **({"AlpnPolicy": [alpn]} if alpn else {}),
    }


def _table(properties: Properties) -> Properties:
    """Return a Glue table as CloudFormation nests it; names of a table's and a SerDe's parameters are data."""
    parameters = {key[0].lower() + key[1:]: value for key, value in properties.pop("Parameters").items()}
    serde = properties["StorageDescriptor"]["SerdeInfo"]
    if "Parameters" in serde:
        serde["Parameters"] = {key[0].lower() + key[1:]: value for key, value in serde["Parameters"].items()}
    base = properties.pop("DatabaseName")
    return {"CatalogId": OWN_ACCOUNT, "DatabaseName": base, "TableInput": {**properties, "Parameters": parameters}}


OWN_ACCOUNT = {"Ref": "AWS::AccountId"}
KINDS = {
    **ALERT_KINDS,
    **JOB_KINDS,
    "aws:appautoscaling/policy:Policy": Kind("AWS::ApplicationAutoScaling::ScalingPolicy", {"name": "PolicyName"}),
    "aws:appautoscaling/target:Target": Kind("AWS::ApplicationAutoScaling::ScalableTarget"),
    "aws:athena/namedQuery:NamedQuery": Kind(
        "AWS::Athena::NamedQuery", {"query": "QueryString", "workgroup": "WorkGroup"}
    ),
    "aws:athena/workgroup:Workgroup": Kind(
        "AWS::Athena::WorkGroup",
        {"configuration": "WorkGroupConfiguration"},
        {
            "enforceWorkgroupConfiguration": "EnforceWorkGroupConfiguration",
            "kmsKeyArn": "KmsKey",
            "publishCloudwatchMetricsEnabled": "PublishCloudWatchMetricsEnabled",
        },
        without=("forceDestroy",),
    ),
    "aws:cloudtrail/trail:Trail": Kind(
        "AWS::CloudTrail::Trail",
        {"name": "TrailName", "kmsKeyId": "KMSKeyId"},
        {"startsWiths": "StartsWith"},
        shaped=lambda properties: {**properties, "IsLogging": True},
    ),
    "aws:cloudwatch/logGroup:LogGroup": Kind(
        "AWS::Logs::LogGroup", {"name": "LogGroupName"}, without=("region", "skipDestroy")
    ),
    "aws:cloudwatch/logStream:LogStream": Kind("AWS::Logs::LogStream", {"name": "LogStreamName"}),
    "aws:cloudwatch/queryDefinition:QueryDefinition": Kind("AWS::Logs::QueryDefinition"),
    "aws:ec2/securityGroup:SecurityGroup": Kind("AWS::EC2::SecurityGroup", {"description": "GroupDescription"}),
    "aws:ec2/vpcEndpoint:VpcEndpoint": Kind(
        "AWS::EC2::VPCEndpoint", {"policy": "PolicyDocument"}, documents=("policy",)
    ),
    "aws:ecs/cluster:Cluster": Kind("AWS::ECS::Cluster", {"name": "ClusterName", "settings": "ClusterSettings"}),
    "aws:ecs/service:Service": Kind(
        "AWS::ECS::Service",
        {"enableEcsManagedTags": "EnableECSManagedTags", "name": "ServiceName"},
        {"fileSystemType": "FilesystemType", "managedEbsVolume": "ManagedEBSVolume", "sizeInGb": "SizeInGiB"},
        without=("waitForSteadyState",),
        shaped=_service,
    ),
    "aws:ecs/taskDefinition:TaskDefinition": Kind(
        "AWS::ECS::TaskDefinition",
        below={"configureAtLaunch": "ConfiguredAtLaunch"},
        documents=("containerDefinitions",),
        without=("skipDestroy",),
        shaped=lambda properties: {
            **properties,
            "ContainerDefinitions": capitalised(properties["ContainerDefinitions"], verbatim=("options",)),
        },
    ),
    "aws:glue/catalogDatabase:CatalogDatabase": Kind(
        "AWS::Glue::Database",
        without=("tags",),
        shaped=lambda properties: {"CatalogId": OWN_ACCOUNT, "DatabaseInput": properties},
    ),
    "aws:glue/catalogTable:CatalogTable": Kind("AWS::Glue::Table", below={"serDeInfo": "SerdeInfo"}, shaped=_table),
    "aws:iam/role:Role": Kind(
        "AWS::IAM::Role",
        {"name": "RoleName", "assumeRolePolicy": "AssumeRolePolicyDocument"},
        documents=("assumeRolePolicy",),
    ),
    "aws:iam/rolePolicy:RolePolicy": Kind(
        "AWS::IAM::RolePolicy",
        {"name": "PolicyName", "policy": "PolicyDocument", "role": "RoleName"},
        documents=("policy",),
        shaped=lambda properties: {"PolicyName": "named-by-pulumi", **properties},
    ),
    "aws:kms/alias:Alias": Kind("AWS::KMS::Alias", {"name": "AliasName"}, without=("region",)),
    "aws:kms/key:Key": Kind(
        "AWS::KMS::Key",
        {"customerMasterKeySpec": "KeySpec", "deletionWindowInDays": "PendingWindowInDays", "policy": "KeyPolicy"},
        documents=("policy",),
        without=("region",),
    ),
    "aws:lb/listener:Listener": Kind("AWS::ElasticLoadBalancingV2::Listener", without=("tags",), shaped=_listener),
    "aws:lb/loadBalancer:LoadBalancer": Kind(
        "AWS::ElasticLoadBalancingV2::LoadBalancer", {"loadBalancerType": "Type"}, shaped=_load_balancer
    ),
    "aws:lb/targetGroup:TargetGroup": Kind("AWS::ElasticLoadBalancingV2::TargetGroup", shaped=_target_group),
    "aws:s3/bucketPolicy:BucketPolicy": Kind(
        "AWS::S3::BucketPolicy", {"policy": "PolicyDocument"}, documents=("policy",), without=("region",)
    ),
    "aws:secretsmanager/secret:Secret": Kind("AWS::SecretsManager::Secret", without=("recoveryWindowInDays",)),
    "aws:secretsmanager/secretPolicy:SecretPolicy": Kind(
        "AWS::SecretsManager::ResourcePolicy",
        {"policy": "ResourcePolicy", "secretArn": "SecretId"},
        documents=("policy",),
    ),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": Kind(
        "AWS::EC2::SecurityGroupEgress",
        {
            "cidrIpv4": "CidrIp",
            "prefixListId": "DestinationPrefixListId",
            "referencedSecurityGroupId": "DestinationSecurityGroupId",
            "securityGroupId": "GroupId",
        },
        without=("tags",),
    ),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": Kind(
        "AWS::EC2::SecurityGroupIngress",
        {"referencedSecurityGroupId": "SourceSecurityGroupId", "securityGroupId": "GroupId"},
        without=("tags",),
    ),
}
"""Every type that cfn-lint gets to see as a resource of its own."""
UNSAID = frozenset(
    {
        # A part of its rule in CloudFormation.
        "aws:cloudwatch/eventTarget:EventTarget",
        # Documents whose shape no schema of CloudFormation describes.
        "aws:cloudwatch/logDataProtectionPolicy:LogDataProtectionPolicy",
        "aws:cloudwatch/logIndexPolicy:LogIndexPolicy",
        # CloudFormation makes buckets, no objects.
        "aws:s3/bucketObjectv2:BucketObjectv2",
        # A secret's value.
        "aws:secretsmanager/secretVersion:SecretVersion",
    }
)
"""Types that cfn-lint is not shown."""


class UnknownTypeError(Exception):
    """A type of resource stands in no table here."""


def template(resources: Sequence[Registered]) -> tuple[dict[str, Any], dict[str, Registered]]:
    """Return a template of the AWS resources among `resources`, and which of them each logical id stands for.

    Raises:
        UnknownTypeError: a type is neither translated nor known to be left out.
    """
    body: dict[str, Any] = {}
    known: dict[str, Registered] = {}
    for item in filter(is_aws, resources):
        if item.type in KINDS:
            body[_logical(item)] = {"Type": KINDS[item.type].type, "Properties": _properties(item)}
        elif item.type == bucket.BUCKET:
            body[_logical(item)] = {"Type": "AWS::S3::Bucket", "Properties": bucket.properties(item, resources)}
        elif item.type not in UNSAID and item.type not in bucket.PARTS:
            raise UnknownTypeError(f"{item.type}: add it to KINDS in tests/checkers/cloudformation.py, or to UNSAID")
        known[_logical(item)] = item
    return {"AWSTemplateFormatVersion": "2010-09-09", "Resources": body}, known


def _properties(item: Registered) -> Properties:
    kind = KINDS[item.type]
    properties = {
        kind.names.get(key, key[0].upper() + key[1:]): json.loads(value)
        if key in kind.documents
        else tag_list(value)
        if key == "tags"
        else capitalised(value, kind.below)
        for key, value in item.inputs.items()
        if key not in kind.without
    }
    return kind.shaped(properties)


def _logical(item: Registered) -> str:
    """Return a name as CloudFormation takes it: letters and digits only."""
    words = re.split(r"[^A-Za-z0-9]+", f"{item.type.rsplit(':', 1)[1]}-{item.name}")
    return "".join(word[:1].upper() + word[1:] for word in words)
