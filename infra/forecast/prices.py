"""Prices as data, each with its source, and sums that say when a price in them is not known."""

import datetime
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError

from infra.model import Model
from infra.problems import InputError, from_validation
from infra.yaml_file import read_yaml

FILE = Path(__file__).parent / "prices.yaml"
BILLION, MILLION, THOUSAND = 1e9, 1e6, 1e3
UNITS = {"GB": BILLION, "GB-month": BILLION, "million": MILLION, "thousand": THOUSAND}
"""Unit of a price to bytes or to the number of things; sellers count a GB as 10^9 bytes."""


class Price(Model):
    """One list price, and how far it can be trusted."""

    usd: Annotated[float, Field(ge=0)] | None
    """US dollars; null where nobody is sure."""
    per: Literal["GB", "GB-month", "million", "thousand"]
    source: Annotated[str, Field(pattern="^https://")]
    """The seller's own page, where it can be checked."""
    seen: Annotated[str, Field(min_length=5)]
    """Where the figure comes from, or why there is none."""


class Assumptions(Model):
    """What a forecast needs and no policy decides."""

    month_days: Annotated[float, Field(ge=28, le=31)]
    cloudwatch_stored_share: Annotated[float, Field(gt=0, le=1)]
    """Bytes that CloudWatch keeps of each byte that came in."""
    archive_stored_share: Annotated[float, Field(gt=0, le=1)]
    """Bytes of an archived object of each byte that it holds."""
    scans_a_month: Annotated[float, Field(ge=0)]
    """How often all that is searchable is searched in a month."""


@dataclass(frozen=True)
class Cost:
    """US dollars a month, and the prices that are missing in them."""

    usd: float = 0.0
    unknown: frozenset[str] = frozenset()

    def __add__(self, other: Self) -> "Cost":
        """Return both together; what is not known of either is not known of the sum."""
        return Cost(self.usd + other.usd, self.unknown | other.unknown)

    def __str__(self) -> str:
        """Return the amount as people read it."""
        if self.unknown:
            return f"at least {self.usd:,.2f}" if self.usd else "unknown"
        return f"{self.usd:,.2f}"


class Prices(Model):
    """The whole of a price file."""

    version: Annotated[int, Field(ge=1)]
    date: datetime.date
    """When the figures were gathered."""
    assumptions: Assumptions
    prices: dict[str, Price]

    def cost(self, name: str, amount: float) -> Cost:
        """Return what `amount` bytes, byte-months or things cost; nothing costs nothing, whatever its price."""
        if amount <= 0:
            return Cost()
        price = self.prices.get(name)
        if price is None or price.usd is None:
            return Cost(unknown=frozenset([name]))
        return Cost(price.usd * amount / UNITS[price.per])


def total(costs: "list[Cost]") -> Cost:
    """Return the sum of `costs`."""
    found = Cost()
    for cost in costs:
        found += cost
    return found


def load_prices(path: Path = FILE) -> Prices:
    """Return the prices in `path`. Raises InputError with every problem in it."""
    try:
        return Prices.model_validate(read_yaml(path, path.name))
    except ValidationError as error:
        raise InputError(from_validation(path.name, error)) from None
