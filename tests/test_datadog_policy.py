"""What policy and settings may say of Datadog, and what stops the program."""

from pathlib import Path

import pytest

from infra.context import Context
from infra.documents.datadog.checks import problems
from infra.documents.datadog.indexes import indexes
from infra.policy import load_policy
from infra.problems import InputError
from infra.stack_config import load_settings
from tests.engine_stack import copied_root, edit
from tests.factories import TODAY, context, stack_values

CLASSES = "policy/data_classes.yaml"
HEALTH = '"@http.route:(/health OR /healthz OR /ready) @http.status_code:[200 TO 299]"'


def refusal(root: Path) -> str:
    """Return what the program says of the policy and the prod stack under `root` before it registers anything."""
    try:
        policy = load_policy(root / "policy", TODAY)
        settings = load_settings("prod", stack_values("prod"), policy, environ={})
    except InputError as error:
        return str(error)
    return "\n".join(map(str, problems(Context(settings, policy))))


def test_the_repositorys_own_policy_and_settings_have_no_problem() -> None:
    for stack in ("sandbox", "dev", "staging", "prod"):
        assert problems(context(stack, destinations="cloudwatch,datadog")) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "prod: 90 } # three months at hand there too",
            "prod: 100 }",
            "classes.audit.datadog.retention_days.prod: not a retention that Datadog offers. Allowed: 3, 7, 15",
        ),
        (
            "tiers: [{ after_days: 90, storage_class: GLACIER_IR }] # never one that has to be restored first",
            "tiers: [{ after_days: 90, storage_class: DEEP_ARCHIVE }]",
            "classes.audit.datadog.archive.prod.tiers: Datadog cannot read back from DEEP_ARCHIVE. "
            "Allowed: STANDARD_IA, INTELLIGENT_TIERING, GLACIER_IR",
        ),
        (
            "tiers: [{ after_days: 90, storage_class: GLACIER_IR }] # never one that has to be restored first",
            "tiers: [{ after_days: 390, storage_class: GLACIER_IR }]",
            "classes.audit.datadog.archive.prod.tiers: objects leave GLACIER_IR after 10 days",
        ),
        (
            "keep_days: 400 # the same season of the year before",
            "keep_days: 1200",
            "classes.security.datadog.archive.prod: Datadog would keep records longer than the class's own "
            "archive. Allowed: at most 1096 days",
        ),
        (HEALTH, '"@htpp.route:/health"', "classes.access.datadog.exclusions.0.query: the facet @htpp.route is set by"),
        (HEALTH, '"@http.route:/health\\n OR *"', "classes.access.datadog.exclusions.0.query: a query is one line"),
        (
            "    index_fields: [request_id, session_id]\n    datadog:\n",
            "    index_fields: [request_id, session_id]\n    datadog_off:\n",
            "classes.client.datadog_off: unknown key",
        ),
    ],
)
def test_a_mistake_is_told_with_file_key_and_what_is_allowed(old: str, new: str, said: str, tmp_path: Path) -> None:
    root = copied_root(tmp_path)
    edit(root / CLASSES, old, new)
    found = refusal(root)
    assert CLASSES in found
    assert said in found


def test_a_class_that_is_never_sampled_is_never_left_out_of_its_index(tmp_path: Path) -> None:
    root = copied_root(tmp_path)
    exclusion = """      exclusions:
        - { name: refusals, query: "status:warn", exclude_percent: { sandbox: 1, dev: 1, staging: 1, prod: 1 }, reason: There are too many. }
"""
    after = "prod: 90 } # three months at hand there too\n"
    edit(root / CLASSES, after, after + exclusion)
    assert "classes.audit.datadog.exclusions: audit records are never left out. Allowed: no exclusions" in refusal(root)


def test_a_class_that_may_not_go_to_datadog_says_nothing_of_it(tmp_path: Path) -> None:
    root = copied_root(tmp_path)
    edit(
        root / CLASSES,
        "destinations: [local, cloudwatch, datadog, newrelic]",
        "destinations: [local, cloudwatch, newrelic]",
    )
    assert "classes.client.datadog: destinations and datadog do not fit each other" in refusal(root)


def test_a_site_whose_account_is_unknown_is_refused_by_key() -> None:
    found = problems(context("prod", datadog_site="ddog-gov.com"))
    assert [(item.file, item.key) for item in found] == [("Pulumi.prod.yaml", "tinybeans-logging:datadog_site")]
    assert "datadoghq.eu" in found[0].allowed


def test_an_index_has_the_retention_and_the_limits_that_policy_says() -> None:
    for stack in ("sandbox", "dev", "staging", "prod"):
        here = context(stack, destinations="cloudwatch,datadog")
        environment, budgets = here.settings.environment, here.policy.budgets
        for cls, index in indexes(here).items():
            wanted = here.policy.data_classes.classes[cls].datadog
            assert wanted
            assert index["num_retention_days"] == wanted.retention_days.at(environment)
            limit = budgets.classes[cls].datadog_daily_events
            assert index.get("daily_limit") == (limit.at(environment) if limit else None)
            if limit:
                assert index["daily_limit_warning_threshold_percentage"] == budgets.datadog.warning_percent
                assert index["daily_limit_reset"] == {"reset_time": "00:00", "reset_utc_offset": "+00:00"}


def test_audit_and_security_have_no_daily_limit_and_nothing_left_out() -> None:
    found = indexes(context("prod"))
    for cls in ("audit", "security"):
        assert "daily_limit" not in found[cls]
        assert found[cls]["exclusion_filters"] == []


def test_an_exclusion_spares_errors_and_leaves_out_the_share_that_policy_says() -> None:
    (only,) = indexes(context("dev", destinations="cloudwatch,datadog"))["access"]["exclusion_filters"]
    assert only["filter"]["sample_rate"] == 0.5
    assert only["filter"]["query"].endswith(" -status:(error OR critical OR alert OR emergency)")
    assert indexes(context("sandbox"))["access"]["exclusion_filters"] == [], "nothing is left out of a share of 0"
