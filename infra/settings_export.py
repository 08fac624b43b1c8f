"""How the nightly export runs in a stack; what it exports is policy's."""

import zoneinfo
from typing import Annotated

from pydantic import Field, field_validator

from infra.model import Model
from infra.problems import Refused


class NightlyExport(Model):
    """The schedule and the function of the nightly export."""

    time_zone: str = "UTC"
    """Time zone of the schedule (IANA name). Days are UTC's, whatever it says."""
    reserved_concurrency: Annotated[int, Field(ge=1, le=1)] | None = 1
    """1: two runs at once are refused by Lambda; null where the account's quota leaves none to reserve, and S3's
    If-None-Match alone keeps runs apart."""
    log_retention_days: Annotated[int, Field(ge=1)] = 30
    """Hot retention (days) of the function's own log group."""

    @field_validator("time_zone")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in zoneinfo.available_timezones():
            raise Refused("not a time zone", "an IANA name such as UTC or Australia/Sydney", "")
        return value
