"""The last stretch to Loggly: syslog over TLS, whose every message carries the customer token.

The syslog exporter takes the token from a record's attributes only, and whatever writes an attribute would show the
token in the printed configuration. So the exporter with the queue sends to a receiver of the collector's own, on
127.0.0.1, with the token in a header (exporters keep headers to themselves), and only there, past the queue, is it
put on the records. What Loggly does not take, the receiver answers with 503, and the queue sends it again.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from infra.context import PREFIX, Context
from infra.documents.collector.ottl import ATTRIBUTES, CLASS, attribute, cache, group, text
from infra.documents.collector.part import Part, pipeline
from infra.documents.collector.receive import GUARD
from infra.policy.destinations import Destination
from infra.policy.severity import Severity
from infra.problems import InputError, Problem

TOKEN_HEADER = "x-loggly-token"  # noqa: S105 - a name
ADDRESS = "logs-01.loggly.com:6514"
"""Loggly, Sending syslog endpoints: the address that speaks TLS."""
ENTERPRISE = "@41058"
"""Loggly's private enterprise number (RFC 5424, 7.2.2), which follows the token."""
FACILITY = 16
"""local0 (RFC 5424, table 1)."""
SYSLOG_SEVERITY = {
    Severity.TRACE: 7,
    Severity.DEBUG: 7,
    Severity.INFO: 6,
    Severity.WARN: 4,
    Severity.ERROR: 3,
    Severity.FATAL: 2,
}
UNKNOWN_SEVERITY = 5
NAME_CHARACTERS = 48
"""RFC 5424, 6.2.5: longest APP-NAME; a longer HOSTNAME than that is cut as well."""

_LINE, _TOKEN = cache("line"), cache("token")


def part(context: Context, fragment: Mapping[str, Any]) -> Part:
    """Return receiver, processor, exporter and pipeline of the last stretch; `fragment` are the exporter's settings.

    Nothing where the stack does not send to Loggly. The exporter has neither queue nor retry: both lie before it.
    """
    if Destination.LOGGLY not in context.settings.destinations:
        return Part()
    receiver, processor, exporter = "otlp/loggly", "transform/loggly", "syslog/loggly"
    once = {"sending_queue": {"enabled": False}, "retry_on_failure": {"enabled": False}}
    return Part(
        receivers={
            receiver: {
                "protocols": {"http": {"endpoint": context.settings.collector.listen.loggly, "include_metadata": True}}
            }
        },
        processors={
            processor: {"error_mode": "silent", "log_statements": [group("log", list(_message(context)))]},
        },
        exporters={exporter: {**_address(context.settings.endpoints.loggly or ADDRESS), **fragment, **once}},
        pipelines={"logs/loggly": pipeline([receiver], [GUARD, processor], [exporter])},
    )


def _address(address: str) -> dict[str, Any]:
    found = re.fullmatch(r"(.+):([0-9]+|\$\{env:[A-Z0-9_]+\})", address)
    if not found:
        raise InputError([Problem("tinybeans-logging:endpoints.loggly", address, "not host:port", ADDRESS)])
    host, port = found.groups()
    return {"endpoint": host, "port": int(port) if port.isdecimal() else port}


def _message(context: Context) -> Iterator[str]:
    """Yield statements after which a record's attributes are the parts of one syslog message, and nothing else.

    The message is the whole record as one line of JSON, which Loggly takes apart again; JSON has no line breaks, and
    line breaks are what separates messages here. The exporter would read a client's own attributes `priority`,
    `version` or `structured_data` as its orders, so none of them stays.
    """
    yield f'set({_TOKEN}, otelcol.client.metadata["{TOKEN_HEADER}"][0])'
    yield f"set({cache('class')}, {attribute(CLASS)})"
    yield f"set({_LINE}, resource.attributes)"
    yield f'merge_maps({_LINE}, scope.attributes, "upsert")'
    yield f'merge_maps({_LINE}, {ATTRIBUTES}, "upsert")'
    yield f"keep_keys({ATTRIBUTES}, [])"
    yield f'set({_LINE}["message"], log.body)'
    yield f'set({_LINE}["scope.name"], scope.name) where scope.name != ""'
    yield f'set({_LINE}["level"], log.severity_text) where log.severity_text != ""'
    for name in ("trace_id", "span_id"):
        # An id that is not there reads as zeros.
        yield f'set({_LINE}["{name}"], log.{name}.string) where not IsMatch(log.{name}.string, "^0*$$")'
    # Should the record be no JSON after all, its text goes alone.
    yield f"set({attribute('message')}, log.body)"
    yield f'replace_pattern({attribute("message")}, "[\\r\\n]+", " ")'
    yield f"set({attribute('message')}, String({_LINE}))"
    yield f'set({attribute("priority")}, "{FACILITY * 8 + UNKNOWN_SEVERITY}")'
    for severity, number in SYSLOG_SEVERITY.items():
        at_least = f"log.severity_number >= {severity.number}"
        yield f'set({attribute("priority")}, "{FACILITY * 8 + number}") where {at_least}'
    yield from _name("appname", "service.name")
    yield from _name("hostname", "host.name")
    yield f"set({attribute('msg_id')}, {cache('class')})"
    tag = f'Concat(["{PREFIX}", {text(context.environment)}, {cache("class")}], ".")'
    yield f'set({attribute("structured_data")}[Concat([{_TOKEN}, "{ENTERPRISE}"], "")]["tag"], {tag})'


def _name(part_of_header: str, name: str) -> Iterator[str]:
    """Yield statements that make a part of the header of an attribute; it may hold visible ASCII only."""
    target = attribute(part_of_header)
    yield f'set({target}, {_LINE}["{name}"]) where IsString({_LINE}["{name}"]) and {_LINE}["{name}"] != ""'
    yield f'replace_pattern({target}, "[^!-~]", "_")'
    yield f"replace_pattern({target}, {text(f'^(.{{{NAME_CHARACTERS}}}).+$')}, {text('${1}')})"
