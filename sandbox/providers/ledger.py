"""What of a stack exists in moto, and what only in the stack's state: read from the table, for the demo to show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.providers.errors import ProviderError
from sandbox.providers.plugin import PACKAGES, load_package
from sandbox.providers.table import Package


@dataclass(frozen=True)
class Ledger:
    """How many resources of each type were realised in moto, and how many were recorded only."""

    realised: Mapping[str, int]
    recorded: Mapping[str, int]


def of_types(tokens: Iterable[str]) -> Ledger:
    """The ledger of resource types, each as often as it occurs; components and the engine's own are left out."""
    packages: dict[str, Package] = {}
    realised: Counter[str] = Counter()
    recorded: Counter[str] = Counter()
    for token in tokens:
        name = token.split(":", maxsplit=1)[0]
        if name not in PACKAGES:
            continue
        package = packages.setdefault(name, load_package(name))
        row = package.rows.get(token)
        if row is None:
            raise ProviderError(f"the ledger has no row for {token}: add one in {package.rows_in}")
        (realised if row.realised else recorded)[token] += 1
    return Ledger(dict(sorted(realised.items())), dict(sorted(recorded.items())))


def of_deployment(deployment: Mapping[str, Any]) -> Ledger:
    """The ledger of an exported stack (`stack.export_stack().deployment`)."""
    resources = deployment.get("resources") or []
    return of_types(resource["type"] for resource in resources if resource.get("custom"))
