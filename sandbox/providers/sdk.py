"""What the installed SDK says a resource takes and returns, read from its source without importing it.

Importing the AWS modules a logging stack needs costs about 2.7 s, importing pulumi_datadog 7 s; a provider
has to be up in under one. The SDK is generated code, so each class is cut out of its file as text, on first
use of its type, and the annotations of its property getters are parsed.
"""

from __future__ import annotations

import ast
import importlib.util
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sandbox.providers.errors import ProviderError

_GETTER = re.compile(
    r"    @pulumi\.getter(?:\(name=\"(?P<wire>\w+)\"\))?\n"
    r"(?:    @_utilities\.deprecated\(\"\"\"[\s\S]*?\"\"\"\)\n)?"
    r"    def (?P<python>\w+)\(self\) -> (?P<type>.+):\n"
)


@dataclass(frozen=True)
class Shape:
    """The type of a property: `kind` is str, int, float, bool, any, asset, list, map or object."""

    kind: str
    of: Shape | None = None
    """What a list or map holds."""
    class_name: str = ""
    """The nested input class of an object."""


@dataclass(frozen=True)
class Field:
    """One property of a class, by its name on the wire."""

    name: str
    shape: Shape
    required: bool


@dataclass(frozen=True)
class ResourceSdk:
    """One resource class: what it takes, what it returns, what is secret."""

    inputs: dict[str, Field]
    outputs: dict[str, Field]
    folder: Path
    sensitive: frozenset[str]


@cache
def resource(package: str, token: str) -> ResourceSdk:
    """The resource of a type token such as `aws:cloudwatch/logGroup:LogGroup`."""
    folder, name = _folder(package, token), token.rsplit(":", 1)[1]
    text = _file_of(folder, name, token).read_text(encoding="utf-8")
    # Split S3 resources share their natural name with a nested block, so their own arguments are `InitArgs`.
    taken = _slice(text, f"{name}Args") or _slice(text, f"{name}InitArgs")
    body = _slice(text, name)
    if taken is None or body is None:
        raise ProviderError(f"{token}: no argument class in {package}, so its inputs cannot be checked")
    secrets = re.search(r"additional_secret_outputs=\[([^\]]*)\]", body)
    return ResourceSdk(
        inputs=_fields(taken),
        outputs=_fields(body),
        folder=folder,
        sensitive=frozenset(re.findall(r'"(\w+)"', secrets.group(1))) if secrets else frozenset(),
    )


@cache
def provider_inputs(package: str) -> dict[str, Field]:
    """What the package's own provider resource takes."""
    text = (_package_folder(package) / "provider.py").read_text(encoding="utf-8")
    return _fields(_slice(text, "ProviderArgs") or "")


@cache
def nested(folder: Path, class_name: str) -> dict[str, Field]:
    """The properties of a nested input class, found in its module's `_inputs.py`."""
    body = _slice(_inputs_text(folder), class_name)
    if body is None:
        raise ProviderError(f"the SDK has no input class {class_name} in {folder.name}/_inputs.py")
    return _fields(body)


@cache
def _inputs_text(folder: Path) -> str:
    return (folder / "_inputs.py").read_text(encoding="utf-8")


@cache
def _package_folder(package: str) -> Path:
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise ProviderError(f"the Python package {package} is not installed")
    return Path(found.origin).parent


def _folder(package: str, token: str) -> Path:
    root, module = _package_folder(package), token.split(":")[1].partition("/")[0]
    if module == "index":
        return root
    # `lambda` is a Python keyword: its module is `lambda_`.
    return next((path for path in (root / module, root / f"{module}_") if path.is_dir()), root / module)


def _file_of(folder: Path, name: str, token: str) -> Path:
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
    if (folder / f"{snake}.py").is_file():
        return folder / f"{snake}.py"
    marker = f"class {name}(pulumi.CustomResource)"
    for path in sorted(folder.glob("*.py")):
        if path.name not in {"_inputs.py", "outputs.py"} and marker in path.read_text(encoding="utf-8"):
            return path
    raise ProviderError(f"the installed SDK has no resource {token}")


def _slice(text: str, class_name: str) -> str | None:
    start = re.search(rf"^class {class_name}[(:]", text, re.MULTILINE)
    if start is None:
        return None
    end = re.compile(r"^(?:class |@pulumi\.)", re.MULTILINE).search(text, start.end())
    return text[start.start() : end.start() if end else None]


def _fields(body: str) -> dict[str, Field]:
    fields = {}
    for match in _GETTER.finditer(body):
        name = match["wire"] or match["python"]
        shape, optional = _shape(ast.parse(match["type"].strip(), mode="eval").body)
        fields[name] = Field(name, shape, required=not optional)
    return fields


_SCALARS = {"str": "str", "int": "int", "float": "float", "bool": "bool", "Any": "any"}


def _shape(node: ast.expr) -> tuple[Shape, bool]:
    """The shape an annotation describes, and whether it may be absent."""
    match node:
        case ast.Constant(value=str(name)):
            # A quoted name is a nested class, or an enumeration (which is a string on the wire).
            leaf = name.removeprefix("outputs.").rsplit(".", 1)[-1]
            return Shape("object" if leaf.endswith("Args") else "any", class_name=leaf), False
        case ast.Name(id=name) | ast.Attribute(attr=name):
            if name in {"Archive", "Asset", "AssetOrArchive"}:
                return Shape("asset"), False
            return Shape(_SCALARS.get(name, "any")), False
        case ast.Subscript(value=outer, slice=inner):
            return _generic(_last_name(outer), inner)
    return Shape("any"), False


def _generic(outer: str, inner: ast.expr) -> tuple[Shape, bool]:
    if outer in {"Input", "Output"}:
        return _shape(inner)
    if outer == "Optional":
        return _shape(inner)[0], True
    if outer in {"Sequence", "List"}:
        return Shape("list", of=_shape(inner)[0]), False
    if outer in {"Mapping", "Dict"} and isinstance(inner, ast.Tuple):
        return Shape("map", of=_shape(inner.elts[1])[0]), False
    if outer == "Union" and isinstance(inner, ast.Tuple):
        shapes = [_shape(item)[0] for item in inner.elts]
        scalar = next((shape for shape in shapes if shape.kind in _SCALARS), None)
        return (scalar or shapes[0]), False
    return Shape("any"), False


def _last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
