"""A provider as the engine finds and starts it: a launcher in a directory, and a process that serves."""

from __future__ import annotations

import importlib.metadata
import shlex
import signal
import sys
import threading
from concurrent import futures
from pathlib import Path
from typing import Final

import grpc

from sandbox.providers.errors import ProviderError
from sandbox.providers.table import Package

PACKAGES: Final = ("aws", "datadog")
_DISTRIBUTIONS = {"aws": "pulumi-aws", "datadog": "pulumi-datadog"}
_MAX_MESSAGE: Final = 400 * 1024 * 1024
"""The SDK's own limit for gRPC messages (pulumi/runtime/_grpc_settings.py)."""


def write_plugin(directory: Path, python: Path, package: str) -> Path:
    """Writes `pulumi-resource-<package>` into the directory and returns the directory.

    A project file names it: `plugins: {providers: [{name: aws, path: <directory>}]}`. The launcher carries the
    checkout on its PYTHONPATH, because the engine starts it in the project's directory.
    """
    if package not in PACKAGES:
        raise ProviderError(f"no sandbox provider {package!r}; known: {', '.join(PACKAGES)}")
    directory.mkdir(parents=True, exist_ok=True)
    launcher = directory / f"pulumi-resource-{package}"
    checkout = Path(__file__).resolve().parents[2]
    launcher.write_text(
        "#!/bin/sh\n"
        f"PYTHONPATH={shlex.quote(str(checkout))}${{PYTHONPATH:+:$PYTHONPATH}} "
        f'exec {shlex.quote(str(python))} -m sandbox.providers {package} "$@"\n',
        encoding="utf-8",
    )
    launcher.chmod(0o755)
    return directory


def load_package(name: str) -> Package:
    """The table of a package; only the one asked for is imported."""
    if name == "aws":
        from sandbox.providers.aws_types import AWS

        return AWS
    if name == "datadog":
        from sandbox.providers.datadog_types import DATADOG

        return DATADOG
    raise ProviderError(f"no sandbox provider {name!r}; known: {', '.join(PACKAGES)}")


def serve(name: str) -> None:
    """Serves a package on a free local port, prints the port, and stays until the engine ends it."""
    from pulumi.runtime.proto import provider_pb2_grpc

    from sandbox.providers.servicer import Servicer

    server = grpc.server(
        # The engine's default parallelism is 4 per core; boto3 calls mostly wait.
        futures.ThreadPoolExecutor(max_workers=32),
        options=[
            ("grpc.max_receive_message_length", _MAX_MESSAGE),
            ("grpc.max_send_message_length", _MAX_MESSAGE),
        ],
    )
    version = importlib.metadata.version(_DISTRIBUTIONS[name])
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Servicer(load_package(name), version), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    # The engine reads the first line of stdout as the port.
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    stop.wait()
    server.stop(grace=1).wait()
