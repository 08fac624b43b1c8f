"""What holds over the whole program of every stack, in a preview and in an update.

Mocks prove what is registered; that AWS accepts it is for other tests (tests/README.md).
"""

import json
import keyword
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest
from pulumi.runtime.sync_await import _sync_await

from tests.engine import Deployment, Registered
from tests.factories import STACKS, context, deploy_sentinels, sentinel_texts, settings
from tests.programs import Form, configuration, program

LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
BUCKET = "aws:s3/bucket:Bucket"
SPLIT = {
    "public access block": "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    "ownership": "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
    "encryption": "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    "versioning": "aws:s3/bucketVersioning:BucketVersioning",
    "policy": "aws:s3/bucketPolicy:BucketPolicy",
    "lifecycle": "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
}
STATEFUL = {
    LOG_GROUP,
    BUCKET,
    "aws:kms/key:Key",
    "aws:secretsmanager/secret:Secret",
}
DOCUMENTS = ("policy", "assumeRolePolicy", "policyDocument", "containerDefinitions")
WITHOUT_RESOURCE = {
    # Service Authorization Reference: these actions support no resource-level permissions.
    "cloudwatch:PutMetricData",
    "ec2:DescribeAvailabilityZones",
    "ec2:DescribeVolumes",
    "logs:DescribeExportTasks",
    "logs:DescribeLogGroups",
    "logs:DescribeQueryDefinitions",
    "logs:StopLiveTail",
    "logs:StopQuery",
    "s3:CreateJob",
}
MAY_HOLD_SECRETS = {
    "aws:secretsmanager/secretVersion:SecretVersion": {"secretStringWo"},
    "pulumi:providers:datadog": {"apiKey", "appKey"},
    # SNS has to be told the webhook's URL, and its API keeps it readable for who may list subscriptions.
    "aws:sns/topicSubscription:TopicSubscription": {"endpoint"},
}

both = pytest.mark.parametrize("preview", [True, False], ids=["preview", "update"])
every = pytest.mark.parametrize("stack", STACKS)
every_form = pytest.mark.parametrize("form", Form)


def custom(deployment: Deployment) -> list[Registered]:
    return [item for item in deployment.resources if item.custom]


def texts(node: Any) -> Iterator[str]:
    """Yield every string below `node`, JSON documents included as they stand."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for value in node.values():
            yield from texts(value)
    elif isinstance(node, list):
        for value in node:
            yield from texts(value)


def documents(item: Registered) -> Iterator[tuple[str, Any]]:
    for key in DOCUMENTS:
        value = item.inputs.get(key)
        if isinstance(value, str) and value.startswith(("{", "[")):
            yield key, json.loads(value)


def statements(item: Registered) -> Iterator[dict[str, Any]]:
    """Yield the statements of IAM, key, bucket and trust policies; a data protection policy has none that grant."""
    for _, document in documents(item):
        if isinstance(document, dict):
            yield from (statement for statement in document.get("Statement", ()) if "Effect" in statement)


@every
@every_form
@both
def test_every_resource_has_a_component_as_parent(stack: str, form: Form, preview: bool) -> None:
    alone = {"pulumi:pulumi:Stack", "pulumi:providers:aws", "pulumi:providers:datadog"}
    for item in program(stack, preview=preview, form=form).resources:
        if item.type in alone:
            continue
        expected = (
            "pulumi:pulumi:Stack" if item.type.startswith("tinybeans:") and "$" not in item.parent else "tinybeans:"
        )
        assert expected in item.parent, f"{item.type} {item.name} stands alone"


@every
@every_form
@both
def test_every_resource_uses_the_stacks_own_provider(stack: str, form: Form, preview: bool) -> None:
    for item in custom(program(stack, preview=preview, form=form)):
        if not item.type.startswith("pulumi:"):
            package = item.type.split(":", maxsplit=1)[0]
            assert f"pulumi:providers:{package}::{package}::" in item.provider, f"{item.type} {item.name}"


@every
def test_the_provider_refuses_every_other_account(stack: str) -> None:
    assert json.loads(program(stack).one("pulumi:providers:aws")["allowedAccountIds"]) == [
        settings(stack).aws.account_id
    ]


@every
@every_form
@both
def test_names_are_unique_within_a_type(stack: str, form: Form, preview: bool) -> None:
    counts = Counter((item.type, item.name) for item in program(stack, preview=preview, form=form).resources)
    assert [name for name, count in counts.items() if count > 1] == []


@every
@every_form
def test_every_taggable_resource_carries_the_stacks_tags(stack: str, form: Form) -> None:
    taggable = 0
    for item in custom(program(stack, form=form)):
        module, _, cls = item.type.removeprefix("aws:").partition("/")
        if not item.type.startswith("aws:"):
            continue
        python_module = f"{module}_" if keyword.iskeyword(module) else module
        resource = getattr(getattr(aws, python_module), cls.rsplit(":", 1)[-1])
        if not hasattr(resource, "tags"):
            continue
        taggable += 1
        assert item["tags"]["Project"] == "tinybeans-logging", f"{item.type} {item.name}"
        assert item["tags"]["Environment"] == stack
        assert item["tags"]["Component"]
    assert taggable > 20


@every
@both
def test_every_log_group_has_a_customer_key_and_a_retention(stack: str, preview: bool) -> None:
    groups = program(stack, preview=preview).all(LOG_GROUP)
    assert len(groups) == len(context(stack).policy.data_classes.classes) + 2  # the collector's and the export's own
    for group in groups:
        assert group["kmsKeyId"]
        assert group["retentionInDays"] > 0
        assert group["deletionProtectionEnabled"] is context(stack).protect


@every
def test_each_class_has_the_retention_that_policy_says(stack: str) -> None:
    here = context(stack)
    by_name = {group["name"]: group for group in program(stack).all(LOG_GROUP)}
    for cls, data_class in here.policy.data_classes.classes.items():
        wanted = data_class.hot_retention_days.at(here.settings.environment)
        assert by_name[here.log_group(cls)]["retentionInDays"] == wanted


@every
@both
@pytest.mark.parametrize("part", SPLIT)
def test_every_bucket_has_its(part: str, stack: str, preview: bool) -> None:
    deployment = program(stack, preview=preview)
    buckets = deployment.all(BUCKET)
    assert {item.parent for item in deployment.all(SPLIT[part])} == {item.parent for item in buckets}
    assert len(deployment.all(SPLIT[part])) == len(buckets)


@every
def test_every_bucket_blocks_public_access_whole(stack: str) -> None:
    for block in program(stack).all(SPLIT["public access block"]):
        for key in ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"):
            assert block[key] is True


@every
def test_every_bucket_policy_refuses_plain_http(stack: str) -> None:
    for policy in program(stack).all(SPLIT["policy"]):
        refusals = [
            statement
            for statement in statements(policy)
            if statement["Effect"] == "Deny"
            and statement.get("Condition", {}).get("Bool", {}).get("aws:SecureTransport") == "false"
        ]
        assert len(refusals) == 1, policy.name
        assert refusals[0]["Action"] == "s3:*"
        assert refusals[0]["Principal"] in ("*", {"AWS": "*"})


@every
def test_no_policy_allows_everything(stack: str) -> None:
    looked_at = 0
    for item in custom(program(stack)):
        for statement in statements(item):
            if statement["Effect"] != "Allow":
                continue
            looked_at += 1
            actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
            for action in actions:
                assert action != "*", f"{item.name} {statement.get('Sid')}"
                assert not action.endswith(":*"), f"{item.name} {statement.get('Sid')} allows {action}"
            assert statement.get("Principal") not in ("*", {"AWS": "*"}), f"{item.name} {statement.get('Sid')}"
    assert looked_at > 40


@every
def test_identity_policies_name_their_resources(stack: str) -> None:
    for item in program(stack).all("aws:iam/rolePolicy:RolePolicy"):
        for statement in statements(item):
            if statement["Effect"] != "Allow":
                continue
            resources = statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
            actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
            if "*" in resources:
                assert set(actions) <= WITHOUT_RESOURCE, f"{item.name} {statement['Sid']}"


@every
@every_form
@both
def test_no_document_has_a_hole_in_it(stack: str, form: Form, preview: bool) -> None:
    for item in custom(program(stack, preview=preview, form=form)):
        for key, document in documents(item):
            whole = json.dumps(document)
            for hole in (": null", "[null", "undefined", "None", "Output<", "${["):
                assert hole not in whole, f"{item.type} {item.name} {key}"


@every
@every_form
@both
def test_secret_values_stand_nowhere_but_in_their_secret(stack: str, form: Form, preview: bool) -> None:
    values = sentinel_texts(stack) | set(deploy_sentinels(stack).values())
    seen: set[str] = set()
    deployment = program(stack, preview=preview, form=form)
    for item in deployment.resources:
        for key, value in item.inputs.items():
            held = [text for text in texts(value) if any(sentinel in text for sentinel in values)]
            if held:
                assert key in MAY_HOLD_SECRETS.get(item.type, ()), f"{item.type} {item.name} {key}"
                assert key in item.secret_inputs
                seen |= set(held)
    assert seen == values


@every
@every_form
def test_no_output_is_secret_or_holds_a_secret(stack: str, form: Form) -> None:
    found = program(stack, form=form).result
    assert set(found) >= {
        "otlp_grpc_endpoint",
        "otlp_http_endpoint",
        "log_groups",
        "archives",
        "reader_roles",
        "console",
    }

    def secret(value: Any) -> bool:
        if isinstance(value, pulumi.Output):
            return bool(_sync_await(value.is_secret()))
        return any(map(secret, value.values())) if isinstance(value, dict) else False

    assert [name for name, value in found.items() if secret(value)] == []


def test_what_holds_state_is_protected_in_prod_and_only_there() -> None:
    for stack in STACKS:
        for item in custom(program(stack)):
            if item.type in STATEFUL:
                assert item.protect is (stack == "prod"), f"{stack}: {item.type} {item.name}"


def test_a_compliance_lock_exists_for_audit_in_prod_alone() -> None:
    for stack in STACKS:
        for lock in program(stack).all("aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration"):
            mode = lock.inputs.get("rule", {}).get("defaultRetention", {}).get("mode")
            assert (mode == "COMPLIANCE") is (stack == "prod" and lock.name.startswith("audit")), (
                f"{stack}: {lock.name}"
            )


@every
@every_form
def test_the_collector_runs_the_reviewed_configuration_and_no_other(stack: str, form: Form) -> None:
    deployment = program(stack, form=form)
    containers = json.loads(deployment.one("aws:ecs/taskDefinition:TaskDefinition")["containerDefinitions"])
    collector = next(item for item in containers if item["name"] == "collector")
    inline = {f"--config=env:{item['name']}": item["value"] for item in collector["environment"]}
    stored = {
        f"--config=s3://{item['bucket']}.s3.us-east-1.amazonaws.com/{item['key']}": item["content"]
        for item in deployment.all("aws:s3/bucketObjectv2:BucketObjectv2")
    }
    assert [{**inline, **stored}[argument] for argument in collector["command"]] == [configuration(stack, form)]
    assert len(stored) == (form is Form.OBJECT)


def test_what_only_some_stacks_or_commands_need_is_not_imported() -> None:
    code = "import infra.program, sys; sys.exit(str({'pulumi_datadog', 'sqlglot', 'duckdb'} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert found.stderr.strip() == "set()"


def test_importing_any_module_creates_and_reads_nothing() -> None:
    code = """
import builtins, importlib, pkgutil, sys, io
import pulumi, pulumi_aws, yaml, pydantic, typer, rich.console
import infra
opened = []
real = io.open
def guarded(file, *args, **kwargs):
    if str(file).endswith(('.yaml', '.json')): opened.append(str(file))
    return real(file, *args, **kwargs)
builtins.open = io.open = guarded
for module in pkgutil.walk_packages(infra.__path__, 'infra.'):
    importlib.import_module(module.name)
sys.exit(', '.join(opened) or 0)
"""
    result = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("stack", [name for name in STACKS if "datadog" in settings(name).destinations])
def test_every_monitor_at_datadog_links_a_runbook_and_tells_somebody(stack: str) -> None:
    monitors = program(stack).all("datadog:index/monitorJson:MonitorJson")
    handles = {
        handle for team in settings(stack).datadog.handles.values() for handle in (*team.page, *team.ticket, *team.info)
    }
    for item in monitors:
        message = item.document("monitor")["message"]
        assert f"{settings(stack).alerting.repository}/docs/runbooks/" in message, item.name
        assert any(message.endswith(handle) for handle in handles), item.name
    alerts = context(stack).policy.alerts.every().values()
    assert len(monitors) > sum("datadog" in alert.targets for alert in alerts)
