"""checkov over a Terraform plan of the registered resources: hundreds of public rules, some across resources.

It pins more than a hundred packages, so it lives in an environment of its own (requirements/checkov.lock) and is
run as a program.
"""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.policy.exceptions import Checker
from sandbox.tools.environment import apart
from tests.checkers.findings import Finding, named
from tests.checkers.plan import address, is_aws, plan, terraform_type
from tests.engine import Registered

LOCK = Path("requirements/checkov.lock")
SILENT = frozenset(
    {
        "aws:appautoscaling/policy:Policy",
        "aws:appautoscaling/target:Target",
        "aws:budgets/budget:Budget",
        "aws:cloudwatch/compositeAlarm:CompositeAlarm",
        "aws:cloudwatch/dashboard:Dashboard",
        "aws:cloudwatch/eventRule:EventRule",
        "aws:cloudwatch/eventTarget:EventTarget",
        "aws:athena/namedQuery:NamedQuery",
        "aws:cloudwatch/logDataProtectionPolicy:LogDataProtectionPolicy",
        "aws:cloudwatch/logIndexPolicy:LogIndexPolicy",
        "aws:cloudwatch/logStream:LogStream",
        "aws:cloudwatch/queryDefinition:QueryDefinition",
        "aws:costexplorer/anomalyMonitor:AnomalyMonitor",
        "aws:costexplorer/anomalySubscription:AnomalySubscription",
        "aws:ec2/vpcEndpoint:VpcEndpoint",
        "aws:glue/catalogDatabase:CatalogDatabase",
        "aws:glue/catalogTable:CatalogTable",
        "aws:kms/alias:Alias",
        "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig",
        "aws:s3/bucketLogging:BucketLogging",
        "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration",
        "aws:s3/bucketReplicationConfig:BucketReplicationConfig",
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        "aws:s3/bucketVersioning:BucketVersioning",
        "aws:s3/inventory:Inventory",
        "aws:scheduler/scheduleGroup:ScheduleGroup",
        "aws:secretsmanager/secretPolicy:SecretPolicy",
        "aws:secretsmanager/secretVersion:SecretVersion",
        "aws:sns/topicSubscription:TopicSubscription",
    }
)
"""Types that checkov says nothing of by themselves; the parts of a bucket count where it judges the bucket.

A type with a misspelt Terraform name would be passed over in silence, so what is silent is stated.
"""


@dataclass(frozen=True)
class Verdict:
    """What checkov said."""

    findings: Sequence[Finding]
    judged: frozenset[str]
    """Types that at least one rule was tried on."""


class CheckovFailedError(Exception):
    """checkov did not judge what it was given; the message is its own."""


def installed(checkout: Path) -> Path:
    """Return checkov's executable, its environment made if need be.

    Raises:
        EnvironmentFailedError: it cannot be installed here.
    """
    return apart(checkout, LOCK) / "bin" / "checkov"


def checkov(executable: Path, stacks: Mapping[str, Sequence[Registered]], directory: Path) -> Verdict:
    """Return what checkov says about the AWS resources of `stacks`; their plans are written to `directory`.

    Raises:
        CheckovFailedError: it failed, or did not read every resource.
    """
    known: dict[tuple[str, str], Registered] = {}
    command = [str(executable), "--framework", "terraform_plan", "--skip-download", "--compact", "--soft-fail"]
    for stack, resources in stacks.items():
        (directory / f"{stack}.json").write_text(json.dumps(plan(resources)), encoding="utf-8")
        known |= {(f"/{stack}.json", address(item)): item for item in resources if is_aws(item)}
        command += ["--file", f"{stack}.json"]
    done = subprocess.run(
        [*command, "--output", "json"],
        cwd=directory,
        # Nothing of the caller's: no key of a platform it could report to, no configuration file of somebody's home.
        env={"PATH": os.environ["PATH"], "HOME": str(directory)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise CheckovFailedError(f"status {done.returncode}: {done.stderr.strip()[-3000:]}")
    report = json.loads(done.stdout)
    read, errors = report["summary"]["resource_count"], report["summary"]["parsing_errors"]
    if errors or read != len(known):
        raise CheckovFailedError(f"it read {read} of {len(known)} resources, with {errors} parsing errors")
    failed = report["results"]["failed_checks"]
    tried = {(each["file_path"], each["resource"]) for each in [*failed, *report["results"]["passed_checks"]]}
    return Verdict(
        findings=[
            Finding(
                Checker.CHECKOV,
                each["check_id"],
                named(known[each["file_path"], each["resource"]]),
                each["check_name"],
                each["file_path"].strip("/").removesuffix(".json"),
            )
            for each in failed
        ],
        judged=frozenset(known[each].type for each in tried),
    )


def unjudged(verdict: Verdict, stacks: Mapping[str, Sequence[Registered]]) -> dict[str, str]:
    """Return the types that no rule was tried on and that are not known to be SILENT, with their Terraform names."""
    types = {item.type for resources in stacks.values() for item in resources if is_aws(item)}
    return {type_: terraform_type(type_) for type_ in sorted(types - verdict.judged - SILENT)}
