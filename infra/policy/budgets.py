"""policy/budgets.yaml as models: what logging may cost, in bytes, events and money, and what holds above it.

Nothing here can stop a log: notifications, Datadog's own daily limits, and the sampling of records that the classes
let be sampled.
"""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from infra.model import Environment, Model, PerEnvironment, Sentence
from infra.policy.data_classes import ClassName
from infra.policy.severity import Severity
from infra.policy.thinning import Percent
from infra.problems import Refused

ServiceName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,40}$")]
Bytes = Annotated[int, Field(ge=1, le=10**15, description="Bytes.")]
Usd = Annotated[float, Field(gt=0, le=10_000_000, description="US dollars.")]
SECONDS_A_DAY = 86_400


class NotifyOf(StrEnum):
    """What a notification compares with the limit (AWS Budgets, NotificationType)."""

    ACTUAL = "ACTUAL"
    FORECASTED = "FORECASTED"


class Notification(Model):
    """People are told when a month's cost exceeds a share of its limit."""

    of: NotifyOf
    at_percent: Annotated[float, Field(gt=0, le=1000)]
    """Percent of the monthly limit."""


class Anomaly(Model):
    """When an unusual cost is told (AWS Cost Anomaly Detection): both thresholds must be met."""

    impact_usd: PerEnvironment[Usd]
    """US dollars above what was expected."""
    impact_percent: Annotated[float, Field(gt=0)]
    """Percent above what was expected."""


class Money(Model):
    """Money a month; notifications only."""

    currency: Literal["USD"]
    """AWS Budgets takes no other."""
    aws_monthly: PerEnvironment[Usd]
    """What AWS may bill for logging in a month."""
    all_monthly: PerEnvironment[Usd]
    """What every sink together may cost in a month, AWS among them."""
    notify: tuple[Notification, ...] = Field(min_length=1, max_length=10)
    """AWS Budgets takes at most ten a budget."""
    anomaly: Anomaly
    reason: Sentence

    @model_validator(mode="after")
    def _the_whole_holds_its_part(self) -> Self:
        for environment in Environment:
            if self.all_monthly.at(environment) < self.aws_monthly.at(environment):
                raise Refused(
                    "all sinks together may cost less than AWS alone",
                    f"at least aws_monthly.{environment} ({self.aws_monthly.at(environment):g})",
                    f"all_monthly.{environment}",
                )
        if len(set(self.notify)) < len(self.notify):
            raise Refused("one notification stands twice", "each once", "notify")
        return self


class Datadog(Model):
    """How Datadog applies its daily limits, in every index alike."""

    resets_at: Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
    """Time of day at which a limit starts anew."""
    utc_offset: Annotated[str, Field(pattern=r"^[+-](0[0-9]|1[0-4]):[0-5][0-9]$")]
    """Offset from UTC of that time."""
    warning_percent: Annotated[float, Field(ge=50, le=99.99)]
    """Percent of a limit at which Datadog warns (Logs Indexes API: 50 to 99.99)."""
    reason: Sentence


class OverBudget(Model):
    """What is kept of a class's records from a service that is over its rate limit."""

    below: Severity
    """Only records below this severity are thinned out."""
    keep_percent: PerEnvironment[Percent]
    """Percent of the traces, or sessions, that were sent, not of those that the class's own sampling left."""
    reason: Sentence


class ClassBudget(Model):
    """One class's volume; what leaves the collector for each sink."""

    record_bytes: Annotated[int, Field(ge=50, le=500_000)]
    """Bytes of a record as OTLP, on average: what turns bytes into Datadog's events and into records."""
    daily_bytes: PerEnvironment[Bytes]
    """Bytes a day from all services, uncompressed."""
    services: dict[ServiceName, PerEnvironment[Bytes]] = Field(min_length=1)
    """Bytes a day from each service; their sum stays within daily_bytes."""
    datadog_daily_events: PerEnvironment[Annotated[int, Field(ge=1)]] | None = None
    """Events a day that Datadog indexes; absent: all of them, the only choice for classes that are never sampled."""
    over_budget: OverBudget | None = None
    """Absent: records are kept whatever their number, the only choice for classes that are never sampled."""
    reason: Sentence

    @model_validator(mode="after")
    def _within_the_class(self) -> Self:
        for environment in Environment:
            limit = self.daily_bytes.at(environment)
            promised = sum(item.at(environment) for item in self.services.values())
            if promised > limit:
                raise Refused(
                    f"the services of {environment} may send {promised} bytes a day, more than their class",
                    f"a sum of at most daily_bytes.{environment} ({limit})",
                    "services",
                )
            if self.datadog_daily_events is not None:
                events = limit // self.record_bytes
                if self.datadog_daily_events.at(environment) > events:
                    raise Refused(
                        "Datadog would index more than the class's budget",
                        f"at most {events} (daily_bytes.{environment} / record_bytes)",
                        f"datadog_daily_events.{environment}",
                    )
        return self


class RateLimit(Model):
    """How many records a service may send before its classes' over_budget rules hold for it."""

    records_per_second: PerEnvironment[Annotated[int, Field(ge=1, le=1_000_000)]]
    """Records a second over all of the environment's collectors, of those that may be thinned out."""
    burst_seconds: Annotated[int, Field(ge=1, le=600)]
    """Seconds' worth of records that wait for their turn before any is thinned out."""
    reason: Sentence


class Budgets(Model):
    """The whole of policy/budgets.yaml."""

    version: Annotated[int, Field(ge=1)]
    money: Money
    datadog: Datadog
    classes: dict[ClassName, ClassBudget]
    rate_limits: dict[ServiceName, RateLimit]
    """Service to its limit."""

    def service_daily_bytes(self, service: str, environment: Environment) -> dict[str, int]:
        """Return class to the bytes a day that `service` may send of it; classes it has no budget in are left out."""
        return {
            name: item.services[service].at(environment)
            for name, item in self.classes.items()
            if service in item.services
        }

    @property
    def limited(self) -> dict[str, OverBudget]:
        """Return class to what holds for it over budget; the classes whose records are always kept are left out."""
        return {name: item.over_budget for name, item in self.classes.items() if item.over_budget is not None}
