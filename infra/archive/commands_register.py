"""`python -m infra.archive register`: what was held, released, locked and certified, and whether that can be believed."""

import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from infra.archive.commands_export import EXIT_FAILED, err, explained, out
from infra.archive.commands_keeping import Class, Stack, place_in
from infra.archive.keeping.announced import announced, contradictions
from infra.archive.keeping.place import Place
from infra.archive.keeping.register import Entry, entries, loads
from infra.archive.signature import PublicKey, from_file, from_kms
from infra.export.problems import RefusedError
from infra.problems import InputError, Problem


def show_register(
    cls: Class,
    stack: Stack = "sandbox",
    certificate: Annotated[
        Path | None, typer.Option(help="Check this certificate, as it was handed out, and nothing else.")
    ] = None,
    public_key: Annotated[
        Path | None, typer.Option(help="The key's public half, as PEM, in place of what KMS says.")
    ] = None,
) -> None:
    """Show an archive's register, and check its chain, every signature and the announcements in the audit log.

    Exit status 1: an entry was altered, forged, removed or cut off.
    """
    with explained():
        place = place_in(stack, cls)
        key = from_file(public_key) if public_key else from_kms(place.services.kms, place.signing_key)
        if certificate is not None:
            _show([_handed_out(certificate, key)])
            out.print(f"{certificate}: whole, and signed by this stack's key")
            return
        register = entries(place, key)
        _show(register)
        wrong = _contradictions(place, register)
        for item in wrong:
            out.print(item, style="red", markup=False, soft_wrap=True)
        out.print(
            f"{len(register)} entries, chain and signatures whole, {len(wrong)} finding{'s' * (len(wrong) != 1)}, "
            f"on {datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M} UTC"
        )
    raise typer.Exit(EXIT_FAILED if wrong else 0)


def _handed_out(path: Path, key: PublicKey) -> Entry:
    try:
        stored = path.read_bytes()
    except OSError as error:
        allowed = "a file that archive-certificate wrote"
        raise InputError(
            [Problem("command line", "CERTIFICATE", f"cannot be read: {error.strerror}", allowed)]
        ) from None
    return loads(stored, str(path), key)


def _contradictions(place: Place, register: list[Entry]) -> list[str]:
    try:
        return list(contradictions({entry.sequence: entry.digest for entry in register}, announced(place)))
    except RefusedError as error:
        err.print(
            f"{error}. Entries cut off from the end would not be noticed", style="yellow", markup=False, soft_wrap=True
        )
        return []


def _show(register: list[Entry]) -> None:
    table = Table(title=None)
    for head in ("entry", "when", "what", "who", "why", "about"):
        table.add_column(head, overflow="fold")  # whose reason it was is never cut short
    for entry in register:
        body, about = entry.body, entry.subject
        window = f"{about['from'][:16]} to {about['to'][:16]}" if "from" in about else str(about.get("month", ""))
        counts = f", {about['changed']:,} of {about['versions']:,} versions" if "versions" in about else ""
        table.add_row(
            str(entry.sequence), body["when"][:16], entry.kind.value, body["who"], body["why"], window + counts
        )
    out.print(table)
