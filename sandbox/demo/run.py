"""The demo from end to end: stack up, collector up, lines through it, sinks read back, sums checked."""

import datetime
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infra.context import Context
from infra.sinks import archives
from infra.stack import ROOT
from infra.stack_config import LOG_DESTINATION
from infra.stack_file import context_from_file
from sandbox.demo.accounting import accounts
from sandbox.demo.arrivals import Arrived, in_archives, in_cloudwatch, in_intakes
from sandbox.demo.counters import counted, parsed, settled
from sandbox.demo.laptop import LaptopSinks, running_laptop_sinks
from sandbox.demo.lines import Lines
from sandbox.demo.redactions import before_and_after
from sandbox.demo.result import Component, DemoResult
from sandbox.demo.sensitive import leaks
from sandbox.demo.traffic import send
from sandbox.doubles.aws_clients import aws_client
from sandbox.doubles.cloud import RunningCloud, running_cloud
from sandbox.engine import STACK, Resource, SandboxStack, Timed, sandbox_stack
from sandbox.intakes import intakes_for, keys_for
from sandbox.ports import free_ports
from sandbox.providers.ledger import of_types
from sandbox.task import RunningCollector, addresses, running_collector, task_spec

Say = Callable[[str], None]
SETTLES_WITHIN_SECONDS = 45.0


@dataclass
class Live:
    """A sandbox that is up: stack, cloud and collector."""

    context: Context
    stack: SandboxStack
    cloud: RunningCloud
    laptop: LaptopSinks
    collector: RunningCollector
    up: Timed
    directory: Path
    addresses: Mapping[str, str]
    """The SANDBOX_* variables that the collector was started with, and those of the sinks on this machine."""
    seconds: dict[str, float] = field(default_factory=dict)


@contextmanager
def live_sandbox(
    directory: Path, engine: Path, otelcol: Path, destinations: str, say: Say, root: Path = ROOT
) -> Iterator[Live]:
    """Yield a sandbox with stack, doubles and collector running; everything ends with the block."""
    seconds: dict[str, float] = {}
    context = context_from_file(STACK, root, datetime.datetime.now(datetime.UTC).date(), {"destinations": destinations})
    keys = keys_for(context.settings.destinations)
    with ExitStack() as stack:
        with _timed(seconds, "cloud"):
            say("starting the embedded cloud")
            cloud = stack.enter_context(running_cloud(region=context.region, intakes=intakes_for(keys)))
            laptop = stack.enter_context(running_laptop_sinks(context.settings.destinations, keys, directory, say))
        with _timed(seconds, "stack"):
            say("bringing the stack up with the real Pulumi engine")
            deployed = stack.enter_context(
                sandbox_stack(
                    directory / "engine",
                    engine=engine,
                    aws_endpoint=cloud.aws_endpoint,
                    root=root,
                    config={"destinations": destinations},
                    secret_values={entry.config_key: value for entry, value in keys.items()},
                )
            )
            up = deployed.up(lambda name: say(f"bringing the stack up: {name}"))
        with _timed(seconds, "collector"):
            say("starting the real collector with the deployed task definition")
            spec = task_spec(_client(cloud, "ecs"), _client(cloud, "secretsmanager"), context.name("collector"))
            where = {**addresses(cloud, free_ports(6), directory / "queues"), **laptop.variables}
            collector = stack.enter_context(
                running_collector(otelcol, spec, where, directory, cloud.credentials.child_environment(cloud.region))
            )
        yield Live(context, deployed, cloud, laptop, collector, up, directory, where, seconds)


def carry(live: Live, lines: Lines, say: Say) -> DemoResult:
    """Send `lines` through a live sandbox, wait until nothing moves any more, and return what was found."""
    with _timed(live.seconds, "send"):
        say(f"sending {len(lines.lines)} records from {lines.source}")
        sent = send(live.collector.otlp_http, lines.lines)
    with _timed(live.seconds, "deliver"):
        say("waiting for every queue to empty")
        page = settled(live.collector.metrics_page, allowed(live.context), len(sent), SETTLES_WITHIN_SECONDS)
    with _timed(live.seconds, "read back"):
        say("reading every sink back")
        arrived, objects = read_back(live)
    context = live.context
    return DemoResult(
        source=lines.source,
        up=live.up,
        components=components(live.stack.resources()),
        accounts=accounts(sent, counted(parsed(page)), arrived, allowed(context), "quarantine"),
        listed_values=len(lines.sensitive),
        leaks=tuple(leaks(lines.sensitive, _places(live, arrived, page))),
        redactions=before_and_after(
            {item.uid: item.line for item in sent}, arrived, [rule.name for rule in context.policy.redaction.rules]
        ),
        objects=tuple(objects),
        seconds=dict(live.seconds),
    )


def read_back(live: Live) -> tuple[list[Arrived], list[Any]]:
    """Return every record in every sink, and the archive's objects."""
    found = in_cloudwatch(_client(live.cloud, "logs"), live.context)
    archived, objects = in_archives(_client(live.cloud, "s3"), live.context)
    return [*found, *archived, *in_intakes(live.cloud, live.cloud.intakes), *live.laptop.arrived()], objects


def allowed(context: Context) -> Mapping[str, tuple[str, ...]]:
    """Return the sinks that each class's records may reach in this stack: what policy and settings share, and the archive."""
    archived = ("archive",) if archives(context.settings) else ()
    return {
        cls: (*archived, *(str(name) for name in context.settings.destinations if name in data_class.destinations))
        for cls, data_class in context.policy.data_classes.classes.items()
    }


def components(resources: list[Resource]) -> tuple[Component, ...]:
    """Return how many resources each component has, and how many of them the sandbox only records."""
    types: dict[str, list[str]] = {}
    for item in resources:
        if item.type.startswith(("aws:", "datadog:")):
            types.setdefault(item.component, []).append(item.type)
    return tuple(
        Component(name, len(tokens), sum(of_types(tokens).recorded.values())) for name, tokens in sorted(types.items())
    )


def _places(live: Live, arrived: list[Arrived], page: str) -> dict[str, str]:
    """Return the text of every place where a sensitive value must not be: sinks, the collector's own words, the state."""
    texts: dict[str, list[str]] = {}
    for item in arrived:
        texts.setdefault(item.sink, []).append(item.text)
    return {
        **{sink: "\n".join(parts) for sink, parts in texts.items()},
        "the collector's log": live.collector.output(),
        "the collector's metrics": page,
        "the stack's state": live.stack.stored(),
    }


def _client(cloud: RunningCloud, service: Any) -> Any:
    return aws_client(service, endpoint_url=cloud.aws_endpoint, region=cloud.region)


@contextmanager
def _timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    started = time.monotonic()
    yield
    seconds[stage] = seconds.get(stage, 0.0) + time.monotonic() - started


def destinations_from(environ: Mapping[str, str] = os.environ) -> str:
    """Return the demo's destinations: LOG_DESTINATION's; else the sandbox's own, and Datadog when DATADOG is not 0."""
    if chosen := environ.get(LOG_DESTINATION, "").strip():
        return chosen
    extra = ",datadog" if environ.get("DATADOG", "") not in ("", "0") else ""
    return f"cloudwatch,newrelic{extra}"
