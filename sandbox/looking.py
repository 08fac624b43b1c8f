"""`python -m sandbox.looking WHAT`: what runbooks ask a running sandbox. `make look WHAT=...` is the same.

Only reads. Where the sandbox is, `python -m sandbox.running` has put into the environment: in the sandbox, these
commands stand for the dashboards and the AWS commands that docs/runbooks gives beside them.
"""

import json
import os
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from prometheus_client.parser import text_string_to_metric_families
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from infra.context import QUARANTINE_STREAM, STREAM, Context
from sandbox.running import ROOT

EXIT_FINDING, EXIT_BAD_INPUT = 1, 2
NEWEST = 5
"""How many records or lines are shown."""
LABELS = ("exporter", "receiver", "class", "reason", "service")
out, err = Console(highlight=False, soft_wrap=True), Console(stderr=True, highlight=False, soft_wrap=True)
app = typer.Typer(add_completion=False)
Sums = Mapping[tuple[str, ...], float]
"""What a metric has for each combination of LABELS, the empty ones left out."""


def sums(text: str, metric: str) -> Sums:
    """Return a metric of logs in Prometheus' text, over everything but LABELS."""
    found: dict[tuple[str, ...], float] = defaultdict(float)
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = sample.labels
            if sample.name.removesuffix("_total") == metric and labels.get("data_type", "logs") == "logs":
                found[tuple(labels[name] for name in LABELS if labels.get(name))] += sample.value
    return found


def health() -> None:
    """Whether the collector runs, since when, and with how much memory."""
    with urllib.request.urlopen(f"http://{os.environ['SANDBOX_HEALTH']}/", timeout=5) as answer:
        out.print(f"health endpoint: {answer.status} {answer.read(200).decode()}", markup=False)
    page = _page("SANDBOX_METRICS_PORT")
    for metric, unit in (("otelcol_process_uptime", "s"), ("otelcol_process_memory_rss", "bytes")):
        out.print(f"{metric}: {sum(sums(page, metric).values()):,.0f} {unit}")
    refused = sum(sums(page, "otelcol_processor_memory_limiter_refused_log_records").values())
    out.print(f"refused for want of memory: {refused:,.0f} records")


def queues() -> None:
    """Each sink's queue and spill on disk, and how full they are."""
    page = _page("SANDBOX_METRICS_PORT")
    size, capacity = (sums(page, f"otelcol_exporter_queue_{name}") for name in ("size", "capacity"))
    _table(
        ("exporter", "waiting (bytes)", "capacity (bytes)", "full"),
        (
            (*name, f"{size[name]:,.0f}", f"{room:,.0f}", f"{size[name] / room:.0%}" if room else "-")
            for name, room in sorted(capacity.items())
        ),
    )


def sinks() -> None:
    """What each sink took, refused for good, and what its queue could not take."""
    page = _page("SANDBOX_METRICS_PORT")
    columns = [sums(page, f"otelcol_exporter_{name}_log_records") for name in ("sent", "send_failed", "enqueue_failed")]
    rows = sorted({name for column in columns for name in column})
    _table(
        ("exporter", "sent", "failed", "not taken by the queue"),
        ((*name, *(f"{column.get(name, 0):,.0f}" for column in columns)) for name in rows),
    )


def accepted() -> None:
    """What came in: by door, by class and by service; what was refused and what was withheld."""
    page, counts = _page("SANDBOX_METRICS_PORT"), _page("SANDBOX_COUNTS_PORT")
    rows: list[tuple[str, ...]] = []
    for title, text, metric in (
        ("accepted", page, "otelcol_receiver_accepted_log_records"),
        ("refused", page, "otelcol_receiver_refused_log_records"),
        ("accepted", counts, "tinybeans_records_accepted"),
        ("kept", counts, "tinybeans_records_kept"),
        ("withheld", counts, "tinybeans_records_quarantined"),
        ("of service", counts, "tinybeans_records_by_service"),
    ):
        rows += [(title, " ".join(name), f"{count:,.0f}") for name, count in sorted(sums(text, metric).items())]
    _table(("what", "where", "records"), rows)


def own_log() -> None:
    """The newest of what the collector wrote about itself, warnings and errors only."""
    log = Path(os.environ["SANDBOX_DATA"]).parent / "collector.log"
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    out.print("\n".join(lines[-NEWEST:]) or "no warning and no error", markup=False)


def logs(context: Context, cls: str) -> None:
    """The newest records of a class in its log group."""
    _newest(context, cls, STREAM)


def quarantine(context: Context, _: str) -> None:
    """The newest withheld records: why each was withheld, and of which service; their text is not there."""
    _newest(context, context.policy.data_classes.quarantine_class, QUARANTINE_STREAM)


def problems(context: Context, cls: str) -> None:
    """Records of a class in which something could not be read, by service and problem."""
    found: dict[tuple[str, str], int] = defaultdict(int)
    for event in _events(context, cls, STREAM):
        record = json.loads(event["message"])
        attributes = record.get("attributes", {})
        if problem := attributes.get("tinybeans.problem"):
            found[str(record.get("resource", {}).get("attributes", {}).get("service.name", "?")), str(problem)] += 1
    _table(("service", "problem", "records"), ((*key, str(count)) for key, count in sorted(found.items())))


def archive(context: Context, cls: str) -> None:
    """A class's archive: objects by kind, locked ones, and delete markers, of which there should be none."""
    bucket, client = context.archive_bucket(cls), _client(context, "s3")
    kinds: dict[str, list[int]] = defaultdict(list)
    markers: list[str] = []
    for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket):
        markers += [item["Key"] for item in page.get("DeleteMarkers", [])]
        for item in page.get("Versions", []):
            kinds[item["Key"].partition("/")[0]].append(item["Size"])
    _table(("kind", "versions", "bytes"), ((k, str(len(v)), f"{sum(v):,}") for k, v in sorted(kinds.items())))
    out.print(f"{bucket}: {len(markers)} delete markers")
    if markers:
        out.print("\n".join(markers[:NEWEST]), markup=False)
        raise typer.Exit(EXIT_FINDING)


def keys(context: Context, _: str) -> None:
    """The stack's keys: enabled, disabled or to be deleted; exit status 1 when any is not enabled."""
    client, prefix = _client(context, "kms"), context.key_alias("")
    rows = []
    for page in client.get_paginator("list_aliases").paginate():
        for item in page["Aliases"]:
            if "TargetKeyId" in item and item["AliasName"].startswith(prefix):
                found = client.describe_key(KeyId=item["TargetKeyId"])["KeyMetadata"]
                rows.append((item["AliasName"], found["KeyState"], str(found.get("DeletionDate", ""))))
    _table(("alias", "state", "deletion"), sorted(rows))
    if not rows or any(state != "Enabled" for _, state, _ in rows):
        raise typer.Exit(EXIT_FINDING)


def groups(context: Context, _: str) -> None:
    """Every log group of the account with key and retention; exit status 1 when one lacks either."""
    rows = []
    for page in _client(context, "logs").get_paginator("describe_log_groups").paginate():
        for item in page["logGroups"]:
            rows.append(
                (
                    item["logGroupName"],
                    item.get("kmsKeyId", "").rpartition("/")[2] or "NONE",
                    str(item.get("retentionInDays", "NONE")),
                )
            )
    _table(("log group", "key", "retention (days)"), sorted(rows))
    if any("NONE" in row for row in rows):
        raise typer.Exit(EXIT_FINDING)


COLLECTOR: Mapping[str, Callable[[], None]] = {
    "health": health,
    "queues": queues,
    "sinks": sinks,
    "accepted": accepted,
    "own-log": own_log,
}
"""Views of the collector itself."""
STORES: Mapping[str, Callable[[Context, str], None]] = {
    "logs": logs,
    "quarantine": quarantine,
    "problems": problems,
    "archive": archive,
    "keys": keys,
    "groups": groups,
}
"""Views of what the sandbox's cloud keeps."""
VIEWS = {**COLLECTOR, **STORES}


@app.command(help="Look at a running sandbox.\n\n\b\n" + "\n".join(f"{k:<11}{v.__doc__}" for k, v in VIEWS.items()))
def look(
    what: Annotated[str, typer.Argument(help="One of: " + ", ".join(VIEWS))],
    cls: Annotated[str, typer.Option("--class", help="The class that logs, problems and archive are of.")] = "audit",
) -> None:
    """Show one view. Exit status 1: it found something wrong; 2: bad input, or no sandbox."""
    if what not in VIEWS:
        _end(f"WHAT={what}: there is no such view; allowed: {', '.join(VIEWS)}")
    if "SANDBOX_DATA" not in os.environ:
        _end("no sandbox is known here; use `make look WHAT=...`, with `make sandbox` running in another terminal")
    try:
        if what in COLLECTOR:
            COLLECTOR[what]()
        else:
            _look_into(STORES[what], cls)
    except OSError as error:
        err.print(f"the sandbox does not answer: {error}", style="red", markup=False)
        raise typer.Exit(EXIT_FINDING) from error


def _look_into(view: Callable[[Context, str], None], cls: str) -> None:
    import datetime

    from infra.stack_file import context_from_file

    context = context_from_file("sandbox", ROOT, datetime.datetime.now(datetime.UTC).date())
    if cls not in context.policy.data_classes.classes:
        _end(f"CLASS={cls}: there is no such class; allowed: {', '.join(context.policy.data_classes.classes)}")
    view(context, cls)


def _page(port: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{os.environ[port]}/metrics", timeout=5) as answer:
        return str(answer.read().decode())


def _client(context: Context, service: str) -> Any:
    import boto3

    return boto3.client(service, region_name=context.region)  # type: ignore[call-overload]


def _events(context: Context, cls: str, stream: str) -> list[dict[str, Any]]:
    pages = _client(context, "logs").get_paginator("filter_log_events")
    found = pages.paginate(logGroupName=context.log_group(cls), logStreamNames=[stream])
    return [event for page in found for event in page["events"]]


def _newest(context: Context, cls: str, stream: str) -> None:
    found = _events(context, cls, stream)
    out.print("\n".join(event["message"] for event in found[-NEWEST:]) or "no records", markup=False)
    out.print(f"{len(found):,} records in {context.log_group(cls)}, stream {stream}")


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    table = Table(box=SIMPLE)
    for head in heads:  # names are there to be copied, so none is cut short
        table.add_column(head, overflow="fold")
    for row in rows:
        table.add_row(*row)
    out.print(table)


def _end(message: str) -> NoReturn:
    err.print(message, style="red", markup=False)
    raise typer.Exit(EXIT_BAD_INPUT)


if __name__ == "__main__":
    app()
