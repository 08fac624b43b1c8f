"""What a stack with Datadog among its destinations registers there, and that no other stack has anything of it."""

import json
import subprocess
import sys
from collections.abc import Callable

import pytest

import infra.program
from infra.documents.datadog.archive import archive_bucket, role_policy, role_trust
from infra.policy.destinations import Destination
from infra.problems import InputError
from infra.stack import read_stack
from tests.engine import Deployment, Registered, deploy
from tests.factories import ROOT, STACKS, context, deploy_sentinels, program_config, settings
from tests.programs import LOOKUPS, program

INDEX = "datadog:index/logsIndex:LogsIndex"
RESTRICTION = "datadog:index/logsRestrictionQuery:LogsRestrictionQuery"
ORDERS = {
    "datadog:index/logsPipelineOrder:LogsPipelineOrder": "pipelines",
    "datadog:index/logsIndexOrder:LogsIndexOrder": "indexes",
    "datadog:index/logsArchiveOrder:LogsArchiveOrder": "archiveIds",
    "datadog:index/sensitiveDataScannerGroupOrder:SensitiveDataScannerGroupOrder": "groupIds",
}
WITH = [stack for stack in STACKS if Destination.DATADOG in settings(stack).destinations]
WITHOUT = [stack for stack in STACKS if stack not in WITH]


def of_datadog(deployment: Deployment) -> list[Registered]:
    return [item for item in deployment.resources if item.type.startswith("datadog:")]


@pytest.fixture(scope="module", name="owner")
def _owner() -> Deployment:
    """Return what prod registers where it decides about the organisation's order and names two others' things."""
    values, secret_keys = program_config("prod")
    order = {
        "pipelines_after": ["integration-1"],
        "indexes_after": ["main"],
        "archives_after": ["old"],
        "scanner_groups_after": ["other"],
    }
    own = json.loads(values["tinybeans-logging:datadog"])
    values["tinybeans-logging:datadog"] = json.dumps({**own, "order": order, "index_suffix": "-2"})
    return deploy(
        lambda: infra.program.deploy(read_stack("prod")),
        stack="prod",
        config=values,
        secret_keys=secret_keys,
        lookups=LOOKUPS,
    )


def test_some_stacks_have_datadog_and_some_have_not() -> None:
    assert WITH
    assert WITHOUT


def test_no_stack_of_the_repository_decides_about_an_order_that_others_share() -> None:
    assert [stack for stack in WITH if settings(stack).datadog.order] == []


@pytest.mark.parametrize("stack", WITHOUT[1:])
def test_a_stack_without_datadog_registers_nothing_of_it(stack: str) -> None:
    assert [item.name for item in program(stack).resources if "datadog" in item.type] == []
    assert "datadog" not in program(stack).result


def test_each_of_datadogs_resources_uses_the_one_explicit_provider(owner: Deployment) -> None:
    deployment = owner
    assert len(of_datadog(deployment)) > 50
    assert {item.provider.split("::")[-2] for item in of_datadog(deployment)} == {"datadog"}
    one = deployment.one("pulumi:providers:datadog")
    assert set(one.secret_inputs) >= {"apiKey", "appKey"}
    assert {one["apiKey"], one["appKey"]} == set(deploy_sentinels("prod").values())
    assert one["apiUrl"] == "https://api.datadoghq.com/"
    assert one["validate"] == "true"


def test_every_index_is_protected_and_stays_when_pulumi_lets_go_of_it(owner: Deployment) -> None:
    found = owner.all(INDEX)
    assert len(found) == 5
    for index in found:
        assert index.protect, index.name
        assert index.retain_on_delete, index.name
        assert index["name"].startswith("tinybeans-prod-")
        assert index["disableDailyLimit"] is ("dailyLimit" not in index.inputs)


@pytest.mark.parametrize("order", [None, {}], ids=["another's", "ours"])
def test_an_order_is_only_set_where_the_settings_say_that_it_is_the_stacks_own(order: dict[str, str] | None) -> None:
    from infra.components.datadog.indexes import LogIndexes  # noqa: PLC0415 - what it imports takes seconds

    here = context("prod", datadog={"order": order})
    found = deploy(lambda: LogIndexes("indexes", context=here), stack="prod")
    assert len(found.all(INDEX)) == 5
    assert len([item for item in found.resources if item.type in ORDERS]) == (order is not None)


def test_an_order_names_our_own_first_and_then_what_the_settings_name(owner: Deployment) -> None:
    last = {"pipelines": "integration-1", "indexes": "main", "archiveIds": "old", "groupIds": "other"}
    counts = {"pipelines": 5, "indexes": 5, "archiveIds": 5, "groupIds": 1}
    for type_, key in ORDERS.items():
        listed = owner.one(type_)[key]
        assert listed[-1] == last[key]
        assert len(listed) == counts[key] + 1
    assert owner.one("datadog:index/logsIndexOrder:LogsIndexOrder")["indexes"][0] == "tinybeans-prod-audit-2"


def test_nothing_is_indexed_or_archived_before_the_scanner_is_there(owner: Deployment) -> None:
    rules = {item.urn for item in owner.all("datadog:index/sensitiveDataScannerRule:SensitiveDataScannerRule")}
    assert len(rules) > 20
    components = {item.urn: item for item in owner.resources if not item.custom}
    for item in [*owner.all(INDEX), *owner.all("datadog:index/logsArchive:LogsArchive")]:
        # Nothing is registered before its component, nor that before what it depends on.
        assert rules <= components[item.parent].depends_on, item.name


def test_the_archive_has_a_bucket_of_its_own_without_a_lock(owner: Deployment) -> None:
    deployment, here = owner, context("prod")
    bucket = deployment.one("aws:s3/bucket:Bucket", "datadog-archive-bucket")
    assert bucket["bucket"] == archive_bucket(here)
    assert bucket.protect is here.protect
    locks = deployment.all("aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration")
    assert not [lock for lock in locks if lock.name.startswith("datadog")]
    logging = deployment.one("aws:s3/bucketLogging:BucketLogging", "datadog-archive-access-logging")
    assert logging["targetBucket"] == here.bucket_name("access-logs")


def test_each_class_expires_below_its_own_path_and_never_where_datadog_cannot_read_it(owner: Deployment) -> None:
    deployment, here = owner, context("prod")
    rules = deployment.one(
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration", "datadog-archive-lifecycle"
    )["rules"]
    classes = here.policy.data_classes.classes
    expiries = {
        rule["filter"]["prefix"]: rule["expiration"]["days"] for rule in rules if rule["id"].endswith("-expire")
    }
    assert expiries == {
        f"{name}/": cls.datadog.archive.at(here.settings.environment).keep_days
        for name, cls in classes.items()
        if cls.datadog
    }
    moves = [move["storageClass"] for rule in rules for move in rule.get("transitions", ())]
    assert set(moves) <= {"STANDARD_IA", "INTELLIGENT_TIERING", "GLACIER_IR"}
    paths = {item["s3Archive"]["path"] for item in deployment.all("datadog:index/logsArchive:LogsArchive")}
    assert paths == {f"/{name}" for name in classes}


def test_only_datadog_with_our_external_id_takes_the_archives_role(owner: Deployment) -> None:
    role = owner.one("aws:iam/role:Role", "datadog-archive-role")
    (statement,) = role.document("assumeRolePolicy")["Statement"]
    assert statement["Principal"] == {"AWS": "arn:aws:iam::464622532012:root"}
    assert statement["Condition"] == {"StringEquals": {"sts:ExternalId": "datadog-archive-account-external-id"}}
    assert role_trust(context("prod", datadog_site="ap1.datadoghq.com"), "e")["Statement"][0]["Principal"] == {
        "AWS": "arn:aws:iam::417141415827:root"
    }


def test_the_archives_role_may_do_exactly_this() -> None:
    policy = role_policy(context("prod"), "arn:aws:kms:us-east-1:123456789012:key/k")
    allowed = {action for statement in policy["Statement"] for action in statement["Action"]}
    assert allowed == {"s3:GetObject", "s3:ListBucket", "s3:PutObject", "kms:Decrypt", "kms:GenerateDataKey"}
    assert not any("*" in str(statement["Resource"]).replace("/*", "") for statement in policy["Statement"])
    assert policy["Statement"][2]["Condition"]["StringEquals"]["kms:ViaService"] == "s3.us-east-1.amazonaws.com"


def test_the_archive_is_tried_only_when_datadog_may_write(owner: Deployment) -> None:
    deployment = owner
    needed = {
        deployment.one("aws:iam/rolePolicy:RolePolicy", "datadog-archive-grant").urn,
        deployment.one("aws:s3/bucketPolicy:BucketPolicy", "datadog-archive-policy").urn,
        deployment.one("datadog:aws/integrationAccount:IntegrationAccount").urn,
    }
    for item in deployment.all("datadog:index/logsArchive:LogsArchive"):
        assert needed <= item.depends_on, item.name


def test_a_reading_role_may_read_logs_and_nothing_else(owner: Deployment) -> None:
    roles = owner.all("datadog:index/role:Role")
    assert len(roles) == len(context("prod").policy.data_classes.reader_groups)
    for role in roles:
        names = {item["id"].removesuffix("-id") for item in role["permissions"]}
        assert names == {"logs_read_data", "logs_read_index_data", "logs_live_tail"}
        assert role["defaultPermissionsOptOut"] is True
    restricted = [item for query in owner.all(RESTRICTION) for item in query["roleIds"]]
    assert sorted(restricted) == sorted(f"{role.name}-id" for role in roles)


def test_what_datadog_would_refuse_stops_the_program_before_anything_is_registered() -> None:
    values, secret_keys = program_config("prod")
    values["tinybeans-logging:datadog_site"] = "datadog.example"

    with pytest.raises(InputError, match="datadog_site: not a site"):
        deploy(lambda: infra.program.deploy(read_stack("prod")), stack="prod", config=values, secret_keys=secret_keys)


def test_a_missing_key_is_told_by_name() -> None:
    values, secret_keys = program_config("prod")
    del values["tinybeans-logging:datadogDeployAppKey"]
    with pytest.raises(InputError, match="datadogDeployAppKey: the secret is missing"):
        deploy(lambda: read_stack("prod"), stack="prod", config=values, secret_keys=secret_keys)


RUN = """
import gc, json, sys, time
gc.disable()
sys.path.insert(0, {root!r})
values, secret_keys = json.load(sys.stdin)
import infra.program
from infra.stack import read_stack
from tests.engine import deploy
from tests.programs import LOOKUPS
def run():
    infra.program.deploy(read_stack({stack!r}))
    gc.freeze()
    gc.enable()
found = deploy(run, stack={stack!r}, config=values,
               secret_keys=tuple(secret_keys), lookups=LOOKUPS)
print(time.process_time(), "pulumi_datadog" in sys.modules, len(found.resources))
"""
"""What `pulumi up` does of a program, under mocks, in a process of its own: import, read everything, run.

Garbage is looked for from when __main__.py has it looked for.
"""


@pytest.mark.parametrize(("stack", "imported", "seconds"), [("dev", False, 5), ("prod", True, 15)])
def test_a_program_is_imported_and_run_in_time_and_imports_what_its_destinations_need(
    stack: str, imported: bool, seconds: int, record_property: Callable[[str, object], None]
) -> None:
    code = RUN.format(root=str(ROOT), stack=stack)
    given = json.dumps(program_config(stack))
    ran = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=ROOT, input=given
    )
    took, was_imported, count = ran.stdout.split()
    record_property("seconds", took)
    assert (was_imported == "True") is imported
    assert int(count) > 150
    # Seconds of CPU, which a busy machine stretches, too: the bar of the first is 3 (docs/performance.md).
    assert float(took) < seconds
