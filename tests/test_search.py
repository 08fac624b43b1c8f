"""How archives are searched in AWS: tables over what really lies there, and each reader group in a place of its own."""

import datetime
import json
import re
from functools import partial
from typing import Any

import pulumi
import pytest
from botocore.session import Session
from botocore.validate import ParamValidator
from pydantic import ValidationError

from infra.archive.objects import EARLY
from infra.components.access_logs import AccessLogs
from infra.components.reader_roles import ReaderRoles
from infra.components.search import Search
from infra.context import Context
from infra.documents.collector import collector_config, load_fragments
from infra.documents.search.records import EARLY_HOURS
from infra.documents.search.tables import EXPORTED_LINE, Source, Table, tables
from infra.documents.search.workgroups import workgroups
from infra.policy.search import Search as Part
from sandbox.archives import objects
from sandbox.doubles.cloudwatch_events import render
from sandbox.doubles.otlp_codec import LogRecord
from tests.engine import Deployment, deploy
from tests.factories import ROOT, STACKS, context, in_stack, policy
from tests.policy_evaluator import Decision, Request, decide
from tests.test_readers import readers

TABLE, WORKGROUP = "aws:glue/catalogTable:CatalogTable", "aws:athena/workgroup:Workgroup"
QUERY, GRANT = "aws:athena/namedQuery:NamedQuery", "aws:iam/rolePolicy:RolePolicy"
CLASSES = policy().data_classes.classes
GROUPS = tuple(policy().data_classes.reader_groups)
SEARCHING = tuple(group for group in GROUPS if any(group in item.readers.archived for item in CLASSES.values()))
every = pytest.mark.parametrize("stack", STACKS)


def build(which: Context) -> Search:
    options = in_stack()
    return Search(
        "search",
        context=which,
        readers=ReaderRoles("readers", context=which, opts=options),
        access_logs=AccessLogs("access-logs", context=which, opts=options),
        opts=pulumi.ResourceOptions.merge(options, pulumi.ResourceOptions()),
    )


@pytest.fixture(name="deployed", scope="module")
def _deployed() -> dict[str, Deployment]:
    return {stack: deploy(partial(build, context(stack))) for stack in STACKS}


def _columns(prefix: str, config: dict[str, Any]) -> str:
    """Return the collector's partition format with Athena's places for the values."""
    form = next(
        item["s3uploader"]["s3_partition_format"] for name, item in config["exporters"].items() if "awss3" in name
    )
    for code, column in {"%Y": "${year}", "%m": "${month}", "%d": "${day}", "%H": "${hour}"}.items():
        form = form.replace(code, column)
    return f"{prefix}/{form}/"


@every
def test_partitions_are_those_that_the_collector_writes(stack: str) -> None:
    which = context(stack)
    config = collector_config(which, load_fragments(ROOT / "collector_configs"))
    exporters = {
        name.removeprefix("awss3/archive-"): item for name, item in config["exporters"].items() if "awss3" in name
    }
    for cls in CLASSES:
        uploader = exporters[cls]["s3uploader"]
        table = tables(which)[f"{cls}_collected"]
        assert table.bucket == uploader["s3_bucket"]
        assert table.template == _columns(uploader["s3_prefix"], config)
        assert uploader["compression"] == "gzip"
        assert exporters[cls]["marshaler"] == "otlp_json"


def test_a_key_of_the_archive_lies_in_a_partition_that_athena_computes() -> None:
    start = datetime.datetime(2026, 1, 9, 3, tzinfo=datetime.UTC)
    (item,) = objects(cls="audit", start=start, records=1, hours=1)
    table = tables(context("prod"))["audit_collected"]
    where = table.template
    for column, value in {"year": 2026, "month": 1, "day": 9, "hour": 3}.items():
        projection = table.partitions[column]
        first, last = map(int, projection["range"].split(","))
        assert first <= value <= last
        where = where.replace(f"${{{column}}}", str(value).zfill(int(projection["digits"])))
    assert item.key.startswith(where)


def test_a_line_of_an_export_is_taken_apart_as_athena_does_and_no_line_that_is_none() -> None:
    record = LogRecord(
        resource={}, scope={}, time_unix_nano=1, observed_time_unix_nano=1, severity_number=9, severity_text="INFO",
        body="two words", attributes={"a": "b"}, flags=0, event_name="", trace_id="", span_id="",
    )  # fmt: skip
    line = f"2026-11-24T08:00:00.000Z {render(record)}"
    found = re.match(EXPORTED_LINE, line)
    assert found is not None
    assert found[1] == "2026-11-24T08:00:00.000Z"
    assert json.loads(found[2])["body"] == "two words"
    assert re.match(EXPORTED_LINE, "Permission Check Successful") is None


@pytest.mark.parametrize("table", tables(context("prod")).values(), ids=lambda table: table.name)
def test_glue_takes_every_table(table: Table) -> None:
    shape = Session().get_service_model("glue").operation_model("CreateTable").input_shape
    assert shape is not None
    given = {"DatabaseName": "tinybeans", "TableInput": table.document()}
    assert not ParamValidator().validate(given, shape).has_errors()
    assert set(re.findall(r"\$\{(\w+)\}", table.template)) == set(table.partitions)


@every
def test_what_is_registered_is_what_the_documents_say(stack: str, deployed: dict[str, Deployment]) -> None:
    registered = {item["name"]: item for item in deployed[stack].all(TABLE)}
    assert set(registered) == set(tables(context(stack)))
    assert (Source.READS.value in registered) is context(stack).settings.audit_reads
    for name, table in tables(context(stack)).items():
        assert registered[name]["parameters"] == table.parameters
        assert registered[name]["storageDescriptor"]["location"] == f"s3://{table.bucket}/{table.location}"
        assert [column["name"] for column in registered[name]["partitionKeys"]] == list(table.partitions)


@every
def test_questions_are_stopped_and_answers_removed_as_policy_says(stack: str, deployed: dict[str, Deployment]) -> None:
    search, environment = policy().data_classes.search, context(stack).settings.environment
    made = deployed[stack].all(WORKGROUP)
    assert {item["name"] for item in made} == {context(stack).name("search", group) for group in SEARCHING}
    for item in made:
        configuration = item["configuration"]
        assert configuration["enforceWorkgroupConfiguration"] is True
        assert configuration["bytesScannedCutoffPerQuery"] == int(search.scan_limit_gib.at(environment) * 1024**3)
        assert configuration["resultConfiguration"]["encryptionConfiguration"]["encryptionOption"] == "SSE_KMS"
    rules = deployed[stack].one("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration", "search-lifecycle")
    days = {rule["expiration"]["days"] for rule in rules["rules"] if "days" in rule.get("expiration", {})}
    assert days == {search.results_keep_days.at(environment)}


@every
@pytest.mark.parametrize("group", SEARCHING)
def test_a_groups_questions_ask_only_what_the_group_may_read(
    stack: str, group: str, deployed: dict[str, Deployment]
) -> None:
    may = {
        f"{cls}_{form}"
        for cls, item in CLASSES.items()
        if group in item.readers.archived
        for form in ("collected", "exported")
    }
    asked = [item for item in deployed[stack].all(QUERY) if item["workgroup"] == context(stack).name("search", group)]
    assert asked
    for item in asked:
        tables_asked = set(re.findall(r"FROM (\w+_(?:collected|exported))\b", item["query"]))
        assert tables_asked <= may, item["name"]
        if item["name"] != "reads-by-an-auditor":
            assert tables_asked


@every
@pytest.mark.parametrize("group", SEARCHING)
def test_a_group_may_ask_in_its_own_work_group_about_its_own_tables_and_see_its_own_answers(
    stack: str, group: str, deployed: dict[str, Deployment]
) -> None:
    which = context(stack)
    document = deployed[stack].one(GRANT, f"search-{group}-policy").document("policy")
    base = which.name("logs").replace("-", "_")

    def allowed(action: str, resource: str, **keys: str) -> bool:
        named = {name.replace("_", ":", 1): value for name, value in keys.items()}
        return decide(Request("reader", action, resource, named), document) is Decision.ALLOWED

    for other in SEARCHING:
        own = other == group
        assert (
            allowed("athena:StartQueryExecution", which.arn("athena", f"workgroup/{which.name('search', other)}"))
            is own
        )
        answers = which.bucket_arn(which.bucket_name("search-results"), f"{other}/x.csv")
        for action in ("s3:GetObject", "s3:PutObject"):
            assert allowed(action, answers) is own
        assert not allowed("s3:DeleteObject", answers)
    for cls, data_class in CLASSES.items():
        table = which.arn("glue", f"table/{base}/{cls}_collected")
        assert allowed("glue:GetTable", table) is (group in data_class.readers.archived)
        assert not allowed("glue:UpdateTable", table)
    reads = allowed("glue:GetTable", which.arn("glue", f"table/{base}/reads"))
    quarantine = CLASSES[policy().data_classes.quarantine_class]
    assert reads is (which.settings.audit_reads and group in quarantine.readers.archived)


@every
def test_no_other_group_reads_a_groups_answers_whatever_is_attached_to_it(
    stack: str, deployed: dict[str, Deployment]
) -> None:
    which = context(stack)
    document = deployed[stack].one("aws:s3/bucketPolicy:BucketPolicy", "search-policy").document("policy")
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    for group in SEARCHING:
        answers = which.bucket_arn(which.bucket_name("search-results"), f"{group}/x.csv")
        denials = [
            item
            for item in document["Statement"]
            if item["Sid"].startswith("DenyOthersAnswers") and item["Resource"] == answers.removesuffix("x.csv") + "*"
        ]
        (denial,) = denials
        assert denial["Condition"]["ArnNotEquals"]["aws:PrincipalArn"]
        stranger = Request(
            "arn:aws:iam::123456789012:role/stranger",
            "s3:GetObject",
            answers,
            {
                "aws:PrincipalArn": "arn:aws:iam::123456789012:role/stranger",
                "aws:SecureTransport": "true",
                "s3:TlsVersion": "1.3",
            },
        )
        assert decide(stranger, everything, document) is not Decision.ALLOWED


@every
def test_both_inline_policies_of_a_role_fit(stack: str, deployed: dict[str, Deployment]) -> None:
    # IAM: 10,240 characters for all inline policies of a role, white space not counted.
    others = readers(context(stack))
    for group in SEARCHING:
        own = deployed[stack].one(GRANT, f"search-{group}-policy")["policy"]
        other = others.one(GRANT, f"reader-grants-{group}-policy")["policy"]
        assert len(re.sub(r"\s", "", own + other)) <= 10_240, group


def test_groups_that_may_read_no_archive_search_none() -> None:
    assert set(workgroups(context("prod"))) == set(SEARCHING) < set(GROUPS)


def test_the_command_and_the_statement_look_as_far_ahead() -> None:
    assert EARLY.total_seconds() == EARLY_HOURS * 3600


def test_a_limit_that_athena_does_not_take_is_refused() -> None:
    values = policy().data_classes.search.model_dump()
    with pytest.raises(ValidationError, match="scan_limit_gib"):
        Part.model_validate({**values, "scan_limit_gib": {**values["scan_limit_gib"], "prod": 0.001}})
