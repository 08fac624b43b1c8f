"""`python -m sandbox.providers --coverage`: each type, where it lives, and what about it nobody checks."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from sandbox.providers.constraints import unchecked
from sandbox.providers.plugin import PACKAGES, load_package

_SHOWN = 8


def not_checked(package_name: str) -> dict[str, list[str]]:
    """The properties, by type, whose values are checked by no model and no rule."""
    package = load_package(package_name)
    return {token: unchecked(row, package.resource(token).inputs) for token, row in package.rows.items()}


def print_coverage(console: Console | None = None) -> None:
    """One line a type. Every input's name and type is checked; the last column lists values that are not."""
    console = console or Console()
    for name in PACKAGES:
        package, free = load_package(name), not_checked(name)
        table = Table(title=f"{name}: {len(package.rows)} types", title_justify="left")
        for heading in ("type", "lives in", "bounds from", "values not checked"):
            table.add_column(heading, overflow="fold")
        for token, row in sorted(package.rows.items()):
            sources = [
                f"botocore {row.api.service}.{row.api.operation}" if row.api else "",
                f"schema {row.cfn}" if row.cfn else "",
                f"{len(row.rules)} rules" if row.rules else "",
            ]
            names = free[token]
            more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
            table.add_row(
                token.split(":", maxsplit=1)[1],
                "moto" if row.realised else "recorded",
                ", ".join(filter(None, sources)) or "types only",
                ", ".join(names[:_SHOWN]) + more,
            )
        console.print(table)
        console.print(f"{name} functions: {', '.join(package.invokes) or 'none'}\n")
