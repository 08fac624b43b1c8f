"""One stack through docs/operations.md, in the real engine: adopt what exists, move the state, take it all down.

The commands are the documented ones, with passphrases in place of a KMS secrets provider and directories in place of
S3 backends. What the engine does is real; what AWS does about it is moto, which keeps neither the key that is
associated with an existing log group nor a bucket's policy: those are asserted in the engine's state.
"""

import datetime
import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pulumi import automation as auto

from infra.stack_config import PROJECT
from sandbox.engine import Resource, SandboxStack, Timed
from tests.engine_stack import SECRETS, Aws, copied_root, edit, empty_aws, said, stack_in

pytestmark = [
    pytest.mark.engine,
    pytest.mark.timeout(600),
    # A refused preview leaves the coroutines of the program that it stopped.
    pytest.mark.filterwarnings("ignore:coroutine 'Output:RuntimeWarning"),
]

GROUP, BUCKET = "/ecs/tinybeans-web", "tinybeans-old-logs"
ADOPT = json.dumps({"log_groups": {"application": GROUP}, "buckets": {"application": BUCKET}})
AUDIT_BUCKET = "tinybeans-sandbox-logs-audit-123456789012-us-east-1"
NEW_PASSPHRASE = "another passphrase"


@dataclass
class Home:
    """One stack, the repository it is made from, and the cloud it is in."""

    stack: SandboxStack
    root: Path
    aws: Aws
    directory: Path
    open: ExitStack

    def resource(self, name: str, type_: str) -> Resource:
        """Return the only resource of that name whose type ends so."""
        [found] = [item for item in self.stack.resources() if item.name == name and item.type.endswith(f":{type_}")]
        return found


@pytest.fixture(scope="module", name="home")
def _home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A stack that is not up, beside a log group and a bucket that have been there for long."""
    directory = tmp_path_factory.mktemp("living")
    root = copied_root(directory)
    with ExitStack() as open_:
        aws = open_.enter_context(empty_aws())
        logs, s3 = aws.client("logs"), aws.client("s3")
        logs.create_log_group(logGroupName=GROUP, tags={"team": "web"})
        logs.put_retention_policy(logGroupName=GROUP, retentionInDays=90)
        logs.create_log_stream(logGroupName=GROUP, logStreamName="web/1")
        event = {"timestamp": int(time.time() * 1000), "message": "from before"}
        logs.put_log_events(logGroupName=GROUP, logStreamName="web/1", logEvents=[event])
        s3.create_bucket(Bucket=BUCKET)
        s3.put_object(Bucket=BUCKET, Key="2024/old.json.gz", Body=b"from before")
        stack = open_.enter_context(stack_in(directory / "old", aws, root=root, config={"adopt": ADOPT}))
        yield Home(stack, root, aws, directory, open_)


# Each step follows the one before, whichever test asks first.


@pytest.fixture(scope="module", name="adopted")
def _adopted(home: Home) -> Timed:
    return home.stack.up()


@pytest.fixture(scope="module", name="again")
def _again(home: Home, adopted: Timed) -> Timed:
    assert adopted.changed
    return home.stack.up()


@pytest.fixture(scope="module", name="forgotten")
def _forgotten(home: Home, again: Timed) -> str:
    """Return what the engine says when the `adopt` entries are taken away."""
    assert not again.changed
    home.stack.remove_config("adopt")
    with pytest.raises(auto.CommandError) as refused:
        home.stack.preview()
    home.stack.set_config("adopt", ADOPT)
    return str(refused.value)


@dataclass(frozen=True)
class Moved:
    """What was seen while the state moved."""

    exported: str
    shown: str
    with_old_passphrase: subprocess.CompletedProcess[str]
    with_new_passphrase: subprocess.CompletedProcess[str]
    preview: Timed


@pytest.fixture(scope="module", name="moved")
def _moved(home: Home, forgotten: str) -> Moved:
    """Move the state as documented; from here on `home.stack` is the stack in the new backend."""
    assert forgotten
    old, new = home.stack, home.directory / "new"
    (new / "state").mkdir(parents=True)
    (new / "passphrase").write_text(NEW_PASSPHRASE)
    here = {"PULUMI_CONFIG_PASSPHRASE": NEW_PASSPHRASE}
    there = {**here, "PULUMI_BACKEND_URL": f"file://{new / 'state'}"}
    file, shown = home.directory / "state.json", home.directory / "shown.json"

    ran(old.pulumi("stack", "change-secrets-provider", "passphrase", typed=f"{NEW_PASSPHRASE}\n" * 2))
    ran(old.pulumi("stack", "export", "--file", str(file), environment=here))
    ran(old.pulumi("stack", "init", "--secrets-provider", "passphrase", environment=there))
    ran(old.pulumi("stack", "import", "--file", str(file), environment=there))

    ran(old.pulumi("stack", "export", "--show-secrets", "--file", str(shown), environment=there))
    read = ("config", "get", f"{PROJECT}:redactionPepper")
    with_old = old.pulumi(*read, environment={"PULUMI_BACKEND_URL": there["PULUMI_BACKEND_URL"]})
    with_new = old.pulumi(*read, environment=there)
    shutil.copytree(home.directory / "old" / "project", new / "project")
    home.stack = home.open.enter_context(stack_in(new, home.aws, root=home.root, config={"adopt": ADOPT}))
    preview = home.stack.preview()
    ran(old.pulumi("stack", "rm", "--force", "--preserve-config", "--yes", environment=here))
    return Moved(file.read_text(), shown.read_text(), with_old, with_new, preview)


@dataclass(frozen=True)
class Refused:
    """What `pulumi destroy` said, and the resources before and after."""

    process: subprocess.CompletedProcess[str]
    before: list[Resource]
    after: list[Resource]

    @property
    def named(self) -> set[str]:
        """Return the names of the resources that it said cannot be deleted."""
        return set(re.findall(r'::([^:"]+)" cannot be deleted', self.process.stdout))


@pytest.fixture(scope="module", name="refused")
def _refused(home: Home, moved: Moved) -> Refused:
    """Destroy a stack whose environment the policy protects."""
    assert not moved.preview.changed
    edit(home.root / "policy/data_classes.yaml", "protect: false # stateful", "protect: true # stateful")
    home.stack.up()
    before = home.stack.resources()
    return Refused(home.stack.pulumi("destroy", "--yes"), before, home.stack.resources())


@pytest.fixture(scope="module", name="torn_down")
def _torn_down(home: Home, refused: Refused) -> subprocess.CompletedProcess[str]:
    """Return what `pulumi destroy` says after the teardown of a stack with one locked object was confirmed."""
    assert refused.after
    s3 = home.aws.client("s3")
    until = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=1)
    locked: dict[str, Any] = {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": until}
    s3.put_object(Bucket=AUDIT_BUCKET, Key="otlp/locked", Body=b"evidence", **locked)
    home.stack.set_config("teardown_confirmed", "sandbox")
    home.stack.up()
    return home.stack.pulumi("destroy", "--yes", "--continue-on-error")


def ran(process: subprocess.CompletedProcess[str]) -> None:
    """Fail with what the command said, should it have failed."""
    assert process.returncode == 0, process.stderr or process.stdout


def test_one_update_takes_over_an_existing_log_group_and_bucket_and_brings_them_to_policy(
    home: Home, adopted: Timed
) -> None:
    assert adopted.changes["import"] == adopted.changes["update"] == 2
    assert {line for line in said(adopted.touched) if not line.startswith("create")} == {
        "import LogGroup application-group",
        "update LogGroup application-group",
        "import Bucket application-archive-bucket",
        "update Bucket application-archive-bucket",
    }
    assert home.aws.log_groups()[GROUP]["retentionInDays"] == 3
    tags = home.aws.client("logs").list_tags_log_group(logGroupName=GROUP)["tags"]
    assert (tags["DataClass"], tags.get("team")) == ("application", None)
    key = home.resource("application-key", "Key").outputs["arn"]
    assert home.resource("application-group", "LogGroup").outputs["kmsKeyId"] == key
    encryption = home.aws.client("s3").get_bucket_encryption(Bucket=BUCKET)["ServerSideEncryptionConfiguration"]
    assert encryption["Rules"][0]["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"] == key


def test_what_an_adopted_log_group_and_bucket_held_is_still_there(home: Home, adopted: Timed) -> None:
    assert adopted.changed
    events = home.aws.client("logs").get_log_events(logGroupName=GROUP, logStreamName="web/1")["events"]
    assert [event["message"] for event in events] == ["from before"]
    body = home.aws.client("s3").get_object(Bucket=BUCKET, Key="2024/old.json.gz")["Body"].read()
    assert body == b"from before"
    assert "/tinybeans/sandbox/application" not in home.aws.log_groups()


def test_after_an_adoption_there_is_nothing_left_to_do(again: Timed) -> None:
    assert again.touched == frozenset()


def test_taking_the_adopt_entry_away_is_refused_although_the_environment_is_not_protected(forgotten: str) -> None:
    assert "unable to replace resource" in forgotten
    assert "application-" in forgotten
    assert "currently marked for protection" in forgotten


def test_an_exported_state_holds_no_secret_in_plaintext(moved: Moved) -> None:
    assert "secretVersion:SecretVersion" in moved.exported
    assert not any(value in moved.exported for value in SECRETS.values())


def test_a_moved_state_is_read_with_the_new_passphrase_only(moved: Moved) -> None:
    assert moved.with_old_passphrase.returncode
    assert "incorrect passphrase" in moved.with_old_passphrase.stderr
    assert moved.with_new_passphrase.stdout.strip() == SECRETS["redactionPepper"]
    assert SECRETS["redactionPepper"] in moved.shown


def test_a_moved_stack_has_nothing_to_change(moved: Moved, again: Timed) -> None:
    assert moved.preview.touched == frozenset()
    assert moved.preview.changes == again.changes


def test_a_protected_stack_refuses_to_be_destroyed_before_anything_is_gone(refused: Refused) -> None:
    assert refused.process.returncode
    protected = {item.name for item in refused.before if item.protected}
    assert {"audit-group", "audit-key", "audit-archive-bucket", "secrets-redaction-pepper-secret"} <= protected
    # The preview stops where it first meets protected ones: at the last that were created.
    assert refused.named
    assert refused.named <= protected
    assert refused.after == refused.before


def test_a_confirmed_teardown_takes_down_all_but_what_is_locked(
    home: Home, torn_down: subprocess.CompletedProcess[str]
) -> None:
    assert torn_down.returncode, torn_down.stdout
    assert home.aws.log_groups() == {}
    assert home.aws.buckets() == {AUDIT_BUCKET}
    assert home.aws.secrets() == {}


def test_a_locked_bucket_is_reported_and_keeps_its_objects_its_key_and_its_guard(
    home: Home, torn_down: subprocess.CompletedProcess[str]
) -> None:
    said_of_it = [line for line in torn_down.stdout.splitlines() if "audit-archive-bucket" in line]
    assert any("AccessDenied" in line for line in said_of_it), torn_down.stdout
    s3 = home.aws.client("s3")
    assert s3.get_object(Bucket=AUDIT_BUCKET, Key="otlp/locked")["Body"].read() == b"evidence"
    assert s3.get_public_access_block(Bucket=AUDIT_BUCKET)["PublicAccessBlockConfiguration"]["RestrictPublicBuckets"]
    left = {item.name: item for item in home.stack.resources() if item.type.startswith("aws:")}
    assert "audit-archive-bucket" in left
    assert home.aws.key_state(left["audit-key"].outputs["arn"]) == "Enabled"
