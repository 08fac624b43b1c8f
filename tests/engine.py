"""Pulumi mocks that remember everything: what is registered, under which parent, with which options.

They prove what the program asks the engine for, in a preview and in an update. They do not prove that AWS accepts
it; the sandbox's providers, cfn-lint, checkov and parliament each prove a part of that.
"""

import asyncio
import functools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import pulumi
from pulumi.runtime import mocks, rpc
from pulumi.runtime.config import set_all_config
from pulumi.runtime.settings import reset_options

SECRET = "4dabf18193072939515e22adb298388d"
"""Key that marks a wrapped value on the wire (Pulumi SDK, runtime/rpc.py)."""


@dataclass(frozen=True)
class Registered:
    """One resource as the program registered it."""

    type: str
    name: str
    urn: str
    inputs: Mapping[str, Any]
    """Plain values; secrets are unwrapped."""
    secret_inputs: frozenset[str]
    """Top-level inputs that were wrapped as secrets."""
    parent: str
    provider: str
    protect: bool
    retain_on_delete: bool
    depends_on: frozenset[str]
    references: Mapping[str, frozenset[str]]
    """Top-level input to the URNs of the resources whose outputs it was computed from."""
    import_id: str
    ignore_changes: tuple[str, ...]
    delete_before_replace: bool
    custom: bool

    def __getitem__(self, key: str) -> Any:
        """Return the input `key`; a missing one is an error that names the resource."""
        if key not in self.inputs:
            raise AssertionError(f"{self.type} {self.name} has no input {key}; it has {sorted(self.inputs)}")
        return self.inputs[key]

    def document(self, key: str) -> Any:
        """Return the JSON document in the input `key`."""
        return json.loads(self[key])


@dataclass
class Deployment:
    """What a test looks at after a program ran."""

    resources: list[Registered]
    result: Any

    def all(self, type_: str) -> list[Registered]:
        """Return every resource of `type_`."""
        return [item for item in self.resources if item.type == type_]

    def one(self, type_: str, name: str | None = None) -> Registered:
        """Return the only resource of `type_` (and `name`); anything else is an error that says what there is."""
        found = [item for item in self.all(type_) if name is None or item.name == name]
        if len(found) != 1:
            there = [item.name for item in self.all(type_)] or sorted({item.type for item in self.resources})
            raise AssertionError(f"expected one {type_} {name or ''}, found {len(found)}; there are {there}")
        return found[0]


@dataclass
class World(mocks.Mocks):
    """Invents what a provider would compute; refuses lookups that the test did not provide."""

    lookups: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        """Return an id and the inputs with an ARN and the computed fields that programs compose with."""
        name = args.inputs.get("name") or args.inputs.get("bucket") or args.inputs.get("family") or args.name
        kind = args.typ.split(":")[1].split("/")[0]
        invented = {
            "arn": f"arn:aws:{kind}:us-east-1:123456789012:{args.name}",
            "name": name,
            "keyId": f"{args.name}-key-id",
            "bucket": name,
            "url": f"https://{args.name}.invalid",
            "dnsName": f"{args.name}.elb.invalid",
            "uniqueId": f"{args.name}-unique",
            "prefixListId": f"{args.name}-prefix-list",
        }
        if args.typ == "datadog:aws/integrationAccount:IntegrationAccount":  # which makes up the external id
            role = {**args.inputs["authConfig"]["awsAuthConfigRole"], "externalId": f"{args.name}-external-id"}
            args.inputs["authConfig"] = {"awsAuthConfigRole": role}
        return args.resource_id or f"{args.name}-id", {**invented, **args.inputs}

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        """Return the lookup that the test provided for this token."""
        if args.token not in self.lookups:
            raise AssertionError(
                f"unexpected lookup {args.token}: the program must be computed from settings and policy"
            )
        return dict(self.lookups[args.token]), []


class _Recorder(mocks.MockMonitor):
    """Keeps the raw registration requests: options such as protect never reach plain mocks."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.requests: list[tuple[Any, str]] = []

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the protocol's name
        """Record the request beside the URN that it was given."""
        response = super().RegisterResource(request)  # type: ignore[no-untyped-call]
        self.requests.append((request, response.urn))
        return response


def deploy(
    build: Callable[[], Any],
    *,
    stack: str = "test",
    project: str = "tinybeans-logging",
    preview: bool = False,
    config: Mapping[str, str] | None = None,
    secret_keys: tuple[str, ...] = (),
    lookups: Mapping[str, Mapping[str, Any]] | None = None,
) -> Deployment:
    """Run `build` as a Pulumi program until nothing is left to register, and return what it registered."""
    asyncio.set_event_loop(_loop())
    reset_options()
    world = World(lookups or {})
    recorder = _Recorder(world)
    mocks.set_mocks(world, project=project, stack=stack, preview=preview, monitor=recorder)
    set_all_config(dict(config or {}), list(secret_keys))
    kept: list[Any] = []

    @pulumi.runtime.test  # type: ignore[untyped-decorator]
    def run() -> None:
        kept.append(build())

    try:
        run()
    finally:
        set_all_config({}, [])
    return Deployment([_registered(request, urn) for request, urn in recorder.requests], kept[0])


@functools.cache
def _loop() -> asyncio.AbstractEventLoop:
    """Return the one loop that every program of this process runs in."""
    return asyncio.new_event_loop()


def _registered(request: Any, urn: str) -> Registered:
    wire = rpc.deserialize_properties(request.object, keep_unknowns=True)
    return Registered(
        type=request.type,
        name=request.name,
        urn=urn,
        inputs=cast(Mapping[str, Any], _plain(wire)),
        secret_inputs=frozenset(key for key, value in dict(wire).items() if rpc.is_rpc_secret(value)),
        parent=request.parent,
        provider=request.provider or ",".join(request.providers.values()),
        protect=request.protect,
        retain_on_delete=request.retainOnDelete,
        depends_on=frozenset(request.dependencies),
        references={key: frozenset(value.urns) for key, value in request.propertyDependencies.items()},
        import_id=request.importId,
        ignore_changes=tuple(request.ignoreChanges),
        delete_before_replace=request.deleteBeforeReplace,
        custom=request.custom,
    )


def _plain(value: Any) -> Any:
    """Return `value` without secret wrappers and with whole floats as integers, as a person would write it."""
    if rpc.is_rpc_secret(value):
        return _plain(rpc.unwrap_rpc_secret(value))
    if isinstance(value, pulumi.AssetArchive):
        return _plain(value.assets)
    if isinstance(value, pulumi.FileAsset | pulumi.StringAsset):
        return value.path if isinstance(value, pulumi.FileAsset) else value.text
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
