"""The table of resource types: one row says all that this sandbox knows about a type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

from sandbox.providers.cloud import Cloud
from sandbox.providers.errors import ProviderError
from sandbox.providers.organisation import Claim
from sandbox.providers.sdk import ResourceSdk
from sandbox.providers.sdk import resource as sdk_resource
from sandbox.providers.wire import Props

Rule = Callable[[Props], list[tuple[str, str]]]
"""Looks at one resource's plain inputs and returns (path, reason) for each that AWS would refuse."""


@dataclass(frozen=True)
class Made:
    """What a creation gave: the id, and outputs that only moto could know."""

    id: str
    outputs: Props = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Realiser:
    """How a type lives in moto. `read` returns `None` when the thing is gone."""

    create: Callable[[Cloud, Props], Made]
    read: Callable[[Cloud, str, Props], Props | None]
    update: Callable[[Cloud, str, Props, Props], Props]
    """Takes cloud, id, old state and new inputs; returns outputs that changed besides the inputs."""
    delete: Callable[[Cloud, str, Props], None]


@dataclass(frozen=True, kw_only=True)
class Api:
    """The AWS operation that takes this type's inputs; its botocore model bounds their values."""

    service: str
    operation: str
    rename: Mapping[str, str] = field(default_factory=dict)
    """SDK property -> member of the operation's input, where the name differs by more than case."""
    inside: str = ""
    """Dotted path to the member that holds the inputs, where it is not the top."""


@dataclass(frozen=True)
class Row:
    """One resource type.

    Templates may name any input (`{name}`), `{id}`, `{region}`, `{account}`, `{partition}` and `{hex}`
    (17 hex digits drawn at creation).
    """

    token: str
    _: KW_ONLY
    id: str | Callable[[Props, Cloud], str] = "{name}"
    """The identifier of a recorded resource; a realised one gets its id from moto."""
    outputs: Mapping[str, Any] = field(default_factory=dict)
    """Computed outputs: a template, a constant, or a function of (inputs, cloud)."""
    replace_on: frozenset[str] = frozenset()
    delete_before_replace: bool = False
    """Where a fixed name makes create-before-delete impossible anyway (the provider's own setting)."""
    name: str | None = "name"
    """The property that is named automatically when it is left out."""
    name_form: str = "{name}-{hex7}"
    defaults: Mapping[str, Any] = field(default_factory=dict)
    """Values the real provider fills in, visible as outputs."""
    write_only: frozenset[str] = frozenset()
    """Inputs that never reach the outputs and are never compared."""
    moto: Realiser | None = None
    api: Api | None = None
    cfn: str = ""
    """The CloudFormation type whose schema bounds values and lists what only a replacement can change."""
    rules: tuple[Rule, ...] = ()
    permits: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    """Values that the provider takes although AWS's models do not list them."""
    volatile: frozenset[str] = frozenset()
    """Computed outputs that an update may change."""
    claim: Claim | None = None
    """What of it there can be only one of."""
    answers: Callable[[Props], Props] | None = None
    """Inputs as the service gives them back. What it alters differs from the program's for ever; what it adds inside an
    object does not."""
    completed: frozenset[str] = frozenset()
    """Inputs to which the service adds what only it knows: as outputs they are unknown before."""

    @property
    def realised(self) -> bool:
        """Whether this type exists in moto; otherwise it is only recorded in the stack's state."""
        return self.moto is not None


Invoke = Callable[[Props, Cloud], Props]


@dataclass(frozen=True)
class Package:
    """One provider package: its types, its functions, and the cloud it talks to."""

    name: str
    sdk: str
    rows: Mapping[str, Row]
    invokes: Mapping[str, Invoke]
    cloud: Callable[[Props], Cloud]
    rows_in: str
    """The folder an engineer adds a row to, for messages."""

    def row(self, token: str) -> Row:
        """The row of a type, or a refusal that says where to add one."""
        row = self.rows.get(token)
        if row is None:
            raise ProviderError(
                f"the sandbox does not know the resource type {token}: "
                f"add a Row for it in {self.rows_in} (its id, outputs and replace_on)"
            )
        return row

    def invoke(self, token: str) -> Invoke:
        """A listed function, or a refusal: an unlisted look-up must not return an invented answer."""
        function = self.invokes.get(token)
        if function is None:
            raise ProviderError(
                f"the sandbox does not know the function {token}: add it to INVOKES in {self.rows_in}__init__.py"
            )
        return function

    def resource(self, token: str) -> ResourceSdk:
        """What the installed SDK says about a type."""
        return sdk_resource(self.sdk, token)


def table(*rows: Row) -> dict[str, Row]:
    """Rows by token; a type listed twice is a mistake."""
    by_token = {row.token: row for row in rows}
    if len(by_token) != len(rows):
        tokens = [row.token for row in rows]
        raise ValueError(f"listed twice: {sorted({token for token in tokens if tokens.count(token) > 1})}")
    return by_token
