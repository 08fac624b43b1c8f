"""Who may publish alerts, under which key, and whom they reach."""

import dataclasses
import json
from typing import Any

import pytest

from infra.components.notifications import sources_of
from infra.documents.audiences import Audience, publishers
from infra.documents.notification_policy import Publisher, key_use, topic_policy, undelivered_queue_policy
from infra.policy.alerts import Severity
from infra.problems import InputError
from infra.secrets import WEBHOOKS, webhook_urls
from tests.alerting_stack import URL, alerting_context, alerting_of, told
from tests.engine import deploy
from tests.factories import context, policy
from tests.policy_evaluator import Decision, Request, decide

TOPIC, POLICY, SUBSCRIPTION = (
    "aws:sns/topic:Topic",
    "aws:sns/topicPolicy:TopicPolicy",
    "aws:sns/topicSubscription:TopicSubscription",
)
ARN = "arn:aws:sns:us-east-1:123456789012:tinybeans-prod-alerts-platform-page"
ACCOUNT = "123456789012"
TLS = {"aws:SecureTransport": "true"}
OURS: dict[Publisher, dict[str, str]] = {
    Publisher.ALARMS: {
        "aws:SourceAccount": ACCOUNT,
        "aws:SourceArn": f"arn:aws:cloudwatch:us-east-1:{ACCOUNT}:alarm:tinybeans-prod-records-lost",
    },
    Publisher.BUDGETS: {
        "aws:SourceAccount": ACCOUNT,
        "aws:SourceArn": f"arn:aws:budgets::{ACCOUNT}:budget/tinybeans-prod-budget-threatened-monthly",
    },
    Publisher.COST_ANOMALIES: {"aws:SourceAccount": ACCOUNT},
    Publisher.EVENTS: {},
}
"""The keys that each service sends for what is this stack's."""
every_publisher = pytest.mark.parametrize("publisher", list(Publisher), ids=lambda it: it.name.lower())


def sources() -> Any:
    return sources_of(context("prod"))


def publish(publisher: Publisher, keys: dict[str, str]) -> Request:
    return Request(publisher.value, "sns:Publish", ARN, {**TLS, **keys})


@every_publisher
def test_a_topic_takes_messages_from_the_services_that_it_is_for_in_this_accounts_name(publisher: Publisher) -> None:
    document = topic_policy(ARN, [publisher], sources())

    assert decide(publish(publisher, OURS[publisher]), document) is Decision.ALLOWED
    assert decide(publish(publisher, {**OURS[publisher], "aws:SecureTransport": "false"}), document) is Decision.DENIED
    for other in set(Publisher) - {publisher}:
        assert decide(publish(other, OURS[other]), document) is Decision.SILENT


@pytest.mark.parametrize(
    ("publisher", "key"),
    [(publisher, key) for publisher, keys in OURS.items() for key in keys],
    ids=lambda it: it.name.lower() if isinstance(it, Publisher) else it,
)
def test_another_accounts_alarm_budget_or_anomaly_reaches_neither_topic_nor_key(publisher: Publisher, key: str) -> None:
    theirs = {**OURS[publisher], key: OURS[publisher][key].replace(ACCOUNT, "999999999999")}
    key_policy = {"Statement": key_use([publisher], sources())}

    assert decide(publish(publisher, theirs), topic_policy(ARN, [publisher], sources())) is Decision.SILENT
    assert decide(Request(publisher.value, "kms:GenerateDataKey", "*", theirs), key_policy) is Decision.SILENT


def test_another_stacks_alarm_in_the_same_account_reaches_no_topic() -> None:
    keys = OURS[Publisher.ALARMS]
    theirs = {**keys, "aws:SourceArn": keys["aws:SourceArn"].replace("tinybeans-prod", "tinybeans-dev")}

    assert (
        decide(publish(Publisher.ALARMS, theirs), topic_policy(ARN, [Publisher.ALARMS], sources())) is Decision.SILENT
    )


@every_publisher
def test_the_key_admits_every_service_that_publishes_and_to_encryption_only(publisher: Publisher) -> None:
    document = {"Statement": key_use(list(Publisher), sources())}

    for action in ("kms:Decrypt", "kms:GenerateDataKey"):
        assert decide(Request(publisher.value, action, "*", OURS[publisher]), document) is Decision.ALLOWED
    assert decide(Request(publisher.value, "kms:CreateGrant", "*", OURS[publisher]), document) is Decision.SILENT


def test_the_keys_grant_to_eventbridge_has_no_condition_that_would_drop_every_event() -> None:
    (statement,) = key_use([Publisher.EVENTS], sources())

    assert "Condition" not in statement


@pytest.mark.parametrize("stack", ["sandbox", "dev", "staging", "prod"])
def test_every_topic_is_encrypted_with_the_stacks_own_key_and_has_a_policy_of_its_own(stack: str) -> None:
    deployment = alerting_of(stack)
    topics = deployment.all(TOPIC)

    assert {topic["kmsMasterKeyId"] for topic in topics} == {"arn:aws:kms:us-east-1:123456789012:notifications-key"}
    assert len(deployment.all(POLICY)) == len(topics) == len(publishers(policy().alerts))


def test_each_topic_admits_exactly_what_publishes_to_it() -> None:
    admitted = {
        policy_.name.removeprefix("notifications-").removesuffix("-policy"): {
            statement["Principal"]["Service"]
            for statement in policy_.document("policy")["Statement"]
            if statement["Effect"] == "Allow"
        }
        for policy_ in alerting_of("prod").all(POLICY)
    }

    assert admitted["platform-ticket"] == {"cloudwatch.amazonaws.com"}
    assert admitted["security-page"] == {"cloudwatch.amazonaws.com", "events.amazonaws.com"}
    assert admitted["finance-platform-ticket"] == {
        "budgets.amazonaws.com",
        "cloudwatch.amazonaws.com",
        "costalerts.amazonaws.com",
    }


def test_mailboxes_and_webhooks_are_subscribed_where_the_settings_say() -> None:
    found = {
        (item.name.removeprefix("notifications-"), item["protocol"]): item["endpoint"]
        for item in alerting_of("prod").all(SUBSCRIPTION)
        if "platform-page" in item.name
    }

    assert found == {
        ("platform-page-pager", "https"): URL,
        ("platform-page-logging-on-call-tinybeans-example", "email"): "logging-on-call@tinybeans.example",
    }


def test_budgets_reach_everybody_whom_their_teams_name() -> None:
    endpoints = {
        item["endpoint"] for item in alerting_of("prod").all(SUBSCRIPTION) if "-finance-platform-ticket-" in item.name
    }

    assert endpoints == {"cloud-costs@tinybeans.example", "logging-tickets@tinybeans.example"}


def test_a_webhook_whose_url_an_operator_keeps_is_subscribed_by_hand_and_the_outputs_say_to_what() -> None:
    here = alerting_context("prod")
    deployment = deploy(lambda: told(here, {}))

    assert {item["protocol"] for item in deployment.all(SUBSCRIPTION)} == {"email"}
    assert deployment.result.outputs["alert_webhooks"] == {
        "pager": [
            f"arn:aws:sns:us-east-1:{ACCOUNT}:tinybeans-prod-alerts-{team}-page" for team in ("platform", "security")
        ]
    }


def test_undelivered_events_come_from_the_stacks_rules_only() -> None:
    queue, rule = "arn:aws:sqs:us-east-1:1:q", "arn:aws:events:us-east-1:1:rule/ours"
    document = undelivered_queue_policy(queue, [rule])

    def sent(source: str, **keys: str) -> Decision:
        keys = {"aws:SecureTransport": "true", **keys, "aws:SourceArn": source}
        return decide(Request("events.amazonaws.com", "sqs:SendMessage", queue, keys), document)

    assert sent(rule) is Decision.ALLOWED
    assert sent(rule.replace("ours", "theirs")) is Decision.SILENT
    assert sent(rule, **{"aws:SecureTransport": "false"}) is Decision.DENIED


def test_an_audience_is_named_after_its_teams_and_its_urgency() -> None:
    assert str(Audience(("finance", "platform"), Severity.TICKET)) == "finance-platform-ticket"


def refused(stack: str = "prod", **overrides: Any) -> dict[str, str]:
    with pytest.raises(InputError) as error:
        alerting_context(stack, **overrides)
    return {it.key: f"{it.wrong} | {it.allowed}" for it in error.value.problems}


def everybody(**changed: Any) -> dict[str, Any]:
    mailbox = [{"email": "somebody@tinybeans.example"}]
    teams = {team: {"page": mailbox, "ticket": mailbox} for team in policy().alerts.teams}
    return {team: found for team, found in {**teams, **changed}.items() if found is not None}


def test_a_team_that_the_policy_does_not_know_is_refused() -> None:
    assert refused(recipients=everybody(plumbers={})) == {
        "tinybeans-logging:alerting.recipients.plumbers": "the policy knows no such team | "
        "platform, security, service-owners, finance"
    }


def test_a_team_that_alerts_tell_and_nobody_is_named_for_is_refused() -> None:
    problems = refused(recipients=everybody(security=None))

    assert set(problems) == {"tinybeans-logging:alerting.recipients.security"}
    assert "nobody is named for this team" in problems["tinybeans-logging:alerting.recipients.security"]


@pytest.mark.parametrize("severity", ["page", "ticket"])
def test_a_page_or_a_ticket_that_would_reach_nobody_is_refused(severity: str) -> None:
    mailbox = [{"email": "somebody@tinybeans.example"}]
    other = {"page": "ticket", "ticket": "page"}[severity]

    assert set(refused(recipients=everybody(platform={other: mailbox}))) == {
        f"tinybeans-logging:alerting.recipients.platform.{severity}"
    }


def test_what_nobody_has_to_act_on_needs_no_recipient() -> None:
    assert alerting_context("prod", recipients=everybody())


@pytest.mark.parametrize("recipient", [{}, {"email": "a@b.example", "webhook": "pager"}, {"email": "nobody"}])
def test_a_recipient_has_one_address_that_can_be_one(recipient: dict[str, str]) -> None:
    (key,) = refused(recipients=everybody(platform={"page": [recipient]}))

    assert key.startswith("tinybeans-logging.alerting.recipients.platform.page.0")


def test_a_stack_that_audits_reads_has_to_name_the_trail_that_its_event_alerts_see_by() -> None:
    assert set(refused(management_trail_arn=None)) == {"tinybeans-logging:alerting.management_trail_arn"}
    assert alerting_context("dev", management_trail_arn=None)


class Config:
    """pulumi.Config, as far as a webhook's URL asks for it."""

    def require_secret_object(self, key: str) -> Any:
        raise AssertionError(f"{key} is read although it is wrong")


@pytest.mark.parametrize("value", [None, "{}", "not json", '["x"]', '{"pager": "http://sentinel-3fd1.invalid"}'])
def test_a_webhook_without_an_https_address_is_refused_and_what_was_given_not_repeated(value: str | None) -> None:
    here = alerting_context("sandbox").settings
    present = {} if value is None else {WEBHOOKS: value}

    with pytest.raises(InputError) as error:
        webhook_urls(here, "sandbox", Config(), present)  # type: ignore[arg-type]

    assert "alertWebhooks.pager: the webhook has no https URL" in str(error.value)
    assert "sentinel" not in str(error.value)


def test_a_webhooks_url_in_the_config_of_a_stack_whose_secrets_operators_keep_is_refused() -> None:
    here = alerting_context("prod").settings
    given = {WEBHOOKS: json.dumps({"pager": URL})}

    with pytest.raises(InputError) as error:
        webhook_urls(here, "prod", Config(), given)  # type: ignore[arg-type]

    assert "values come from operators in this stack" in str(error.value)
    assert "sentinel" not in str(error.value)


def test_a_stack_without_webhooks_asks_for_no_url() -> None:
    here = alerting_context("sandbox", recipients=everybody()).settings

    assert webhook_urls(here, "sandbox", Config(), {}) == {}  # type: ignore[arg-type]


def test_only_the_subscriptions_endpoint_is_wrapped_as_a_secret_when_the_url_is_one() -> None:
    import pulumi  # noqa: PLC0415 - outputs exist only while a program runs

    here = alerting_context("prod")
    deployment = deploy(lambda: told(here, {"pager": pulumi.Output.secret(URL)}))  # type: ignore[dict-item]
    held = [item for item in deployment.resources if URL in json.dumps(dict(item.inputs))]

    assert {(item.type, item.secret_inputs) for item in held} == {(SUBSCRIPTION, frozenset({"endpoint"}))}


def test_the_sources_are_this_stacks_alarms_and_this_accounts_budgets() -> None:
    assert dataclasses.asdict(sources()) == {
        "account_id": ACCOUNT,
        "alarms": f"arn:aws:cloudwatch:us-east-1:{ACCOUNT}:alarm:tinybeans-prod-*",
        "budgets": f"arn:aws:budgets::{ACCOUNT}:*",
    }
