"""One alert, the whole of policy/alerts.yaml, and the absence alerts that follow from both."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from infra.model import Model, Sentence
from infra.policy.alerts.conditions import (
    Absent,
    Balance,
    Condition,
    Increase,
    Predicted,
    Restarts,
    Silent,
    Vanished,
)
from infra.policy.alerts.elsewhere import (
    AwsCondition,
    BudgetCondition,
    CompositeCondition,
    EventCondition,
    LogCondition,
    OwnLogCondition,
)
from infra.policy.alerts.metrics import COLLECTOR_METRICS, Presence
from infra.policy.alerts.series import Seconds
from infra.policy.alerts.used import metrics_of
from infra.problems import Refused

AlertId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$")]
WITNESS = "otelcol_process_uptime"
"""The metric that is there whenever the collector's pages are read: it speaks for those that come with a first event."""
MISSING = "collector-metrics-missing"
"""The alert whose runbook says what to do when a metric is missing."""


class Kind(StrEnum):
    """What an alert looks at."""

    COLLECTOR = "collector"
    """The collector's own metrics."""
    AWS = "aws"
    """A metric of CloudWatch."""
    EVENT = "event"
    """An API call that CloudTrail recorded."""
    LOGS = "logs"
    """Log records."""
    BUDGET = "budget"
    """A budget of policy/budgets.yaml."""
    COMPOSITE = "composite"
    """Other alerts."""


class Severity(StrEnum):
    """How soon somebody has to look."""

    PAGE = "page"
    """Now, at night too."""
    TICKET = "ticket"
    """On the next working day."""
    INFO = "info"
    """Worth knowing; nobody has to act."""


class Target(StrEnum):
    """Where an alert can be evaluated."""

    PROMETHEUS = "prometheus"
    CLOUDWATCH = "cloudwatch"
    DATADOG = "datadog"


_CONDITIONS: dict[Kind, tuple[type, ...]] = {
    Kind.AWS: (AwsCondition,),
    Kind.EVENT: (EventCondition,),
    Kind.LOGS: (LogCondition,),
    Kind.BUDGET: (BudgetCondition,),
    Kind.COMPOSITE: (CompositeCondition,),
}
_TARGETS = {
    Kind.COLLECTOR: frozenset(Target),
    Kind.AWS: frozenset({Target.CLOUDWATCH}),
    Kind.EVENT: frozenset({Target.CLOUDWATCH}),
    Kind.LOGS: frozenset({Target.DATADOG}),
    Kind.BUDGET: frozenset({Target.CLOUDWATCH}),
    Kind.COMPOSITE: frozenset({Target.CLOUDWATCH}),
}
NOT_AT_DATADOG = (Absent, Balance, Predicted, Restarts, Silent, Vanished)
"""What a metric monitor cannot say: it gets counters as deltas, sees no restart, and has no `unless`. Datadog's own
answer to a metric that stops is the monitor's `on_missing_data`."""

AnyCondition = Annotated[
    Condition | AwsCondition | EventCondition | BudgetCondition | CompositeCondition | LogCondition,
    Field(discriminator="function"),
]


class Alert(Model):
    """One reason to tell somebody."""

    kind: Kind
    summary: Sentence
    """What is the matter, in the words of whoever is woken."""
    condition: AnyCondition
    for_seconds: Annotated[int, Field(ge=0, le=86_400)] = 0
    """How long the condition has to hold before anybody is told."""
    severity: Severity
    notify: tuple[str, ...] = Field(min_length=1)
    """Teams; settings say how each is reached."""
    targets: tuple[Target, ...] = Field(min_length=1)
    classic: Annotated[AwsCondition | OwnLogCondition, Field(discriminator="function")] | None = None
    """What stands in for it at CloudWatch where the stack has no PromQL alarms; absent: nothing can."""
    reason: Sentence
    """Why this threshold and this time, with the source."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        expected = _CONDITIONS.get(self.kind)
        others = tuple(kind for kinds in _CONDITIONS.values() for kind in kinds)
        if (expected and not isinstance(self.condition, expected)) or (
            expected is None and isinstance(self.condition, others)
        ):
            raise Refused(f"is no condition of an alert of kind {self.kind}", "see the schema", "condition")
        if extra := set(self.targets) - _TARGETS[self.kind]:
            raise Refused(
                f"an alert of kind {self.kind} cannot be evaluated by {', '.join(sorted(extra))}",
                ", ".join(sorted(_TARGETS[self.kind])),
                "targets",
            )
        if Target.DATADOG in self.targets and isinstance(self.condition, NOT_AT_DATADOG):
            raise Refused(f"a metric monitor cannot say {self.condition.function}", "prometheus, cloudwatch", "targets")
        if isinstance(self.condition, (Increase, Restarts)) and self.for_seconds >= self.condition.window_seconds:
            raise Refused(
                "can never fire for one event: the window has passed it before that",
                f"below window_seconds, {self.condition.window_seconds}",
                "for_seconds",
            )
        if self.classic is not None and self.kind is not Kind.COLLECTOR:
            raise Refused("is an alarm of the classic kind already", "absent", "classic")
        return self


class Absence(Model):
    """What the alerts on missing metrics have in common; there is one for each metric that another alert asks for."""

    for_seconds: Annotated[int, Field(ge=0, le=86_400)]
    vanished_after_seconds: Seconds
    """How far back a metric that is not there from the start must have been seen."""
    severity: Severity
    notify: tuple[str, ...] = Field(min_length=1)
    targets: tuple[Target, ...] = Field(min_length=1)
    reason: Sentence


class Alerts(Model):
    """The whole of policy/alerts.yaml."""

    version: Annotated[int, Field(ge=1)]
    teams: dict[str, Sentence] = Field(min_length=1)
    """Who can be told, and what they answer for."""
    services: tuple[Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,40}$")], ...] = Field(min_length=1)
    """Services whose records are counted by name; all others are counted as `other`."""
    absence: Absence
    alerts: dict[AlertId, Alert] = Field(min_length=1)

    @model_validator(mode="after")
    def _refers_to_what_exists(self) -> Self:
        for name, alert in self.alerts.items():
            _teams(alert.notify, self.teams, f"alerts.{name}.notify")
            if isinstance(alert.condition, CompositeCondition):
                for key in ("any_of", "suppresses"):
                    if unknown := set(getattr(alert.condition, key)) - set(self.alerts) | {name} & set(
                        getattr(alert.condition, key)
                    ):
                        raise Refused(
                            f"names no other alert: {', '.join(sorted(unknown))}",
                            ", ".join(sorted(set(self.alerts) - {name})),
                            f"alerts.{name}.condition.{key}",
                        )
        _teams(self.absence.notify, self.teams, "absence.notify")
        if MISSING not in self.alerts or self.alerts[MISSING].condition != Absent(function="absent", metric=WITNESS):
            raise Refused("nothing tells that no metric comes at all", f"{MISSING}: {WITNESS} absent", "alerts")
        return self

    def every(self) -> dict[str, Alert]:
        """Return every alert by id: those of the file, and one for each metric that one of them asks for."""
        return {**self.alerts, **self.absences()}

    def absences(self) -> dict[str, Alert]:
        """Return the alerts that a metric is missing, by id. A series that is gone would else count as recovered.

        There is none for a counter that appears with a first event: where the process is heard, absent means zero.
        """
        used = {name for alert in self.alerts.values() for name in metrics_of(alert.condition)} - {WITNESS}
        return {
            f"missing-{name.replace('_', '-')}": self._absence(name)
            for name in sorted(used)
            if COLLECTOR_METRICS[name].presence is not Presence.EVENT
        }

    def _absence(self, name: str) -> Alert:
        common = self.absence
        always = COLLECTOR_METRICS[name].presence is Presence.ALWAYS
        found = (
            Absent(function="absent", metric=name)
            if always
            else Vanished(function="vanished", metric=name, window_seconds=common.vanished_after_seconds)
        )
        return Alert(
            kind=Kind.COLLECTOR,
            summary=f"The metric {name} is missing: alerts on it cannot fire.",
            condition=found,
            for_seconds=common.for_seconds,
            severity=common.severity,
            notify=common.notify,
            targets=common.targets,
            reason=common.reason,
        )

    def runbook(self, alert: str) -> str:
        """Return the path, below the repository, of the runbook of an alert of `every`."""
        return f"docs/runbooks/{alert if alert in self.alerts else MISSING}.md"


def _teams(named: tuple[str, ...], known: dict[str, str], key: str) -> None:
    if unknown := set(named) - set(known):
        raise Refused(f"unknown team {', '.join(sorted(unknown))}", ", ".join(known), key)
