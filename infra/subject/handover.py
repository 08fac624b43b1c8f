"""An export of one person's records: records, a readable index and a manifest, all encrypted to one key."""

import datetime
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2

from infra.context import Context
from infra.subject.audit import Request
from infra.subject.gather import Found, Seen, Sources, gather
from infra.subject.identity import Matcher, Subject
from infra.subject.packet import Sealed, packet, seal

if TYPE_CHECKING:
    import pyrage

SHOWN = 500
"""Records that the index shows in full; the file of records has all of them."""
SHOWN_BYTES = 8 * 1024**2
"""What those may take together: a single record may have a megabyte."""
TEMPLATES = jinja2.Environment(
    loader=jinja2.PackageLoader("infra.subject"), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
)


def hand_over(
    sources: Sources,
    asked: Subject,
    request: Request,
    matcher: Matcher,
    *,
    epochs: list[str],
    out: Path,
    key: "pyrage.x25519.Recipient",
    tick: Callable[[str], None] = lambda _: None,
) -> tuple[Seen, Sealed]:
    """Write records.jsonl.age, index.html.age and manifest.json.age to `out`; return what was seen and the manifest."""
    seen = Seen()
    shown: list[dict[str, Any]] = []
    with packet(out) as directory:

        def lines() -> Iterator[bytes]:
            room = SHOWN_BYTES
            for found in gather(sources, matcher, seen, tick):
                line = _line(found)
                if len(shown) < SHOWN and room > len(line):
                    room -= len(line)
                    shown.append(found.document())
                yield line

        sealed = [seal(directory, "records.jsonl", lines(), key)]
        told = manifest(sources.context, asked, request, seen, epochs)
        page = TEMPLATES.get_template("index.html.j2").stream(told=told, shown=shown, total=sum(seen.found.values()))
        sealed.append(seal(directory, "index.html", (piece.encode() for piece in page), key))
        told["files"] = [asdict(item) for item in sealed]
        last = seal(directory, "manifest.json", [json.dumps(told, indent=1, ensure_ascii=False).encode()], key)
    return seen, last


def manifest(context: Context, asked: Subject, request: Request, seen: Seen, epochs: list[str]) -> dict[str, Any]:
    """Return what is said about an export besides its records; no identifier's value is in it."""
    return {
        "version": 1,
        "request": request.id,
        "environment": context.environment,
        "user": asked.user,
        "asked_by": request.caller,
        "reason": request.reason,
        "asked_at": request.asked.isoformat(timespec="seconds"),
        "made_at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "window": request.window,
        "looked_for": ["user_id", *asked.kinds()],
        "pepper_epochs": epochs,
        "records": sum(seen.found.values()),
        "found": [
            dict(zip(("class", "day", "event", "records"), (*name.split("\t"), count), strict=True))
            for name, count in sorted(seen.found.items())
        ],
        "found_by": dict(seen.by_reason),
        "found_in": dict(seen.by_place),
        "met_again": seen.doubles,
        "records_looked_at": dict(seen.looked_at),
        "objects_read": seen.objects,
        "not_read": seen.unreadable,
        "complete": not seen.unreadable,
        "not_searched": [
            "records that were sampled away or dropped when they were made: they exist nowhere",
            "records in quarantine: their text was withheld and names nobody",
            "what is kept outside the logs, such as photos and the account itself",
        ],
    }


def _line(found: Found) -> bytes:
    return json.dumps(found.document(), ensure_ascii=False, separators=(",", ":"), default=str).encode() + b"\n"
