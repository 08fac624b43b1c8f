"""Whether a stack's settings name somebody for every alert that the policy has. Pure."""

from collections.abc import Iterator

from infra.documents.audiences import publishers
from infra.policy import Policy
from infra.policy.alerts import Severity
from infra.settings import Settings

Found = Iterator[tuple[str, str, str]]


def alerting_problems(settings: Settings, policy: Policy) -> Found:
    """Yield key, what is wrong and what is allowed of each thing in the settings that leaves an alert unheard."""
    recipients, teams = settings.alerting.recipients, policy.alerts.teams
    told = list(publishers(policy.alerts))
    for team in recipients:
        if team not in teams:
            yield f"alerting.recipients.{team}", "the policy knows no such team", ", ".join(teams)
    for team in dict.fromkeys(name for audience in told for name in audience.teams):
        if team not in recipients:
            yield f"alerting.recipients.{team}", "nobody is named for this team", "page, ticket and info"
            continue
        for severity in sorted({audience.severity for audience in told if team in audience.teams}):
            # Nobody has to act on info; whoever wants to know subscribes.
            if severity is not Severity.INFO and not recipients[team].at(severity):
                yield (
                    f"alerting.recipients.{team}.{severity}",
                    f"alerts of severity {severity} tell this team, and would tell nobody",
                    "at least one email or webhook",
                )
    floor = policy.data_classes.environments.at(settings.environment)
    if floor.audit_reads and settings.alerting.management_trail_arn is None:
        yield (
            "alerting.management_trail_arn",
            f"weaker than policy asks of {settings.environment}: event alerts see only what a trail records",
            "the ARN of the account's trail of management events",
        )
