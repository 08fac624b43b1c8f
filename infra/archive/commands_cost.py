"""`python -m infra.archive cost`: what each class's archive costs in a month, tier by tier, and what one object meets."""

import datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from infra.archive.commands_export import explained
from infra.context import Context
from infra.forecast import sinks
from infra.forecast.archive import objects_a_day, stays
from infra.forecast.prices import Cost, load_prices, total
from infra.forecast.volume import from_budgets
from infra.stack import ROOT
from infra.stack_file import context_from_file

COLUMNS = 150


def packed(context: Context) -> dict[str, float]:
    """Return the average size (bytes, compressed) of each class's archived objects, at the volume its budget allows."""
    assumed = load_prices().assumptions
    volume = from_budgets(context.policy, context.settings.environment)
    found: dict[str, float] = {}
    for cls, choice in sinks.choices(context).items():
        item = volume.classes[cls]
        records = item.kept(choice.percents)
        size = records * item.record_bytes
        objects = objects_a_day(size, records, context.settings.collector.tasks.minimum, sinks.packing(context))
        found[cls] = size * (volume.stored_share or assumed.archive_stored_share) / objects if objects else 0.0
    return found


def cost(stack: Annotated[str, typer.Option(help="Whose policy, budgets and sampling.")] = "prod") -> None:
    """Show a month's cost of each class's archive once it is full, at the volume that its budget allows.

    `make forecast` computes the same from measured volume. Days billed and not used are a tier's minimum duration.
    """
    console = Console(highlight=False)
    with explained():
        context = context_from_file(stack, ROOT, datetime.datetime.now(datetime.UTC).date(), {})
        prices = load_prices()
        volume = from_budgets(context.policy, context.settings.environment)
        table = Table(title=f"archives of {stack}, US dollars a month", title_justify="left")
        for name in ("class", "kept", "searchable", "bytes an object", "tiers (days)", "billed unused", "storage", "requests", "sum"):  # fmt: skip
            table.add_column(name, justify="left" if name in ("class", "tiers (days)") else "right")
        sums: list[Cost] = []
        sizes = packed(context)
        for cls, choice in sinks.choices(context).items():
            one = sizes[cls]
            found = sinks.archived(context, cls, volume, choice, prices)
            there = stays(choice.archive, one)
            sums.append(found.total)
            table.add_row(
                cls,
                f"{choice.archive.keep_days} d",
                f"{choice.archive.searchable_days} d",
                f"{one:,.0f}",
                ", ".join(f"{stay.tier} {stay.days}" for stay in there),
                f"{sum(stay.billed_days - stay.days for stay in there)} d",
                str(total(list(found.storage.values()))),
                str(found.requests),
                str(found.total),
            )
        table.add_section()
        table.add_row("sum", *[""] * 7, str(total(sums)))
        Console(width=max(console.width, COLUMNS), highlight=False).print(table)
