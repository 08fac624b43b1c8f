"""What AWS Budgets and Cost Anomaly Detection look at and when they tell, from policy/budgets.yaml. Pure.

Both see a stack's costs by its tags, which count from the day on which somebody activates them as cost allocation tags
(AWS Billing User Guide, "Activating user-defined cost allocation tags"); the account's payer has to do that once.
"""

import json
from collections.abc import Mapping
from typing import Any

from infra.model import Environment
from infra.policy.budgets import Anomaly, Money

PROJECT_TAG, ENVIRONMENT_TAG = "Project", "Environment"
"""Tags that every resource of a stack has (infra/context.py)."""
METRIC = "UnblendedCost"
"""Costs as they are charged: no share of anybody else's discounts."""


def costs_of(tags: Mapping[str, str]) -> dict[str, Any]:
    """Return the filter expression of costs that bear both the project's and the environment's tag."""
    return {"ands": [{"tags": {"key": key, "values": [tags[key]]}} for key in (PROJECT_TAG, ENVIRONMENT_TAG)]}


def notifications(money: Money, topic_arn: str) -> list[dict[str, Any]]:
    """Return the notifications of a monthly budget, each to one topic: AWS Budgets takes no second."""
    return [
        {
            "comparison_operator": "GREATER_THAN",
            "notification_type": item.of.value,
            "threshold": item.at_percent,
            "threshold_type": "PERCENTAGE",
            "subscriber_sns_topic_arns": [topic_arn],
        }
        for item in money.notify
    ]


def monitored(tags: Mapping[str, str]) -> str:
    """Return the specification of an anomaly monitor of the project's costs, with the absent parts that AWS returns.

    A custom monitor takes one tag; a monitor by service, of which an account may have one only, is not a stack's to own.
    """
    absent = dict.fromkeys(("And", "CostCategories", "Dimensions", "Not", "Or"))
    tag = {"Key": PROJECT_TAG, "MatchOptions": None, "Values": [tags[PROJECT_TAG]]}
    return json.dumps({**absent, "Tags": tag}, sort_keys=True)


def unusual(anomaly: Anomaly, environment: Environment) -> dict[str, Any]:
    """Return the expression that an anomaly's impact has to meet to be told: both thresholds."""
    least = {
        "ANOMALY_TOTAL_IMPACT_ABSOLUTE": anomaly.impact_usd.at(environment),
        "ANOMALY_TOTAL_IMPACT_PERCENTAGE": anomaly.impact_percent,
    }
    return {
        "ands": [
            {"dimension": {"key": key, "match_options": ["GREATER_THAN_OR_EQUAL"], "values": [f"{value:g}"]}}
            for key, value in least.items()
        ]
    }
