"""Whom the stack's alerts reach, and by which kind of alarm."""

from collections.abc import Iterator
from typing import Annotated, Self

from pydantic import Field, model_validator

from infra.model import Model
from infra.policy.alerts import Severity
from infra.problems import Refused

WebhookName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,40}$")]
Email = Annotated[str, Field(pattern=r"^[^@\s]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$")]
TrailArn = Annotated[str, Field(pattern=r"^arn:aws[a-z-]*:cloudtrail:[a-z0-9-]+:[0-9]{12}:trail/[A-Za-z0-9._-]+$")]


class Recipient(Model):
    """One address: a mailbox, or a webhook that confirms SNS subscriptions by itself (PagerDuty, Opsgenie)."""

    email: Email | None = None
    webhook: WebhookName | None = None
    """Name of a webhook; its URL is a secret (the key alertWebhooks, or an operator's)."""

    @model_validator(mode="after")
    def _one_address(self) -> Self:
        if (self.email is None) == (self.webhook is None):
            raise Refused("says neither or both of email and webhook", "email or webhook")
        return self


class Recipients(Model):
    """Whom one team's alerts reach, by how soon somebody has to look (policy/alerts.yaml, severity)."""

    page: tuple[Recipient, ...] = ()
    ticket: tuple[Recipient, ...] = ()
    info: tuple[Recipient, ...] = ()

    def at(self, severity: Severity) -> tuple[Recipient, ...]:
        """Return who is told at one severity."""
        return {Severity.PAGE: self.page, Severity.TICKET: self.ticket, Severity.INFO: self.info}[severity]


class Alerting(Model):
    """How alerts are evaluated in AWS, and whom they reach."""

    promql_alarms: bool
    """Whether CloudWatch evaluates the collector's metrics by PromQL; without it alarms rest on metric filters over the
    collector's own log, which see less (docs/adr/0017-aws-alarms.md)."""
    repository: Annotated[str, Field(pattern=r"^https://[^\s]+[^/]$")]
    """Address of this repository's files as people read them; `/docs/runbooks/<alert>.md` is appended."""
    recipients: dict[str, Recipients] = Field(default_factory=dict)
    """Team to its addresses; every team that policy/alerts.yaml tells needs an entry."""
    management_trail_arn: TrailArn | None = None
    """The account's own trail of management events, reads among them, in this region or in all: what event alerts see.
    This program makes none, for a trail of the whole account is not one stack's to own."""

    def runbook(self, path: str) -> str:
        """Return the address of a runbook whose path below the repository is `path`."""
        return f"{self.repository}/{path}"

    def webhooks(self) -> tuple[str, ...]:
        """Return the names of all webhooks, each once."""
        return tuple(dict.fromkeys(item.webhook for item in self._everybody() if item.webhook))

    def _everybody(self) -> Iterator[Recipient]:
        for team in self.recipients.values():
            for severity in Severity:
                yield from team.at(severity)
