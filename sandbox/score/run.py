"""Labelled lines through the real collector, one request each, and a verdict for each."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.context import Context
from infra.documents.collector import collector_config, load_fragments
from infra.stack import ROOT
from sandbox.score.cleaning import cut_after_classes
from sandbox.score.collector import CollectorFailedError, Scoring, ends, receivers, scoring_collector
from sandbox.score.judge import Judge, Verdict
from sandbox.score.labelled import Labelled, Source
from sandbox.score.otlp import request
from sandbox.score.score import Score, added_up

Say = Callable[[int], None]
OK = 200


@contextmanager
def cleaning_collector(context: Context, executable: Path) -> Iterator[Scoring]:
    """Run the real collector with the cleaning stages of `context` until the block ends."""
    config = collector_config(context, load_fragments(ROOT / "collector_configs"))
    cut = cut_after_classes(config, context.policy.data_classes.classes, receivers(), ends())
    with (
        tempfile.TemporaryDirectory(prefix="redaction-score-") as directory,
        scoring_collector(executable, cut, Path(directory)) as running,
    ):
        yield running


def score(context: Context, source: Source, executable: Path, say: Say) -> Score:
    """Return the figures of `source`; `say` is told how many lines are done.

    Raises CollectorFailedError when the collector does not start or refuses a line.
    """
    judge = Judge.of(context.policy.redaction)
    with cleaning_collector(context, executable) as running:
        verdicts = list(_verdicts(running, judge, source, say))
    return added_up(verdicts, (rule.name for rule in context.policy.redaction.rules))


def _verdicts(running: Scoring, judge: Judge, source: Source, say: Say) -> Iterator[Verdict]:
    for done, line in enumerate(source.lines, 1):
        carried = running.carry(_payload(line))
        if carried.status != OK:
            raise CollectorFailedError(f"the collector answered {carried.status} to the line with id {line.id}")
        yield judge.verdict(line, carried)
        say(done)


def _payload(line: Labelled) -> bytes:
    parts = {"body": line.line} if line.record is None else line.record.model_dump()
    return bytes(request(parts).SerializeToString())
