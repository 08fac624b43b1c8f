"""Budgets and unusual costs: what is told, from policy/budgets.yaml, and that nothing of it can stop a log."""

import json

import pytest

from infra.documents.cost_alerts import costs_of
from tests.alerting_stack import alerting_of
from tests.engine import Registered
from tests.factories import STACKS, context, policy

BUDGET = "aws:budgets/budget:Budget"
MONITOR = "aws:costexplorer/anomalyMonitor:AnomalyMonitor"
SUBSCRIPTION = "aws:costexplorer/anomalySubscription:AnomalySubscription"
TOPIC = "tinybeans-{stack}-alerts-finance-platform-ticket"
every = pytest.mark.parametrize("stack", STACKS)


def topic(stack: str) -> str:
    return context(stack).arn("sns", TOPIC.format(stack=stack))


def budget(stack: str) -> Registered:
    return alerting_of(stack).one(BUDGET)


@every
def test_the_monthly_limit_is_the_policys(stack: str) -> None:
    money, environment = policy().budgets.money, context(stack).settings.environment

    assert float(budget(stack)["limitAmount"]) == money.aws_monthly.at(environment)
    assert (budget(stack)["limitUnit"], budget(stack)["timeUnit"], budget(stack)["budgetType"]) == (
        "USD",
        "MONTHLY",
        "COST",
    )


@every
def test_each_notification_of_the_policy_reaches_the_teams_that_are_told_of_money(stack: str) -> None:
    told = [(it["notificationType"], it["threshold"]) for it in budget(stack)["notifications"]]

    assert told == [(it.of.value, it.at_percent) for it in policy().budgets.money.notify]
    for item in budget(stack)["notifications"]:
        assert item["subscriberSnsTopicArns"] == [topic(stack)]
        assert (item["thresholdType"], item["comparisonOperator"]) == ("PERCENTAGE", "GREATER_THAN")


@every
def test_a_budget_counts_what_bears_the_tags_that_every_resource_of_the_stack_has(stack: str) -> None:
    wanted = {it["tags"]["key"]: it["tags"]["values"] for it in budget(stack)["filterExpression"]["ands"]}

    assert wanted == {"Project": ["tinybeans-logging"], "Environment": [stack]}
    assert costs_of(context(stack).tags("any")) == {
        "ands": [{"tags": {"key": key, "values": values}} for key, values in wanted.items()]
    }


@every
def test_unusual_costs_are_told_when_both_thresholds_of_the_policy_are_met(stack: str) -> None:
    anomaly, found = policy().budgets.money.anomaly, alerting_of(stack).one(SUBSCRIPTION)
    least = {
        it["dimension"]["key"]: (it["dimension"]["matchOptions"], it["dimension"]["values"])
        for it in found["thresholdExpression"]["ands"]
    }

    assert least == {
        "ANOMALY_TOTAL_IMPACT_ABSOLUTE": (
            ["GREATER_THAN_OR_EQUAL"],
            [f"{anomaly.impact_usd.at(context(stack).settings.environment):g}"],
        ),
        "ANOMALY_TOTAL_IMPACT_PERCENTAGE": (["GREATER_THAN_OR_EQUAL"], [f"{anomaly.impact_percent:g}"]),
    }
    assert found["subscribers"] == [{"address": topic(stack), "type": "SNS"}]
    assert found["frequency"] == "IMMEDIATE", "topics are told at once or not at all"


def test_the_monitor_watches_the_projects_own_costs_and_no_monitor_of_the_whole_account_is_made() -> None:
    monitor = alerting_of("prod").one(MONITOR)

    assert monitor["monitorType"] == "CUSTOM"
    assert json.loads(monitor["monitorSpecification"])["Tags"] == {
        "Key": "Project",
        "MatchOptions": None,
        "Values": ["tinybeans-logging"],
    }


def test_both_wait_for_the_policy_of_the_topic_that_they_try() -> None:
    for type_ in (BUDGET, SUBSCRIPTION):
        waits = alerting_of("prod").one(type_).depends_on
        assert any(urn.endswith("notifications-finance-platform-ticket-policy") for urn in waits)
