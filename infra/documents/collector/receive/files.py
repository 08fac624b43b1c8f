"""What containers print: files that are followed, line by line, from where the collector last was."""

import json
from collections.abc import Mapping
from typing import Any

from infra.documents.collector.ottl import PROBLEM, attribute, group
from infra.documents.collector.part import Part, pipeline
from infra.documents.collector.receive import traceback_lines
from infra.documents.collector.receive.door import Door
from infra.settings import Settings
from infra.settings_receivers import LogFiles

OFFSETS = "file_storage/offsets"
FEATURE_GATES = ("stanza.synchronousLogEmitter",)
"""Without it up to 100 lines wait in memory after their place in the file was already passed (pkg/stanza, emitter.go)."""
NOTHING = "debug/nothing"
"""Writes how many records passed to the collector's own log, at a level that it does not print.

It is there to be a second consumer that only reads: then the first, which changes and moves records, gets a copy. The
reader sends a batch that was refused again as it finds it, and without a copy the router has already emptied it
(internal/coreinternal/consumerretry, logs.go; internal/fanoutconsumer, logs.go): every refusal cost 100 records."""
PATH = 'attributes["log.file.path"]'
REPLACED = "\ufffd"
"""What stands where bytes were not UTF-8."""


def door(base: Mapping[str, Any], storage: Mapping[str, Any], settings: Settings) -> Door:
    """Return the way in of files; where each was read to is kept on disk beside the queues."""
    receivers = {f"file_log/{item.name}": _receiver(base, item) for item in settings.receivers.files}
    marks = {"transform/files": {"error_mode": "silent", "log_statements": [group("log", [_mark(base)])]}}
    beside = Part(
        extensions={OFFSETS: _offsets(storage, settings)},
        exporters={NOTHING: {"verbosity": "basic"}},
        pipelines={"logs/files-as-read": pipeline(receivers, [], [NOTHING])},
    )
    return Door("logs/files", receivers, marks, beside)


def feature_gates(settings: Settings) -> tuple[str, ...]:
    """Return the gates that the collector's command line must open for these settings."""
    return FEATURE_GATES if settings.receivers.files else ()


def _offsets(storage: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    directory = f"{settings.collector.data_directory}/offsets"
    compaction = {"directory": directory, **storage["compaction"]}
    return {"directory": directory, **storage, "compaction": compaction, "fsync": settings.collector.queue.fsync}


def _receiver(base: Mapping[str, Any], source: LogFiles) -> dict[str, Any]:
    left_out = {"exclude": list(source.exclude)} if source.exclude else {}
    return {
        "include": list(source.include),
        **left_out,
        **base["reading"],
        "resource": {"service.name": source.service},
        "storage": OFFSETS,
        "operators": [*_unwrapped(base, source.format), *_records(base, source.format)],
    }


def _unwrapped(base: Mapping[str, Any], format_name: str) -> list[dict[str, Any]]:
    """Return the operators that take a container runtime's wrapping off."""
    if format_name == "lines":
        return []
    container = {
        "type": "container",
        "format": format_name,
        "add_metadata_from_filepath": False,  # the paths it knows are Kubernetes'
        "max_log_size": base["reading"]["max_log_size"],
        "on_error": "send_quiet",  # its error would repeat the line in the collector's own log
    }
    # Docker cuts a line after 16 KiB; only its last piece ends with a line feed. What was no wrapping is whole.
    pieces = _joined(
        base, "pieces", combine_with="", is_last_entry='not ("log.iostream" in attributes) or body endsWith "\\n"'
    )
    return [container, pieces] if format_name == "docker" else [container]


def _records(base: Mapping[str, Any], format_name: str) -> list[dict[str, Any]]:
    """Return the operators that make records of lines: objects of JSON, tracebacks of what belongs together."""
    trim = {"type": "regex_replace", "id": "text", "field": "body", "regex": r"\n$", "replace_with": ""}
    text_begins, trimmed = ("text", [trim]) if format_name == "docker" else ("chains", [])
    whole = f"not (body contains {json.dumps(REPLACED)})"
    is_object = 'body startsWith "{"'
    routes = [
        {"expr": f"{is_object} and {whole}", "output": "parse"},
        {"expr": f"not ({whole})", "output": "mark"},
        {"expr": 'body in ["", "\\n"]', "output": "nothing"},
    ]
    is_between = f"body matches {json.dumps(traceback_lines.BETWEEN)}"
    is_first = f"body startsWith {json.dumps(traceback_lines.FIRST)}"
    is_continued = f"body matches {json.dumps(traceback_lines.CONTINUED)}"
    return [
        {"type": "router", "id": "kinds", "default": text_begins, "routes": routes},
        {"type": "filter", "id": "nothing", "expr": "true"},
        {"type": "add", "id": "mark", "field": f'attributes["{PROBLEM}"]', "value": "utf8", "output": "marked"},
        {
            "type": "router",
            "id": "marked",
            "default": text_begins,
            "routes": [{"expr": is_object, "output": "parse"}],
        },
        *trimmed,
        # A second traceback of the same fault is announced by a line that joins it to the first.
        _joined(base, "chains", combine_with="\n", is_last_entry=is_first) | {"if": f"{is_between} or {is_first}"},
        _joined(base, "tracebacks", combine_with="\n", is_first_entry=f"not ({is_continued})") | {"output": "place"},
        {
            "type": "json_parser",
            "id": "parse",
            "parse_from": "body",
            "parse_to": "body",
            "parse_ints": True,
            "on_error": "send_quiet",  # the normaliser says what is wrong with it
        },
        {"type": "move", "id": "place", "from": PATH, "to": 'resource["log.file.path"]', "on_error": "send_quiet"},
    ]


def _joined(base: Mapping[str, Any], name: str, **when: str) -> dict[str, Any]:
    return {
        "type": "recombine",
        "id": name,
        "combine_field": "body",
        "source_identifier": PATH,
        **base["joining"],
        **when,
    }


def _mark(base: Mapping[str, Any]) -> str:
    """Return the statement that marks a piece of a line that was too long; the reader cuts at exactly that length."""
    longest = base["reading"]["max_log_size"]
    return f'set({attribute(PROBLEM)}, "split") where IsString(log.body) and Len(log.body) >= {longest}'
