"""Trails, budgets, catalogues and rules about the account: recorded, nothing in the sandbox bills or audits.

`replace_on` follows terraform-provider-aws, internal/service/cloudtrail, budgets, ce, glue, athena, configservice.
"""

from __future__ import annotations

from sandbox.providers.aws_types.rows import arn, global_arn, keys
from sandbox.providers.table import Api, Row, table

ROWS = table(
    Row(
        "aws:cloudtrail/trail:Trail",
        id="{arn}",
        outputs={"arn": arn("cloudtrail", "trail/{name}"), "homeRegion": "{region}", "snsTopicArn": ""},
        replace_on=keys("name"),
        defaults={
            "enableLogFileValidation": False,
            "enableLogging": True,
            "includeGlobalServiceEvents": True,
            "isMultiRegionTrail": False,
            "isOrganizationTrail": False,
        },
        api=Api(service="cloudtrail", operation="CreateTrail"),
    ),
    Row(
        "aws:cloudtrail/eventDataStore:EventDataStore",
        id="{arn}",
        outputs={"arn": arn("cloudtrail", "eventdatastore/{hex}")},
        replace_on=keys("kmsKeyId"),
        defaults={"multiRegionEnabled": True, "retentionPeriod": 2555, "terminationProtectionEnabled": True},
        api=Api(service="cloudtrail", operation="CreateEventDataStore"),
    ),
    Row(
        "aws:budgets/budget:Budget",
        id="{account}:{name}",
        outputs={"arn": global_arn("budgets", "budget/{name}")},
        replace_on=keys("accountId", "name", "namePrefix"),
        api=Api(service="budgets", operation="CreateBudget", inside="Budget", rename={"name": "BudgetName"}),
        # The API's list of at most one is one text here.
        permits={"metrics": ("UnblendedCost", "BlendedCost", "AmortizedCost", "NetUnblendedCost", "NetAmortizedCost")},
    ),
    Row(
        "aws:costexplorer/anomalyMonitor:AnomalyMonitor",
        id="{arn}",
        outputs={"arn": global_arn("ce", "anomalymonitor/{hex}")},
        replace_on=keys("monitorType", "monitorDimension", "monitorSpecification"),
        api=Api(service="ce", operation="CreateAnomalyMonitor", inside="AnomalyMonitor"),
    ),
    Row(
        "aws:costexplorer/anomalySubscription:AnomalySubscription",
        id="{arn}",
        outputs={"arn": global_arn("ce", "anomalysubscription/{hex}")},
        replace_on=keys("name", "accountId"),
        api=Api(service="ce", operation="CreateAnomalySubscription", inside="AnomalySubscription"),
    ),
    Row(
        "aws:glue/catalogDatabase:CatalogDatabase",
        id="{account}:{name}",
        outputs={"arn": arn("glue", "database/{name}"), "catalogId": "{account}"},
        replace_on=keys("catalogId", "name"),
        api=Api(service="glue", operation="CreateDatabase", inside="DatabaseInput"),
    ),
    Row(
        "aws:glue/catalogTable:CatalogTable",
        id="{account}:{databaseName}:{name}",
        outputs={"arn": arn("glue", "table/{databaseName}/{name}"), "catalogId": "{account}"},
        replace_on=keys("catalogId", "databaseName", "name", "partitionIndices"),
        api=Api(service="glue", operation="CreateTable", inside="TableInput"),
    ),
    Row(
        "aws:athena/workgroup:Workgroup",
        outputs={"arn": arn("athena", "workgroup/{name}")},
        replace_on=keys("name"),
        defaults={"forceDestroy": False, "state": "ENABLED"},
        api=Api(service="athena", operation="CreateWorkGroup"),
        cfn="AWS::Athena::WorkGroup",
    ),
    Row(
        "aws:athena/namedQuery:NamedQuery",
        id="{hex}",
        replace_on=keys("database", "description", "name", "query", "workgroup"),
        defaults={"workgroup": "primary"},
        api=Api(service="athena", operation="CreateNamedQuery", rename={"query": "QueryString"}),
    ),
    Row(
        "aws:cfg/rule:Rule",
        outputs={"arn": arn("config", "config-rule/config-rule-{hex}"), "ruleId": "config-rule-{hex}"},
        replace_on=keys("name"),
        api=Api(service="config", operation="PutConfigRule", inside="ConfigRule"),
    ),
)
