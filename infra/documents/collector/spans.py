"""Traces, where a stack takes them: redacted by the same rules, decided as whole traces, sent on.

Spans are not records. Nothing of the way of records is theirs: a queue in memory that gives up, no archive, and what
is not proven clean is dropped and counted. See docs/adr/0024-traces.md.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from infra.context import Context
from infra.documents.collector import clues, finish, gate, pseudonym, redact, verify
from infra.documents.collector.ottl import CLASS, DROP, OK, PENDING, REDACTION, cache, group, text
from infra.documents.collector.part import Part, pipeline
from infra.documents.collector.sample import HASH_SEED
from infra.documents.collector.sink_address import saas, signed
from infra.model import Environment
from infra.policy.redaction import Redaction
from infra.policy.spans import Spans

PIPELINE = "traces/in"
TRACES_PATH = "/v1/traces"
"""Path of an OTLP/HTTP traces intake (OTLP specification)."""
OWN_TEXT: Mapping[str, Mapping[str, str]] = {
    "resource": {},
    "scope": redact.SCOPE_TEXT,
    "span": {"tinybeans.span.name": "span.name", "tinybeans.span.status": "span.status.message"},
    "spanevent": {"tinybeans.event.name": "spanevent.name"},
}
"""Where text stands in a trace besides attributes: attribute that holds it while it is redacted, and its path."""
MARKED = (REDACTION, CLASS, DROP)
FILTER = "filter/spans"
"""Its counters say how many spans and events could not be proven clean."""


def spans(context: Context, base: Mapping[str, Any], guard: Mapping[str, Any], receivers: Iterable[str]) -> Part:
    """Return the way of traces from the OTLP door to the settings' sinks; nothing where the stack takes none."""
    taken = context.settings.receivers.traces
    if taken is None:
        return Part()
    redaction, policy = context.policy.redaction, context.policy.data_classes.spans
    processors = {
        **guard,
        "transform/spans-redact": _redacted(redaction),
        "redaction/pseudonyms": pseudonym.processor(),
        "transform/spans-verify": _verified(redaction),
        FILTER: _proven(),
        "transform/spans-finish": _finished(context.environment),
        "tail_sampling": sampling(policy, context.settings.environment),
    }
    exporters = {
        f"otlp_http/spans-{name}": {
            "traces_endpoint": saas(context.settings, name) + TRACES_PATH,
            "headers": signed(name),
            **base["exporter"],
        }
        for name in taken.to
    }
    return Part(
        processors=processors, exporters=exporters, pipelines={PIPELINE: pipeline(receivers, processors, exporters)}
    )


def sampling(policy: Spans, environment: Environment) -> dict[str, Any]:
    """Return the tail sampling processor: each of the policy's reasons by itself keeps a trace."""
    percent = policy.keep_percent.at(environment)
    failed = {"name": "failed", "type": "status_code", "status_code": {"status_codes": ["ERROR"]}}
    slow = {"name": "slow", "type": "latency", "latency": {"threshold_ms": policy.keep_slower_than_ms}}
    usual = {
        "name": "usual",
        "type": "probabilistic",
        # By trace id: every collector that sees a part of a trace decides alike.
        "probabilistic": {"hash_salt": f"tinybeans-{HASH_SEED}", "sampling_percentage": percent},
    }
    # Decided traces are remembered ten times as long as undecided ones wait, for spans that come late.
    remembered = 10 * policy.held_traces
    return {
        "decision_wait": f"{policy.wait_seconds}s",
        "num_traces": policy.held_traces,
        "maximum_trace_size_bytes": policy.largest_trace_bytes,
        "decision_cache": {"sampled_cache_size": remembered, "non_sampled_cache_size": remembered},
        "policies": [*([failed] if policy.keep_failed else []), slow, usual],
    }


def _redacted(policy: Redaction) -> dict[str, Any]:
    named, every = redact.by_exact_name(redact.covering(policy)), redact.steps(policy)
    groups = []
    for context, own in OWN_TEXT.items():
        # Emptied, so that a rule that removes the text has removed all of it.
        emptied = [f'set({path}, "")' for path in own.values()]
        groups += [group(context, found) for found in ([*redact.shape(own), *emptied], named, every)]
    return {
        "error_mode": "silent",
        "trace_statements": [
            group("resource", ['set(resource.schema_url, "")']),
            group("scope", ['set(scope.schema_url, "")']),
            group("span", ['set(span.trace_state, "")']),
            *groups,
        ],
    }


def _verified(policy: Redaction) -> dict[str, Any]:
    return {
        "error_mode": "silent",
        "trace_statements": [group(name, list(_looked_at_again(policy, name))) for name in OWN_TEXT],
    }


def _looked_at_again(policy: Redaction, context: str) -> Iterator[str]:
    """Yield statements that mark a resource, scope, span or event as clean, when nothing is found in it any more."""
    scan, low, reason = cache("scan", context), cache("low", context), cache("reason", context)
    target = f"{context}.attributes"
    mark = f"{target}[{text(REDACTION)}]"
    yield f"set({mark}, {text(PENDING)})"
    yield pseudonym.shortened(policy)
    yield f"set({scan}, {gate.laid_out(target)})"
    yield verify.without_masks(policy, context)
    yield f"set({low}, ToLowerCase({scan}))"
    yield clues.separated(cache("pairs", context), low)
    yield f'set({reason}, "size") where Len({scan}) > {verify.LONG_BYTES}'
    yield from verify.doubtful_names(policy, context)
    yield f'set({reason}, "name") where {cache("doubt", context)} == true'
    yield from verify.look_again(policy, context)
    yield from redact.text_back(OWN_TEXT[context])
    yield f"set({mark}, {text(OK)}) where {reason} == nil and IsString({low})"


def _proven() -> dict[str, Any]:
    """Return the filter that lets pass only what was proven clean, together with all it belongs to.

    A link's attributes cannot be reached by OTTL, so a span that has links does not pass either.
    """
    owners = ("", "resource.", "instrumentation_scope.")
    clean = " and ".join(f'{owner}attributes["{REDACTION}"] == "{OK}"' for owner in owners)
    dropped = f'attributes["{DROP}"] != nil'
    return {
        "error_mode": "silent",
        "traces": {
            "span": [f"not ({clean})", dropped, "Len(links) > 0"],
            "spanevent": [f'attributes["{REDACTION}"] != "{OK}"', dropped],
        },
    }


def _finished(environment: str) -> dict[str, Any]:
    name = 'resource.attributes["deployment.environment.name"]'
    unmarked = {context: [f'delete_key({context}.attributes, "{key}")' for key in MARKED] for context in OWN_TEXT}
    return {
        "error_mode": "silent",
        "trace_statements": [
            group("resource", [*unmarked["resource"], f"set({name}, {text(environment)}) where {name} == nil"]),
            group("scope", unmarked["scope"]),
            group("span", [*unmarked["span"], *finish.numbers("span.attributes")]),
            group("spanevent", unmarked["spanevent"]),
        ],
    }
