"""Whom what is watched at Datadog reaches there."""

from typing import Annotated

from pydantic import Field

from infra.model import Model

TeamName = Annotated[str, Field(pattern=r"^[a-z][a-z-]{1,40}$")]
Handle = Annotated[str, Field(pattern=r"^@[A-Za-z0-9][A-Za-z0-9._+@-]{1,100}$")]
"""What a notification at Datadog names: `@pagerduty-<service>`, `@slack-<channel>`, `@team-<handle>`, or `@` and an
e-mail address. No secret: keys and webhooks stay in Datadog's own integrations."""


class Handles(Model):
    """Whom one team's alerts reach at Datadog, by how soon somebody has to look."""

    page: tuple[Handle, ...] = ()
    ticket: tuple[Handle, ...] = ()
    info: tuple[Handle, ...] = ()

    def at(self, urgency: str) -> tuple[Handle, ...]:
        """Return who is told at one urgency: page, ticket or info."""
        return {"page": self.page, "ticket": self.ticket, "info": self.info}[urgency]
