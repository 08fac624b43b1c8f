"""ECS and its scaling (ForceNew: terraform-provider-aws, internal/service/ecs and appautoscaling)."""

from __future__ import annotations

from sandbox.providers.aws_types.rows import arn, keys
from sandbox.providers.realise import ecs
from sandbox.providers.rules_ecs import containers, fargate
from sandbox.providers.table import Api, Row, table

ROWS = table(
    Row(
        "aws:ecs/cluster:Cluster",
        replace_on=keys("name"),
        moto=ecs.CLUSTER,
        api=Api(service="ecs", operation="CreateCluster", rename={"name": "clusterName"}),
        cfn="AWS::ECS::Cluster",
    ),
    Row(
        "aws:ecs/taskDefinition:TaskDefinition",
        name=None,
        # A registered revision never changes: everything but tags and the two switches makes a new one.
        replace_on=keys(
            "containerDefinitions",
            "cpu",
            "enableFaultInjection",
            "ephemeralStorage",
            "executionRoleArn",
            "family",
            "ipcMode",
            "memory",
            "networkMode",
            "pidMode",
            "placementConstraints",
            "proxyConfiguration",
            "requiresCompatibilities",
            "runtimePlatform",
            "taskRoleArn",
            "volumes",
        ),
        defaults={"skipDestroy": False, "trackLatest": False},
        moto=ecs.TASK_DEFINITION,
        api=Api(service="ecs", operation="RegisterTaskDefinition"),
        cfn="AWS::ECS::TaskDefinition",
        rules=(containers, fargate),
    ),
    Row(
        "aws:ecs/service:Service",
        outputs={"iamRole": ""},
        replace_on=keys("cluster", "iamRole", "launchType", "name", "schedulingStrategy"),
        defaults={
            "deploymentMaximumPercent": 200,
            "deploymentMinimumHealthyPercent": 100,
            "enableEcsManagedTags": False,
            "enableExecuteCommand": False,
            "schedulingStrategy": "REPLICA",
            "waitForSteadyState": False,
        },
        moto=ecs.SERVICE,
        api=Api(service="ecs", operation="CreateService", rename={"name": "serviceName"}),
    ),
    Row(
        "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders",
        id="{clusterName}",
        name=None,
        replace_on=keys("clusterName"),
        api=Api(service="ecs", operation="PutClusterCapacityProviders"),
    ),
    # moto's scaling wants a service it can look up by its own rules: recorded.
    Row(
        "aws:appautoscaling/target:Target",
        id="{resourceId}",
        name=None,
        outputs={"arn": arn("application-autoscaling", "scalable-target/{hex}")},
        replace_on=keys("resourceId", "scalableDimension", "serviceNamespace"),
        api=Api(service="application-autoscaling", operation="RegisterScalableTarget"),
    ),
    Row(
        "aws:appautoscaling/policy:Policy",
        outputs={
            "alarmArns": [],
            "arn": arn("autoscaling", "scalingPolicy:{hex}:resource/{serviceNamespace}/{resourceId}:policyName/{name}"),
        },
        replace_on=keys("name", "resourceId", "scalableDimension", "serviceNamespace"),
        defaults={"policyType": "StepScaling"},
        api=Api(service="application-autoscaling", operation="PutScalingPolicy", rename={"name": "PolicyName"}),
    ),
)
