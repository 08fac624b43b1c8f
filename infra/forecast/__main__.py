"""`make forecast`: what a month of a stack's logging costs, from measured volume."""

import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from infra.context import Context
from infra.forecast import counters, lines, report, sinks, volume, what_if
from infra.forecast.prices import FILE, load_prices
from infra.model import Environment
from infra.policy import Policy
from infra.problems import InputError, Problem
from infra.stack_file import context_from_file

ROOT = Path(__file__).parent.parent.parent
EXIT_OVER_BUDGET, EXIT_BAD_INPUT = 1, 2
TABLE_COLUMNS = 150


def forecast(
    stack: Annotated[Environment, typer.Option(help="Whose retentions, sampling and sinks.")] = Environment.PROD,
    logs: Annotated[Path | None, typer.Option(help="Lines of JSON as the services write them.")] = None,
    mix: Annotated[str | None, typer.Option(help="Shares by class, application=60,access=40; with --rate.")] = None,
    metrics: Annotated[str | None, typer.Option(help="A collector's metrics page, an address or a file.")] = None,
    rate: Annotated[float | None, typer.Option(min=0.001, help="Records a second of --logs or --mix.")] = None,
    change: Annotated[
        list[str] | None, typer.Option("--what-if", help="For example application.keep_percent=20; repeatable.")
    ] = None,
    prices: Annotated[Path, typer.Option(help="Your own prices.")] = FILE,
    output: Annotated[Path, typer.Option(help="Where forecast.json and forecast.svg are written.")] = ROOT / "build",
) -> None:
    """Project a month's cost by sink and class, and what would save most. Without a measured volume: the whole budget.

    Exit status 1: what is known exceeds a monthly budget of policy/budgets.yaml. 2: bad input.
    """
    console = Console()
    try:
        context = context_from_file(stack, ROOT, datetime.datetime.now(datetime.UTC).date(), {})
        found = _forecast(context, _volume(context.policy, stack, logs, mix, metrics, rate), change or [], prices)
    except InputError as error:
        console.print(escape(str(error)).replace("; nothing was deployed", ""), style="red", soft_wrap=True)
        raise typer.Exit(EXIT_BAD_INPUT) from None
    report.show(Console(width=max(console.width, TABLE_COLUMNS), highlight=False), found)
    for path in report.write(found, output):
        console.print(f"written: {path}", soft_wrap=True, highlight=False)
    if found.over:
        console.print(f"over budget: {', '.join(found.over)} (policy/budgets.yaml, money)", style="red")
        raise typer.Exit(EXIT_OVER_BUDGET)


def _volume(
    policy: Policy, stack: Environment, logs: Path | None, mix: str | None, metrics: str | None, rate: float | None
) -> volume.Volume:
    given = [name for name, value in (("LOGS", logs), ("MIX", mix), ("METRICS", metrics)) if value]
    if len(given) > 1:
        raise InputError([Problem("make forecast", " and ".join(given), "two volumes at once", "one of them")])
    if logs:
        return lines.from_file(logs, rate, policy, stack)
    if metrics:
        return counters.from_page(metrics, policy, stack)
    if mix:
        if rate is None:
            raise InputError([Problem("MIX", "RATE", "a mix says no rate", "RATE=records a second after sampling")])
        return volume.from_mix(mix, rate, policy, stack)
    return volume.from_budgets(policy, stack)


def _forecast(context: Context, found: volume.Volume, changes: list[str], prices_at: Path) -> report.Forecast:
    prices, budgets = load_prices(prices_at), context.policy.budgets.money
    chosen = sinks.choices(context)
    environment = context.settings.environment
    return report.Forecast(
        context.environment,
        found,
        {name: item.kept(chosen[name].percents) for name, item in found.classes.items()},
        tuple(sinks.bill(context, found, chosen, prices)),
        sinks.in_use(context),
        budgets.aws_monthly.at(environment),
        budgets.all_monthly.at(environment),
        tuple(what_if.saving(change, context, found, chosen, prices) for change in changes),
        tuple(what_if.largest(context, found, chosen, prices)),
        tuple(
            name
            for name in found.classes
            if chosen[name].archive.tiers and not sinks.archived(context, name, found, chosen[name], prices).moved
        ),
        prices,
    )


if __name__ == "__main__":
    typer.run(forecast)
