"""Reading one YAML file strictly: a key that stands twice is an error, not the last one winning."""

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from infra.problems import InputError, Problem

# libyaml's where PyYAML came with it: a fifth of the time, on every start of the program.
_Loader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _OnceOnly(_Loader):  # type: ignore[misc, valid-type]
    """SafeLoader that refuses a doubled key; PyYAML keeps the last one silently."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001 - PyYAML's signature
        seen: set[Hashable] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"the key {key} stands twice", key_node.start_mark)
            seen.add(key)
        mapping: dict[Hashable, Any] = super().construct_mapping(node, deep)
        return mapping


def read_yaml(path: Path, shown_as: str) -> Any:
    """Return the document in `path`. Raises InputError naming `shown_as` when it is missing or not YAML."""
    try:
        return yaml.load(path.read_text(encoding="utf-8"), _OnceOnly)  # noqa: S506 - _OnceOnly is a SafeLoader
    except FileNotFoundError:
        raise InputError([Problem(shown_as, "(whole file)", "the file is missing")]) from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise InputError([Problem(shown_as, f"line {line}", f"not YAML: {error.problem}")]) from None
