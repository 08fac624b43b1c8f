"""The nightly export's function as it is deployed: what is in it, what it may do, how it is called."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infra.documents.export_assignment import assignment, code_version
from infra.export.problems import BadAssignmentError
from infra.export.targets import dumps, loads
from tests.factories import STACKS, context
from tests.programs import program

FUNCTION, SCHEDULE = "aws:lambda/function:Function", "aws:scheduler/schedule:Schedule"
every = pytest.mark.parametrize("stack", STACKS)


def statements(name: str, stack: str = "prod") -> dict[str, Any]:
    document = program(stack).one("aws:iam/rolePolicy:RolePolicy", name).document("policy")
    return {statement["Sid"]: statement for statement in document["Statement"]}


@every
def test_the_functions_archive_runs_with_the_standard_library_and_boto3_alone(stack: str, tmp_path: Path) -> None:
    files = program(stack).one(FUNCTION)["code"]
    for name, content in files.items():
        target = tmp_path / "zip" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if name == "assignment.json":
            target.write_text(content)
        else:
            shutil.copy(content, target)
    code = f"""
import sys
allowed = {{'boto3', 'botocore', 's3transfer', 'jmespath', 'dateutil', 'six', 'urllib3', 'infra'}}
class Guard:
    def find_spec(self, name, path=None, target=None):
        top = name.partition('.')[0]
        if top not in allowed and top not in sys.stdlib_module_names:
            raise ModuleNotFoundError(name, name=name)
sys.meta_path.insert(0, Guard())
sys.path.insert(0, {str(tmp_path / "zip")!r})
from infra.export import handler
assert handler.__file__.startswith({str(tmp_path)!r}), handler.__file__
from infra.export.targets import loads
import pathlib
print(len(loads((pathlib.Path(handler.__file__).parents[2] / handler.ASSIGNMENT_FILE).read_text()).targets))
"""
    result = subprocess.run(
        [sys.executable, "-P", "-c", code], cwd=tmp_path, check=False, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    assert int(result.stdout) == len(context(stack).policy.data_classes.classes)


@every
def test_every_class_is_exported_from_its_group_to_its_archive(stack: str) -> None:
    here = context(stack)
    told = loads(program(stack).one(FUNCTION)["code"]["assignment.json"])
    assert told == assignment(here)
    assert {(it.cls, it.log_group, it.bucket) for it in told.targets} == {
        (cls, here.log_group(cls), here.archive_bucket(cls)) for cls in here.policy.data_classes.classes
    }
    assert told.policy_digest == here.policy.digest


def test_an_assignment_that_cannot_be_read_is_refused_without_repeating_it() -> None:
    told = assignment(context())
    assert loads(dumps(told)) == told
    for text in ("", "[]", "{}", '{"version": 2}', dumps(told).replace('"targets"', '"secret-target"')):
        with pytest.raises(BadAssignmentError) as refused:
            loads(text)
        assert "secret" not in str(refused.value)


def test_the_code_version_changes_with_the_code() -> None:
    assert len(code_version()) == 64


def test_the_function_may_write_manifests_and_nothing_else() -> None:
    found = statements("nightly-export-policy")
    actions = {action for statement in found.values() for action in statement["Action"]}
    assert not {action for action in actions if "Delete" in action or action.startswith(("s3:PutB", "kms:Create"))}
    assert all(arn.endswith("/manifests/*") for arn in found["AddManifests"]["Resource"])
    assert [sid for sid, it in found.items() if it["Resource"] == ["*"]] == ["LookAtTasksAndGroups", "SendMetrics"]
    assert found["SendMetrics"]["Condition"] == {"StringEquals": {"cloudwatch:namespace": "Tinybeans/Logging"}}
    assert found["AnnounceManifests"]["Resource"] == [
        "arn:aws:logs:us-east-1:123456789012:log-group:/tinybeans/prod/audit:log-stream:export"
    ]


def test_only_the_function_and_who_erases_sign() -> None:
    key = program("prod").one("aws:kms/key:Key", "nightly-export-signing-key")
    assert (key["customerMasterKeySpec"], key["keyUsage"]) == ("ECC_NIST_P256", "SIGN_VERIFY")
    signers = [
        statement["Principal"]
        for statement in key.document("policy")["Statement"]
        if statement["Effect"] == "Allow" and "kms:Sign" in statement["Action"]
    ]
    role = "arn:aws:iam:us-east-1:123456789012:{}-role-role"
    assert signers == [{"AWS": role.format("export")}, {"AWS": role.format("eraser")}]


def test_class_keys_let_the_export_in_through_s3_and_the_audit_log_group_only() -> None:
    for cls in context().policy.data_classes.classes:
        policy = program("prod").one("aws:kms/key:Key", f"{cls}-key").document("policy")
        sids = {it["Sid"] for it in policy["Statement"] if str(it.get("Sid", "")).startswith("Exporter")}
        assert sids == {"ExporterThroughS3", *(["ExporterThroughLogs"] if cls == "audit" else [])}


@every
def test_the_schedule_calls_every_quarter_of_an_hour_with_a_time_zone_retries_and_a_place_for_what_fails(
    stack: str,
) -> None:
    schedule, function = program(stack).one(SCHEDULE), program(stack).one(FUNCTION)
    assert schedule["scheduleExpression"] == "cron(0/15 * * * ? *)"
    assert schedule["scheduleExpressionTimezone"] == "UTC"
    assert schedule["flexibleTimeWindow"]["mode"] == "FLEXIBLE"
    assert schedule["kmsKeyArn"]
    assert schedule["target"]["retryPolicy"]["maximumRetryAttempts"] > 0
    dead = schedule["target"]["deadLetterConfig"]["arn"], function["deadLetterConfig"]["targetArn"]
    assert len(set(dead)) == 2
    assert all(queue["kmsMasterKeyId"] for queue in program(stack).all("aws:sqs/queue:Queue") if "export" in queue.name)
    assert function["timeout"] == 900
    assert function["reservedConcurrentExecutions"] == 1
    assert function["loggingConfig"]["logGroup"] == f"/tinybeans/{stack}/nightly-export"


def test_a_stack_whose_account_has_no_concurrency_to_reserve_says_so_in_its_settings() -> None:
    assert context(nightly_export={"reserved_concurrency": None}).settings.nightly_export.reserved_concurrency is None


def test_what_an_assignment_says_fits_one_readable_text() -> None:
    assert json.loads(dumps(assignment(context())))["targets"]
