"""`python -m infra.archive replay` and `replay-config`: what is archived, sent to a sink again."""

import datetime
import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import boto3
import typer
from rich.console import Console

from infra.archive.errors import ArchiveError
from infra.archive.objects import Form
from infra.archive.replay import show
from infra.archive.replay.carry import Options
from infra.archive.replay.dry_run import look
from infra.archive.replay.errors import ReplayStoppedError
from infra.archive.replay.reading import Place, listed
from infra.archive.replay.request import Asked, Replay, checked
from infra.archive.replay.run import Here, into_own, into_running
from infra.archive.replay.sink_environment import check_address, with_key
from infra.archive.replay.state import State, opened
from infra.documents.collector import dumps, load_fragments
from infra.documents.collector.replay import replay_config
from infra.policy.destinations import Destination
from infra.problems import InputError, Problem
from infra.stack import ROOT
from infra.stack_file import context_from_file

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

EXIT_FAILED, EXIT_BAD_INPUT, EXIT_STOPPED = 1, 2, 130
EVERY_FORM = (Form.COLLECTED, Form.EXPORTED)
out, err = Console(highlight=False, soft_wrap=True), Console(stderr=True, highlight=False)


def replay(
    cls: Annotated[str, typer.Option("--class", help="The class whose archive is read.")],
    start: Annotated[str, typer.Option("--from", help="First day, or instant, of the events (UTC).")],
    end: Annotated[str, typer.Option("--to", help="Last day, included, or instant, excluded.")],
    to_sink: Annotated[str, typer.Option(help="A destination that policy allows for the class.")],
    stack: Annotated[str, typer.Option(help="Whose archive, policy and sink addresses.")] = "sandbox",
    *,
    dry_run: Annotated[bool, typer.Option(help="Count by day and object, send nothing.")] = False,
    rate: Annotated[float, typer.Option(min=1, help="Records a second at most.")] = 2000,
    form: Annotated[
        Form | None, typer.Option(help="Read only what the collector wrote, or only CloudWatch's export; else both.")
    ] = None,
    late_days: Annotated[int, typer.Option(min=0, max=400, help="Days after an event in which it may have come.")] = 2,
    skip_unreadable: Annotated[bool, typer.Option(help="Go on past objects that cannot be read to their end.")] = False,
    again: Annotated[bool, typer.Option(help="Forget that this was replayed before, and send all of it.")] = False,
    sink_url: Annotated[str, typer.Option(help="The sink's base address, where it is not the stack's.")] = "",
    collector: Annotated[str, typer.Option(help="Address of a collector in replay mode that runs already.")] = "",
    otelcol: Annotated[str, typer.Option(envvar="OTELCOL", help="The collector to start; else the one on PATH.")] = "",
    state: Annotated[Path, typer.Option(help="Where checkpoints and queues are kept.")] = ROOT / ".replay",
    patience: Annotated[float, typer.Option(min=1, help="Seconds in which something has to move.")] = 120,
) -> None:
    """Send archived records of a class to a sink again: as they were, marked, at a rate, from where it was left.

    Records keep their uid, time, text and attributes, and get tinybeans.replayed. The same command after an
    interruption carries on. Exit status 1: something could not be read, was refused or did not arrive; 2: bad input.
    """
    forms = EVERY_FORM if form is None else (form,)
    asked = Asked(stack, cls, start, end, to_sink, forms, late_days, sink_url)
    with _explained():
        found = checked(asked, ROOT, datetime.datetime.now(datetime.UTC))
        s3 = boto3.client("s3", region_name=found.context.region)
        if dry_run:
            with show.Bar(out, _size(s3, found, None)).shown() as bar:
                seen = look(s3, found, bar.object_done)
            show.dry_run(out, found, seen)
            raise typer.Exit(EXIT_FAILED if seen.unreadable else 0)
        directory = state.resolve() / found.name
        if again:
            shutil.rmtree(directory, ignore_errors=True)
        with opened(directory) as kept:
            found = replace(found, window=kept.window(found.window))
            if kept.finished:
                show.finished_before(out, found, kept)
                return
            options = Options(rate, patience, skip_unreadable)
            whole = _run(s3, found, kept, directory, options, _Means(collector, otelcol))
    raise typer.Exit(0 if whole else EXIT_FAILED)


def replay_configuration(
    to_sink: Annotated[str, typer.Option(help="The only sink that the collector will have.")],
    stack: Annotated[str, typer.Option(help="Whose policy and settings.")] = "prod",
) -> None:
    """Print the configuration of a collector in replay mode, to be run with the stack's own task definition."""
    with _explained():
        if to_sink not in set(Destination):
            raise InputError([Problem("command line", "TO_SINK", "there is no such sink", ", ".join(Destination))])
        context = context_from_file(stack, ROOT, datetime.datetime.now(datetime.UTC).date())
        config = replay_config(context, load_fragments(ROOT / "collector_configs"), Destination(to_sink))
        print(dumps(config, stack=stack), end="")


def _run(s3: "S3Client", found: Replay, kept: State, directory: Path, options: Options, means: "_Means") -> bool:
    """Carry it out and return whether everything that was asked for arrived."""
    total = _size(s3, found, kept.place)
    started = time.monotonic()
    with show.Bar(out, total).shown() as bar:
        if means.url:
            into_running(s3, found, kept, means.url, options, bar)
        else:
            check_address(found.context, found.sink, os.environ)
            secrets = boto3.client("secretsmanager", region_name=found.context.region)
            variables = with_key(
                found.context,
                found.sink,
                os.environ,
                lambda name: secrets.get_secret_value(SecretId=name)["SecretString"],
            )
            into_own(s3, found, kept, Here(_executable(means.otelcol), variables, ROOT, directory), options, bar)
        kept.finish(datetime.datetime.now(datetime.UTC))
    show.ended(out, found, kept, time.monotonic() - started, means.url or found.sink)
    return not kept.counts.refused.total() and not kept.counts.unreadable


def _size(s3: "S3Client", found: Replay, place: Place | None) -> int:
    """Return the bytes of what is to be read from `place` on: what the bar is measured against."""
    with out.status("listing the archive"):
        return sum(item.size_bytes for item in listed(s3, found, place))


@dataclass(frozen=True)
class _Means:
    """By which collector: one that runs at `url`, else one that is started from the program `otelcol`."""

    url: str
    otelcol: str


def _executable(given: str) -> Path:
    found = given or shutil.which("otelcol-contrib") or shutil.which("otelcol")
    if not found or not os.access(found, os.X_OK):
        wrong = "there is no collector to start"
        raise InputError(
            [Problem("environment", "OTELCOL", wrong, "its path, otelcol-contrib on PATH, or --collector")]
        )
    return Path(found)


@contextmanager
def _explained() -> Iterator[None]:
    """Turn what can go wrong for a user into a message, a next step and an exit status."""
    before = signal.signal(signal.SIGTERM, _stopped)
    try:
        yield
    except InputError as error:
        _end(
            "\n".join(["nothing was read and nothing sent:", *(f"  - {item}" for item in error.problems)]),
            EXIT_BAD_INPUT,
        )
    except ArchiveError as error:
        _end(
            f"{error}\nNothing after it was sent. --skip-unreadable (ARGS=) goes on without the rest of it.",
            EXIT_FAILED,
        )
    except ReplayStoppedError as error:
        _end(f"{error}\nThe same command carries on from there.", EXIT_FAILED)
    except KeyboardInterrupt:
        _end("stopped; the same command carries on from there", EXIT_STOPPED)
    finally:
        signal.signal(signal.SIGTERM, before)


def _stopped(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def _end(message: str, status: int) -> NoReturn:
    err.print(message, style="red", markup=False, soft_wrap=True)
    raise typer.Exit(status)
