"""`python -m sandbox.loss`: run the cases, show what arrived, fail when anything acknowledged was lost."""

import datetime
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from infra.context import Context
from infra.problems import InputError
from infra.stack import ROOT
from infra.stack_file import context_from_file
from sandbox.loss.audit import Result
from sandbox.loss.case import Case, by_name, lengthened, run
from sandbox.loss.cases import CASES
from sandbox.loss.show import show
from sandbox.tools.errors import ToolMissingError
from sandbox.tools.locate import locate

EXIT_FAILED, EXIT_BAD_INPUT, EXIT_NO_TOOL = 1, 2, 3
SETTLES_SECONDS, SETTLES_LONG_SECONDS = 60.0, 300.0
console = Console()


def sandbox_context() -> Context:
    """Return the sandbox stack with CloudWatch, New Relic and the archive as its sinks."""
    today = datetime.datetime.now(datetime.UTC).date()
    return context_from_file("sandbox", ROOT, today, {"destinations": "cloudwatch,newrelic"})


def _listed(value: list[str] | None) -> list[str] | None:
    known = by_name(CASES)
    for name in value or ():
        if name not in known:
            raise typer.BadParameter(f"no case {name}; there are: {', '.join(known)}")
    return value


def main(
    *,
    case: Annotated[
        list[str] | None,
        typer.Option(help="Run this case only; may be given again. --list names them.", callback=_listed),
    ] = None,
    long: Annotated[bool, typer.Option("--long", help="Faults of ten minutes, with pauses as in production.")] = False,
    jobs: Annotated[int, typer.Option(min=1, max=16, help="Cases at a time.")] = 3,
    list_cases: Annotated[bool, typer.Option("--list", help="Name the cases and what each does.")] = False,
    keep: Annotated[Path | None, typer.Option(help="Keep configurations, logs and volumes in this directory.")] = None,
) -> None:
    """Send numbered records through the real collector while things go wrong, and audit what arrives.

    Every sink is a double on a loopback address. The short form runs each fault for seconds, with queues small enough
    to overflow, short batches and pauses of 2 s at most; everything else is as rendered for the sandbox.

    Exit status 1: an acknowledged record was lost, or a healthy sink was affected before a spill was full. 2: bad
    input. 3: no collector.
    """
    if list_cases:
        for item in CASES:
            console.print(f"{item.name:22} {item.what}", highlight=False, soft_wrap=True)
        return
    chosen = [item for item in CASES if not case or item.name in case]
    chosen = [lengthened(item) for item in chosen] if long else chosen
    try:
        context, executable = sandbox_context(), locate("otelcol", tell=console.print)
    except InputError as error:
        console.print(str(error), markup=False)
        raise typer.Exit(EXIT_BAD_INPUT) from None
    except ToolMissingError as error:
        console.print(str(error), markup=False)
        raise typer.Exit(EXIT_NO_TOOL) from None
    with tempfile.TemporaryDirectory(prefix="loss-") as scratch:
        settles = SETTLES_LONG_SECONDS if long else SETTLES_SECONDS
        results = _all(chosen, context, executable, keep or Path(scratch), settles, jobs)
    show(console, results)
    failed = sum(not result.passed for result in results)
    console.print(
        f"[bold red]{failed} of {len(results)} cases failed[/]"
        if failed
        else f"[green]0 acknowledged records lost in {len(results)} cases[/]"
    )
    raise typer.Exit(EXIT_FAILED if failed else 0)


def _all(
    cases: list[Case], context: Context, executable: Path, directory: Path, settles: float, jobs: int
) -> list[Result]:
    state: dict[str, str] = {}
    with console.status("starting") as status, ThreadPoolExecutor(jobs) as pool:

        def one(case: Case) -> Result:
            def say(text: str) -> None:
                state[case.name] = text
                status.update(" | ".join(f"{name}: {what}" for name, what in state.items()))

            result = run(case, context, executable, directory / case.name, say, settles=settles)
            state.pop(case.name, None)
            verdict = "[green]passed[/]" if result.passed else "[bold red]failed[/]"
            console.print(f"{verdict} {case.name} in {result.seconds:.0f} s: {case.what}", highlight=False)
            return result

        return list(pool.map(one, cases))


if __name__ == "__main__":
    typer.run(main)
