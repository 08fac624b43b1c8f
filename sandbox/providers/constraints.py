"""Values: what AWS would refuse although the type is right.

Three sources: the botocore model of the operation that takes the inputs, the CloudFormation schema that
cfn-lint bundles, and the rules written out in `rules.py`. What none of them reaches is said by `unchecked`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from sandbox.providers import shapes
from sandbox.providers.errors import Problem
from sandbox.providers.rules import COMMON, DOCUMENTS
from sandbox.providers.sdk import Field
from sandbox.providers.table import Row, Rule
from sandbox.providers.wire import Envelope, Props, Secret, Unknown, has_secret, has_unknown, plain

_MANY = 12
_BOOKKEEPING = frozenset({"region", "tags", "timeouts", "skipDestroy", "forceDestroy", "name", "namePrefix"})


def check_values(row: Row, inputs: Props) -> list[Problem]:
    """Everything about the values that one of the sources would refuse, each path once."""
    problems: dict[str, Problem] = {}
    known = {k: v for k, v in inputs.items() if not k.startswith("__") and not _permitted(row, k, v)}
    for problem in [*_by_api(row, known), *_by_cfn(row, known), *_by_rules(row, inputs)]:
        problems.setdefault(problem.path, problem)
    return list(problems.values())


def unchecked(row: Row, fields: Mapping[str, Field]) -> list[str]:
    """The properties whose values no source bounds: only their types are checked.

    Booleans are left out (their type bounds them), and so are documents (parsed, and policies searched for nulls).
    """
    api, schema = _api_shape(row), _cfn(row)
    ruled = {name for rule in row.rules for name in getattr(rule, "covers", ())}
    return sorted(
        name
        for name, field in fields.items()
        if field.shape.kind != "bool"
        and name not in _BOOKKEEPING | ruled
        and name not in DOCUMENTS
        and not (api and _api_member(row, api, name))
        and not shapes.member_of(schema.get("properties", {}), name)
    )


def _permitted(row: Row, key: str, value: Any) -> bool:
    return plain(value) in row.permits.get(key, ())


def _api_shape(row: Row) -> Any:
    return shapes.operation_input(row.api.service, row.api.operation, row.api.inside) if row.api else None


def _api_member(row: Row, shape: Any, key: str) -> str | None:
    rename = row.api.rename if row.api else {}
    member = rename.get(key) or shapes.member_of(shape.members, key)
    return member if member in shape.members else None


def _by_api(row: Row, inputs: Props) -> Iterator[Problem]:
    shape = _api_shape(row)
    for key, value in inputs.items() if shape else ():
        member = _api_member(row, shape, key)
        if member:
            yield from _walk(_Api(shape.members[member], dict(row.api.rename) if row.api else {}), value, key)


def _cfn(row: Row) -> Mapping[str, Any]:
    return shapes.cfn_schema(row.cfn) if row.cfn else {}


def _by_cfn(row: Row, inputs: Props) -> Iterator[Problem]:
    schema = _cfn(row)
    properties = schema.get("properties", {})
    for key, value in inputs.items() if schema else ():
        member = shapes.member_of(properties, key)
        if member:
            yield from _walk(_Cfn(schema, properties[member]), value, key)


def _by_rules(row: Row, inputs: Props) -> Iterator[Problem]:
    opened = {key: plain(value) for key, value in inputs.items() if not key.startswith("__")}
    known = {key: value for key, value in opened.items() if value is not None and not has_unknown(value)}
    pending = frozenset(opened.keys() - known.keys())
    for rule in (*COMMON, *row.rules):
        for path, reason in rule(known):
            root = re.split(r"[.\[]", path, maxsplit=1)[0]
            if root in pending:
                continue
            # A rule sees opened values and may quote any part of one, so about a secret only its name is said.
            hidden = has_secret(inputs.get(root))
            yield Problem(path, f"the secret value breaks the rule {_rule_name(rule)}" if hidden else reason)


def _rule_name(rule: Rule) -> str:
    return str(getattr(rule, "__qualname__", rule)).split(".", maxsplit=1)[0]


class _Api:
    """A botocore shape as bounds."""

    def __init__(self, shape: Any, rename: Mapping[str, str]) -> None:
        self.shape, self.rename = shape, rename

    def member(self, key: str) -> _Api | None:
        if self.shape.type_name != "structure":
            return None
        name = self.rename.get(key) or shapes.member_of(self.shape.members, key)
        return _Api(self.shape.members[name], self.rename) if name in self.shape.members else None

    def item(self) -> _Api:
        return _Api(self.shape.member, self.rename) if self.shape.type_name == "list" else self

    def bounds(self) -> tuple[Any, Any, Any, str]:
        limits = self.shape.metadata
        enum = tuple(limits.get("enum", ())) if self.shape.type_name == "string" else ()
        # botocore's patterns describe the whole value.
        return enum, limits.get("min"), limits.get("max"), f"^(?:{limits['pattern']})$" if "pattern" in limits else ""


class _Cfn:
    """A CloudFormation schema node as bounds."""

    def __init__(self, root: Mapping[str, Any], node: Mapping[str, Any]) -> None:
        while "$ref" in node:
            target: Any = root
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            node = target
        self.root, self.node = root, node

    def member(self, key: str) -> _Cfn | None:
        properties = self.node.get("properties", {})
        name = shapes.member_of(properties, key)
        return _Cfn(self.root, properties[name]) if name else None

    def item(self) -> _Cfn:
        items = self.node.get("items")
        return _Cfn(self.root, items) if isinstance(items, dict) else self

    def bounds(self) -> tuple[Any, Any, Any, str]:
        low = self.node.get("minimum", self.node.get("minLength"))
        high = self.node.get("maximum", self.node.get("maxLength"))
        return tuple(self.node.get("enum", ())), low, high, self.node.get("pattern", "")


def _walk(bounds: _Api | _Cfn, value: Any, path: str, *, secret: bool = False) -> Iterator[Problem]:
    match value:
        case Secret():
            # Keys inside a secret are as secret as its values: the path ends where it begins.
            for problem in _walk(bounds, value.value, path, secret=True):
                yield Problem(path, problem.reason)
        case Unknown() | Envelope() | None:
            return  # what is not known, or is a file: its content is not the API's text
        case dict():
            for key, item in value.items():
                inner = bounds.member(key)
                if inner is not None:
                    yield from _walk(inner, item, f"{path}.{key}", secret=secret)
        case list():
            for index, item in enumerate(value):
                yield from _walk(bounds.item(), item, f"{path}[{index}]", secret=secret)
        case _:
            reason = _refusal(bounds.bounds(), value)
            if reason:
                shown = "the secret value" if secret else repr(value)
                yield Problem(path, f"{shown} {reason}")


def _refusal(limits: tuple[Any, Any, Any, str], value: Any) -> str:
    enum, low, high, pattern = limits
    if isinstance(value, bool):
        return ""  # AWS spells some booleans as strings; the type is checked elsewhere
    if enum and value not in enum:
        return f"is not allowed; allowed: {_listed(enum)}"
    size = value if isinstance(value, (int, float)) else len(value)
    what = "" if isinstance(value, (int, float)) else " characters"
    if low is not None and size < low:
        return f"is too {'small' if not what else 'short'}: at least {low}{what}"
    if high is not None and size > high:
        return f"is too {'large' if not what else 'long'}: at most {high}{what}"
    if pattern and isinstance(value, str):
        compiled = _compiled(pattern)
        if compiled is not None and not compiled.search(value):
            return f"does not match {pattern}"
    return ""


def _listed(enum: tuple[Any, ...]) -> str:
    shown = ", ".join(map(str, enum[: _MANY * 2]))
    return shown if len(enum) <= _MANY * 2 else f"{shown} ... ({len(enum)} in all)"


@cache
def _compiled(pattern: str) -> re.Pattern[str] | None:
    # The models are written for Java and ECMAScript: POSIX classes and \p{} have no meaning to Python.
    if "\\p{" in pattern or "[:" in pattern:
        return None
    try:
        return re.compile(pattern)
    except re.error:
        return None
