"""What of a stack's settings is Datadog's alone."""

from typing import Annotated

from pydantic import Field

from infra.model import Model
from infra.settings_datadog_watch import Handles, TeamName

Ids = tuple[Annotated[str, Field(min_length=1, max_length=200)], ...]


class Order(Model):
    """Present in the one stack that decides for the whole organisation what comes first; everything that it has besides
    this stack's own is named here, and comes after."""

    pipelines_after: Ids = ()
    """Ids of all other pipelines, those of integrations among them."""
    indexes_after: Ids = ()
    """Names of all other indexes; `main` is one."""
    archives_after: Ids = ()
    """Ids of all other archives; a record goes to the first that matches."""
    scanner_groups_after: Ids = ()
    """Ids of all other groups of the Sensitive Data Scanner."""


class Datadog(Model):
    """Datadog's organisation."""

    order: Order | None = None
    """Orders exist once in an organisation; a stack without this key leaves them alone."""
    index_suffix: Annotated[str, Field(pattern=r"^(-[a-z0-9]{1,10})?$")] = ""
    """Ends the names of indexes: a deleted index's name can never be used again, so its successor needs another."""
    handles: dict[TeamName, Handles] = Field(default_factory=dict)
    """Team of policy/alerts.yaml to whom its alerts reach at Datadog; every team that is told there needs an entry."""
