"""The parts of the configuration that no policy decides, read from collector_configs/."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.problems import InputError, Problem
from infra.yaml_file import read_yaml


@dataclass(frozen=True)
class Fragments:
    """The files of collector_configs/, by name."""

    base: Mapping[str, Any]
    classes: Mapping[str, Mapping[str, Any]]
    """What is done to every class, and what is left of a record in quarantine."""
    destinations: Mapping[str, Mapping[str, Any]]
    """One exporter a destination."""


def load_fragments(directory: Path) -> Fragments:
    """Return the fragments in `directory`. Raises InputError for a file that is missing or not YAML."""
    return Fragments(
        base=_mapping(directory / "base.yaml"),
        classes={path.stem: _mapping(path) for path in sorted((directory / "classes").glob("*.yaml"))},
        destinations={path.stem: _mapping(path) for path in sorted((directory / "destinations").glob("*.yaml"))},
    )


def _mapping(path: Path) -> Mapping[str, Any]:
    shown_as = f"collector_configs/{path.name if path.stem == 'base' else f'{path.parent.name}/{path.name}'}"
    document = read_yaml(path, shown_as)
    if not isinstance(document, dict):
        raise InputError([Problem(shown_as, "(whole file)", "not a mapping")])
    return document
