"""A sink that refuses for good: counted and brought back from the archive, or sent again where policy asks."""

from __future__ import annotations

from dataclasses import replace

from infra.context import Context
from infra.policy.destinations import Destination
from sandbox.loss.audit import refused_for_good
from sandbox.loss.case import Case
from sandbox.loss.cases_sink import AFTER_SECONDS, BEFORE_SECONDS
from sandbox.loss.replay import replay
from sandbox.loss.trial import Trial

PERMANENT = (400, 401, 403, 500)


def _refuse(trial: Trial) -> None:
    with trial.load():
        trial.quiet(BEFORE_SECONDS, "every sink is up")
        for status in PERMANENT:
            with trial.fault(f"New Relic answers {status}"):
                trial.rig.newrelic.faults.fail(status)
                trial.quiet(trial.seconds / len(PERMANENT), f"New Relic answers {status}")
        trial.rig.newrelic.faults.clear()
        trial.quiet(AFTER_SECONDS, "New Relic takes records again")
    found = trial.rig.newrelic.stats.statuses
    trial.require(all(found.get(status, 0) for status in PERMANENT), f"not every status was met: {found}")


def _counted(trial: Trial) -> None:
    _refuse(trial)
    trial.settle("archive", "cloudwatch")
    trial.drain("newrelic")
    missing, told = len(trial.missing("newrelic")), refused_for_good(trial, "otlp_http/newrelic")
    trial.require(missing > 0, "nothing was refused: the case proves nothing")
    trial.require(missing == told, f"{missing:,} records missing, but the collector counts {told:,} as refused")
    trial.say("replaying what is missing from the archive")
    replay(trial, "newrelic")
    trial.notes.append(f"{told:,} counted as refused, {trial.recovered['newrelic']:,} brought back by replay")


def _sent_again(trial: Trial) -> None:
    _refuse(trial)
    trial.settle()
    trial.notes.append("sent again by the loopback hop, no replay")


def _archive(trial: Trial) -> None:
    with trial.load():
        trial.quiet(BEFORE_SECONDS, "every sink is up")
        with trial.fault("S3 answers 403, then 503"):
            for status in (403, 503):
                trial.rig.archive.faults.fail(status)
                trial.quiet(trial.seconds / 2, f"S3 answers {status}")
        trial.rig.archive.faults.clear()
        trial.quiet(AFTER_SECONDS, "S3 takes objects again")
    trial.settle()
    refused = trial.total("otelcol_exporter_send_failed_log_records", exporter="awss3/archive-audit")
    trial.require(refused > 0, "S3 refused nothing: the case proves nothing")


def asking_for_new_relic(context: Context) -> Context:
    """Return `context` with a policy under which New Relic is sent again what it refused for good."""
    classes = context.policy.data_classes
    changed = {
        name: cls.model_copy(update={"retry_refused": (Destination.NEWRELIC,)})
        if Destination.NEWRELIC in cls.destinations
        else cls
        for name, cls in classes.classes.items()
    }
    return replace(
        context, policy=replace(context.policy, data_classes=classes.model_copy(update={"classes": changed}))
    )


CASES = (
    Case("refused", "a sink answers 400, 401, 403, 500: counted, replayed from the archive", _counted),
    Case(
        "refused-sent-again",
        "the same where policy has refusals sent again: nothing is dropped",
        _sent_again,
        change=asking_for_new_relic,
    ),
    Case("archive-refused", "S3 answers 403, then 503, and recovers", _archive, faulty=("archive",)),
)
