"""Schedules and images: recorded. Functions: in moto, which runs what was deployed when somebody calls it; nobody does
by the clock.

`replace_on` follows terraform-provider-aws, internal/service/scheduler, lambda and ecr.
"""

from __future__ import annotations

from sandbox.providers.aws_types.rows import arn, keys
from sandbox.providers.realise import functions
from sandbox.providers.rules import between
from sandbox.providers.table import Api, Row, table

_FUNCTION = arn("lambda", "function:{name}")
_INVOKE = "arn:{partition}:apigateway:{region}:lambda:path/2015-03-31/functions/" + _FUNCTION

ROWS = table(
    Row(
        "aws:scheduler/schedule:Schedule",
        id=lambda inputs, _: f"{inputs['groupName']}/{inputs['name']}",
        outputs={"arn": arn("scheduler", "schedule/{groupName}/{name}")},
        replace_on=keys("groupName", "name", "namePrefix"),
        defaults={"groupName": "default", "scheduleExpressionTimezone": "UTC", "state": "ENABLED"},
        api=Api(service="scheduler", operation="CreateSchedule"),
        cfn="AWS::Scheduler::Schedule",
    ),
    Row(
        "aws:scheduler/scheduleGroup:ScheduleGroup",
        outputs={
            "arn": arn("scheduler", "schedule-group/{name}"),
            "creationDate": "2026-01-01T00:00:00Z",
            "lastModificationDate": "2026-01-01T00:00:00Z",
            "state": "ACTIVE",
        },
        replace_on=keys("name", "namePrefix"),
        api=Api(service="scheduler", operation="CreateScheduleGroup"),
    ),
    Row(
        "aws:lambda/function:Function",
        moto=functions.FUNCTION,
        outputs={
            "arn": _FUNCTION,
            "invokeArn": f"{_INVOKE}/invocations",
            "lastModified": "2026-01-01T00:00:00.000+0000",
            "qualifiedArn": f"{_FUNCTION}:$LATEST",
            "qualifiedInvokeArn": f"{_INVOKE}:$LATEST/invocations",
            "responseStreamingInvokeArn": f"{_INVOKE}/response-streaming-invocations",
            "signingJobArn": "",
            "signingProfileVersionArn": "",
            "version": "$LATEST",
        },
        replace_on=keys("name", "packageType"),
        defaults={
            "memorySize": 128,
            "packageType": "Zip",
            "publish": False,
            "reservedConcurrentExecutions": -1,
            "timeout": 3,
        },
        api=Api(service="lambda", operation="CreateFunction", rename={"name": "FunctionName"}),
        permits={"reservedConcurrentExecutions": (-1,)},
        rules=(between("timeout", 1, 900), between("memorySize", 128, 10240)),
    ),
    Row(
        "aws:lambda/permission:Permission",
        id="{statementId}",
        name="statementId",
        replace_on=keys(
            "action",
            "eventSourceToken",
            "function",
            "principal",
            "qualifier",
            "sourceAccount",
            "sourceArn",
            "statementId",
        ),
        api=Api(service="lambda", operation="AddPermission"),
    ),
    Row(
        "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig",
        id="{functionName}",
        name=None,
        replace_on=keys("functionName", "qualifier"),
        defaults={"maximumRetryAttempts": 2},
        api=Api(service="lambda", operation="PutFunctionEventInvokeConfig"),
    ),
    Row(
        "aws:ecr/repository:Repository",
        outputs={
            "arn": arn("ecr", "repository/{name}"),
            "registryId": "{account}",
            "repositoryUrl": "{account}.dkr.ecr.{region}.amazonaws.com/{name}",
        },
        replace_on=keys("name", "encryptionConfigurations"),
        defaults={"imageTagMutability": "MUTABLE"},
        api=Api(service="ecr", operation="CreateRepository", rename={"name": "repositoryName"}),
    ),
    Row(
        "aws:ecr/lifecyclePolicy:LifecyclePolicy",
        id="{repository}",
        name=None,
        outputs={"registryId": "{account}"},
        replace_on=keys("repository"),
    ),
    Row(
        "aws:ecr/pullThroughCacheRule:PullThroughCacheRule",
        id="{ecrRepositoryPrefix}",
        name=None,
        outputs={"registryId": "{account}"},
        replace_on=keys("ecrRepositoryPrefix", "upstreamRegistryUrl", "customRoleArn"),
        api=Api(service="ecr", operation="CreatePullThroughCacheRule"),
    ),
)
