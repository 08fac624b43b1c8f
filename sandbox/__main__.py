"""`python -m sandbox`: the demo, and a sandbox that stays up."""

import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from infra.problems import InputError
from infra.stack import ROOT
from sandbox.tools.errors import ToolMissingError
from sandbox.tools.locate import locate

EXIT_FAILED, EXIT_BAD_INPUT, EXIT_NO_TOOL = 1, 2, 3
SIGN_OF_LIFE_SECONDS = 5.0
"""Where nobody sees a spinner, a line now and then shows that something happens."""

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="The whole logging platform in an embedded cloud, with no account."
)
console = Console()
Say = Callable[[str], None]


@app.command()
def demo(
    repeat: Annotated[int, typer.Option(min=1, max=50, help="How often the application's scenario runs.")] = 1,
    report: Annotated[Path, typer.Option(help="Where the HTML report is written.")] = ROOT / ".sandbox" / "report.html",
) -> None:
    """Bring the stack up, send real log lines through the real collector, and show where each one went.

    LOGS=path.jsonl sends somebody's own lines instead of the sandbox application's; DATADOG=1 adds Datadog as a sink.
    Exit status 1: a sum does not add up, or a listed sensitive value arrived somewhere. 2: bad input. 3: no tool.
    """
    from sandbox.demo.report import write_report
    from sandbox.demo.run import carry, destinations_from, live_sandbox
    from sandbox.demo.show import show

    directory = _fresh(ROOT / ".sandbox" / "demo")
    with _explained(), _progress() as say:
        engine, otelcol = _tools(say)
        lines = _lines(directory, repeat, say)
        with live_sandbox(directory, engine, otelcol, destinations_from(), say) as live:
            result = carry(live, lines, say)
    show(console, result)
    console.print(f"report: {write_report(result, report)}", soft_wrap=True, highlight=False)
    console.print("look for yourself: `make sandbox` keeps it running and prints commands to paste", highlight=False)
    raise typer.Exit(0 if result.passed else EXIT_FAILED)


@app.command()
def keep() -> None:
    """Bring the stack up with some records in it, print commands to look around with, and stay until Ctrl-C."""
    from sandbox.demo.run import carry, destinations_from, live_sandbox
    from sandbox.demo.show import show
    from sandbox.look import hints, variables
    from sandbox.running import announced

    directory = _fresh(ROOT / ".sandbox" / "keep")
    with _explained(), _progress() as say:
        engine, otelcol = _tools(say)
        lines = _lines(directory, 1, say)
        with live_sandbox(directory, engine, otelcol, destinations_from(), say) as live:
            result = carry(live, lines, say)
            say("")
            show(console, result)
            console.print(hints(live), soft_wrap=True, highlight=False, markup=False)
            with announced(variables(live)):
                live.collector.process.wait()


def _tools(say: Say) -> tuple[Path, Path]:
    say("looking for the Pulumi engine")
    engine = locate("pulumi", tell=say)
    say("looking for the OpenTelemetry Collector")
    return engine, locate("otelcol", tell=say)


def _lines(directory: Path, repeat: int, say: Say):  # type: ignore[no-untyped-def] # the type's import costs a second
    import datetime

    from infra.policy import load_policy
    from sandbox.demo.lines import from_application, from_file

    if path := os.environ.get("LOGS"):
        say(f"reading {path}")
        return from_file(Path(path), load_policy(ROOT / "policy", datetime.datetime.now(datetime.UTC).date()))
    say("running the Django service through its scenario")
    return from_application(directory, repeat)


def _fresh(directory: Path) -> Path:
    """Return `directory`, empty: each run starts from nothing."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    return directory


@contextmanager
def _explained() -> Iterator[None]:
    """Turn what can go wrong for a user into a message, a next step and an exit status."""
    from sandbox.demo.lines import NoLinesError

    signal.signal(signal.SIGTERM, _stopped)
    try:
        yield
    except (InputError, NoLinesError) as error:
        _end(str(error), EXIT_BAD_INPUT)
    except ToolMissingError as error:
        _end(str(error), EXIT_NO_TOOL)
    except KeyboardInterrupt:
        _end("stopped", 130)


def _stopped(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def _end(message: str, status: int) -> NoReturn:
    Console(stderr=True).print(message, style="red", markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(status)


@contextmanager
def _progress() -> Iterator[Say]:
    """Yield a function that shows what is being done: a living line on a terminal, else a plain line now and then."""
    if console.is_terminal:
        with console.status("starting") as status:
            yield lambda text: status.update(text) if text else status.stop()
        return
    said = time.monotonic() - SIGN_OF_LIFE_SECONDS
    stage = ""

    def say(text: str) -> None:
        nonlocal said, stage
        now, this = time.monotonic(), text.partition(":")[0]
        if text and (this != stage or now - said > SIGN_OF_LIFE_SECONDS):
            console.print(text, markup=False, highlight=False)
            said, stage = now, this

    yield say


if __name__ == "__main__":
    app()
