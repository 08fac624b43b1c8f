"""`python -m sandbox.looking WHAT`: what runbooks ask a running sandbox. `make look WHAT=...` is the same.

Only reads. Where the sandbox is, `python -m sandbox.running` has put into the environment: in the sandbox, these
commands stand for the dashboards and the AWS commands that docs/runbooks gives beside them.
"""

import json
import os
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console

from infra.context import QUARANTINE_STREAM, STREAM, Context
from sandbox.looking_collector import COLLECTOR, NEWEST, out, table
from sandbox.running import ROOT

EXIT_FINDING, EXIT_BAD_INPUT = 1, 2
err = Console(stderr=True, highlight=False, soft_wrap=True)
app = typer.Typer(add_completion=False)


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
    table(("service", "problem", "records"), ((*key, str(count)) for key, count in sorted(found.items())))


def archive(context: Context, cls: str) -> None:
    """A class's archive: objects by kind, and delete markers, of which there should be none."""
    bucket, client = context.archive_bucket(cls), _client(context, "s3")
    kinds: dict[str, list[int]] = defaultdict(list)
    markers: list[str] = []
    for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket):
        markers += [item["Key"] for item in page.get("DeleteMarkers", [])]
        for item in page.get("Versions", []):
            kinds[item["Key"].partition("/")[0]].append(item["Size"])
    table(("kind", "versions", "bytes"), ((k, str(len(v)), f"{sum(v):,}") for k, v in sorted(kinds.items())))
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
    table(("alias", "state", "deletion"), sorted(rows))
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
    table(("log group", "key", "retention (days)"), sorted(rows))
    if any("NONE" in row for row in rows):
        raise typer.Exit(EXIT_FINDING)


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


def _end(message: str) -> NoReturn:
    err.print(message, style="red", markup=False)
    raise typer.Exit(EXIT_BAD_INPUT)


if __name__ == "__main__":
    app()
