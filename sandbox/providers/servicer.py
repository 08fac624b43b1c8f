"""The engine's plugin protocol (provider.proto) in front of a package's `Lifecycle`."""

from __future__ import annotations

import functools
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import grpc
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from sandbox.providers import sdk
from sandbox.providers.errors import Problem, ProviderError
from sandbox.providers.lifecycle import Lifecycle
from sandbox.providers.table import Package
from sandbox.providers.wire import Props, decode, encode, has_unknown, plain, scrub

Answer = TypeVar("Answer")
Handler = Callable[["Servicer", Any, grpc.ServicerContext], Answer]


def _type_and_name(request: Any) -> tuple[str, str]:
    parts = request.urn.split("::", 3)
    return request.type or parts[2].rsplit("$", 1)[-1], request.name or parts[3]


def _answering(handler: Handler[Answer]) -> Handler[Answer]:
    """A failure becomes one sentence that names the resource, without any secret of the request."""

    @functools.wraps(handler)
    def answer(self: Servicer, request: Any, context: grpc.ServicerContext) -> Answer:
        try:
            return handler(self, request, context)
        except Exception as error:
            context.abort(grpc.StatusCode.UNKNOWN, scrub(_sentence(error), *_secretive(request)))
            raise AssertionError("abort always raises") from error

    return answer


def _sentence(error: Exception) -> str:
    if isinstance(error, ProviderError):
        return str(error)
    response = getattr(error, "response", None)
    if isinstance(response, dict) and "Error" in response:  # botocore's ClientError
        detail = response["Error"]
        operation = getattr(error, "operation_name", "a call")
        return f"moto refused {operation}: {detail.get('Code')}: {detail.get('Message')}"
    where = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} (at {Path(where.filename).name}:{where.lineno})"


def _secretive(request: Any) -> Iterable[Props]:
    structs = (getattr(request, name, None) for name in ("news", "olds", "old_inputs", "properties", "inputs", "args"))
    return [decode(struct) for struct in structs if isinstance(struct, struct_pb2.Struct)]


class Servicer(provider_pb2_grpc.ResourceProviderServicer):
    """One provider process: configured once, then asked about many resources at the same time."""

    def __init__(self, package: Package, version: str) -> None:
        self.package = package
        self.version = version
        self._lifecycle: Lifecycle | None = None

    @property
    def lifecycle(self) -> Lifecycle:
        """What the provider does, once it has been configured."""
        if self._lifecycle is None:
            raise ProviderError(f"the {self.package.name} provider was asked before it was configured")
        return self._lifecycle

    # -- the process --------------------------------------------------------------------------------------

    def Handshake(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802 - the protocol's names
        """Secrets travel in envelopes; outputs and resources as plain values."""
        return provider_pb2.ProviderHandshakeResponse(
            accept_secrets=True,
            accept_resources=False,
            accept_outputs=False,
            supports_autonaming_configuration=False,
        )

    def Attach(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        """The engine's address, which this provider never calls back."""
        return empty_pb2.Empty()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        """The version of the SDK whose types are checked."""
        return plugin_pb2.PluginInfo(version=self.version)

    def Cancel(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        """Every call is short: there is nothing to interrupt."""
        return empty_pb2.Empty()

    def GetSchema(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        """A schema with a name and nothing else: the program uses the installed SDK."""
        return provider_pb2.GetSchemaResponse(schema=f'{{"name": "{self.package.name}", "version": "{self.version}"}}')

    @_answering
    def CheckConfig(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        """The provider's own settings: unknown keys are refused."""
        known = sdk.provider_inputs(self.package.sdk)
        unknown = [
            key for key in decode(request.news) if key not in known and key not in {"version", "pluginDownloadURL"}
        ]
        failures = [
            provider_pb2.CheckFailure(
                property=key, reason=f"{key}: the {self.package.name} provider has no such setting"
            )
            for key in unknown
        ]
        return provider_pb2.CheckResponse(inputs=request.news, failures=failures)

    @_answering
    def DiffConfig(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        """Another region is another provider: its resources are replaced with it."""
        olds, news = plain(decode(request.old_inputs)), plain(decode(request.news))
        changed = sorted(key for key in {*olds, *news} if olds.get(key) != news.get(key))
        replaces = [key for key in changed if key == "region" and not has_unknown(news.get("region"))]
        return _diff_response(changed, replaces, delete_first=False)

    @_answering
    def Configure(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        """Region, default tags and the endpoint are settled here, once."""
        self._lifecycle = Lifecycle(self.package, self.package.cloud(plain(decode(request.args))))
        return provider_pb2.ConfigureResponse(
            acceptSecrets=True, supportsPreview=True, acceptResources=False, acceptOutputs=False
        )

    # -- one resource -------------------------------------------------------------------------------------

    @_answering
    def Check(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        """Fills in the automatic name and reports every wrong input at once."""
        token, name = _type_and_name(request)
        news = decode(request.news)
        inputs, problems = self.lifecycle.check(token, name, decode(request.olds), news, request.randomSeed)
        return provider_pb2.CheckResponse(inputs=encode(inputs), failures=_failures(problems, news))

    @_answering
    def Diff(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        """Compares inputs with the last update's inputs."""
        token, _ = _type_and_name(request)
        change = self.lifecycle.diff(token, decode(request.old_inputs), decode(request.olds), decode(request.news))
        return _diff_response(change.changed, change.replaces, delete_first=change.delete_before_replace)

    @_answering
    def Create(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        """Creates, or in a preview says what would be known."""
        token, _ = _type_and_name(request)
        identifier, outputs = self.lifecycle.create(token, decode(request.properties), preview=request.preview)
        return provider_pb2.CreateResponse(id=identifier, properties=encode(outputs))

    @_answering
    def Read(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        """Refresh and import: an empty id says that it is gone."""
        token, _ = _type_and_name(request)
        found = self.lifecycle.read(token, request.id, decode(request.properties), decode(request.inputs))
        if found is None:
            return provider_pb2.ReadResponse()
        return provider_pb2.ReadResponse(id=found.id, properties=encode(found.state), inputs=encode(found.inputs))

    @_answering
    def Update(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        """Changes in place."""
        token, _ = _type_and_name(request)
        outputs = self.lifecycle.update(
            token,
            request.id,
            decode(request.olds),
            decode(request.old_inputs),
            decode(request.news),
            preview=request.preview,
        )
        return provider_pb2.UpdateResponse(properties=encode(outputs))

    @_answering
    def Delete(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        """Removes."""
        token, _ = _type_and_name(request)
        self.lifecycle.delete(token, request.id, decode(request.properties))
        return empty_pb2.Empty()

    @_answering
    def Invoke(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        """A look-up: only listed ones have an answer."""
        function = self.package.invoke(request.tok)
        answer = function(plain(decode(request.args)), self.lifecycle.cloud)
        # "return" is a keyword, so the generated message takes it by name only this way.
        return provider_pb2.InvokeResponse(**{"return": encode(answer)})


def _failures(problems: Iterable[Problem], news: Props) -> list[Any]:
    # The engine prints only the reason, so the path is part of it.
    return [
        provider_pb2.CheckFailure(property=problem.path, reason=scrub(f"{problem.path}: {problem.reason}", news))
        for problem in problems
    ]


def _diff_response(changed: Iterable[str], replaces: Iterable[str], *, delete_first: bool) -> Any:
    changed = list(changed)
    kind = provider_pb2.DiffResponse
    return kind(
        changes=kind.DIFF_SOME if changed else kind.DIFF_NONE,
        diffs=changed,
        replaces=list(replaces),
        deleteBeforeReplace=delete_first,
    )
