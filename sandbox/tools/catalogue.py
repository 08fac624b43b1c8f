"""What each tool is: its version, its official release, and how to build it from Go modules.

A new tool is one more `Tool` in `CATALOGUE`; nothing else has to know about it.
"""

import dataclasses
import hashlib
import json
import platform
from dataclasses import dataclass
from pathlib import Path

import yaml

_ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


@dataclass(frozen=True, kw_only=True)
class Release:
    """An official release archive: .tar.gz, or .zip by its name.

    The three URL parts and `executable` may use `{version}`, `{os}` (linux, darwin) and `{arch}`.
    `checksums` is the release's own SHA-256 file, lines of `<hex>  <file name>`.
    `executable` is the path in the archive of the program, and `companions` a pattern of files that belong beside it.
    """

    folder: str
    archive: str
    checksums: str
    executable: str
    companions: str = ""
    # What this project of releases calls amd64.
    amd64: str = "amd64"


@dataclass(frozen=True, kw_only=True)
class GoProgram:
    """A program built from published Go modules, through a go.mod that requires them and nothing else."""

    requires: tuple[tuple[str, str], ...]
    package: str
    replaces: tuple[str, ...] = ()
    tags: str = ""
    ldflags: str = "-s -w"


@dataclass(frozen=True, kw_only=True)
class GoCollector:
    """A Collector put together by the OpenTelemetry Collector Builder from a manifest.

    It counts as the right tool only when it contains every module that the manifest lists.
    """

    builder: str
    manifest: Path
    tags: str = ""

    def modules(self) -> frozenset[str]:
        """Return the module paths, without versions, that the manifest asks for."""
        parts = yaml.safe_load(self.manifest.read_text(encoding="utf-8"))
        return frozenset(
            part["gomod"].split()[0]
            for parts_of_a_kind in parts.values()
            if isinstance(parts_of_a_kind, list)
            for part in parts_of_a_kind
        )


@dataclass(frozen=True, kw_only=True)
class Tool:
    """One outside program at one version.

    `programs` are its names on PATH. `version_command` are the arguments that make it print its version;
    empty for a program that cannot tell, which is then never taken from PATH.
    """

    name: str
    version: str
    purpose: str
    homepage: str
    programs: tuple[str, ...]
    version_command: tuple[str, ...]
    release: Release | None = None
    go: GoProgram | GoCollector | None = None


def this_platform() -> tuple[str, str]:
    """Return this machine's operating system and architecture in Go's words, such as ("linux", "amd64")."""
    machine = platform.machine().lower()
    return platform.system().lower(), _ARCHITECTURES.get(machine, machine)


def cache_key(tool: Tool) -> str:
    """Return the name under which a build of this tool is kept: name, version, and a hash of how it is made."""
    made_from = {part: value for part, value in dataclasses.asdict(tool).items() if part in {"release", "go"}}
    recipe = json.dumps([made_from, this_platform()], sort_keys=True, default=_content)
    return f"{tool.name}-{tool.version}-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"


def _content(file: object) -> str:
    # The manifest counts by what it says, not by where this checkout happens to be.
    if isinstance(file, Path):
        return file.read_text(encoding="utf-8")
    raise TypeError(f"{type(file).__name__} has no place in a cache key")


_PULUMI = "3.259.0"
_OTELCOL = "0.158.0"

PULUMI = Tool(
    name="pulumi",
    version=_PULUMI,
    purpose="the Pulumi engine",
    homepage=f"https://github.com/pulumi/pulumi/releases/tag/v{_PULUMI}",
    programs=("pulumi",),
    version_command=("version",),
    release=Release(
        folder="https://github.com/pulumi/pulumi/releases/download/v{version}",
        archive="pulumi-v{version}-{os}-{arch}.tar.gz",
        checksums="pulumi-{version}-checksums.txt",
        executable="pulumi/pulumi",
        companions="pulumi/pulumi-*",  # the language hosts, which the engine looks for beside itself
        amd64="x64",
    ),
    go=GoProgram(
        requires=(
            ("github.com/pulumi/pulumi/pkg/v3", f"v{_PULUMI}"),
            ("github.com/pulumi/pulumi/sdk/v3", f"v{_PULUMI}"),
        ),
        package="github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
        tags="osusergo,grpcnotrace",
        ldflags=f"-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v{_PULUMI}",
    ),
)

OTELCOL = Tool(
    name="otelcol",
    version=_OTELCOL,
    purpose="the OpenTelemetry Collector",
    homepage=f"https://github.com/open-telemetry/opentelemetry-collector-releases/releases/tag/v{_OTELCOL}",
    programs=("otelcol-contrib", "otelcol"),
    version_command=("--version",),
    release=Release(
        folder="https://github.com/open-telemetry/opentelemetry-collector-releases/releases/download/v{version}",
        archive="otelcol-contrib_{version}_{os}_{arch}.tar.gz",
        checksums="opentelemetry-collector-releases_otelcol-contrib_checksums.txt",
        executable="otelcol-contrib",
    ),
    go=GoCollector(
        builder=f"go.opentelemetry.io/collector/cmd/builder@v{_OTELCOL}",
        manifest=Path(__file__).with_name("otelcol-manifest.yaml"),
        tags="grpcnotrace",
    ),
)

_LOKI = "3.7.7"

LOKI = Tool(
    name="loki",
    version=_LOKI,
    purpose="Grafana Loki, where the destination local keeps its records",
    homepage=f"https://github.com/grafana/loki/releases/tag/v{_LOKI}",
    programs=("loki",),
    version_command=("--version",),
    release=Release(
        folder="https://github.com/grafana/loki/releases/download/v{version}",
        archive="loki-{os}-{arch}.zip",
        checksums="SHA256SUMS",
        executable="loki-{os}-{arch}",
    ),
    go=GoProgram(
        requires=(("github.com/grafana/loki/v3", f"v{_LOKI}"),),
        package="github.com/grafana/loki/v3/cmd/loki",
        # Those of Loki's own go.mod, which count only there; its pkg/push is a directory of its checkout and comes
        # as the version that it requires.
        replaces=(
            "github.com/Azure/azure-sdk-for-go => github.com/Azure/azure-sdk-for-go v68.0.0+incompatible",
            "github.com/Azure/azure-storage-blob-go => "
            "github.com/MasslessParticle/azure-storage-blob-go v0.14.1-0.20240322194317-344980fda573",
            "github.com/gocql/gocql => github.com/grafana/gocql v0.0.0-20200605141915-ba5dc39ece85",
            "github.com/hashicorp/memberlist => github.com/grafana/memberlist v0.3.1-0.20251126142931-6f9f62ab6f86",
            "github.com/grafana/regexp => github.com/grafana/regexp v0.0.0-20240518133315-a468a5bfb3bc",
            "github.com/influxdata/go-syslog/v3 => github.com/leodido/go-syslog/v4 v4.3.0",
            "github.com/thanos-io/objstore => github.com/grafana/objstore v0.0.0-20250728171719-b5d3b766d1b0",
        ),
        tags="netgo",
        ldflags=f"-s -w -X github.com/grafana/loki/v3/pkg/util/build.Version={_LOKI}",
    ),
)

_PROMETHEUS = "3.13.0"

PROMTOOL = Tool(
    name="promtool",
    version=_PROMETHEUS,
    purpose="Prometheus' own judge of alert rules, which decides in tests whether an alert fires",
    homepage=f"https://github.com/prometheus/prometheus/releases/tag/v{_PROMETHEUS}",
    programs=("promtool",),
    version_command=("--version",),
    release=Release(
        folder="https://github.com/prometheus/prometheus/releases/download/v{version}",
        archive="prometheus-{version}.{os}-{arch}.tar.gz",
        checksums="sha256sums.txt",
        executable="prometheus-{version}.{os}-{arch}/promtool",
    ),
    go=GoProgram(
        # As a Go module Prometheus 3.13.0 is v0.313.0.
        requires=(("github.com/prometheus/prometheus", "v0.313.0"),),
        package="github.com/prometheus/prometheus/cmd/promtool",
        tags="netgo,remove_all_sd",
        ldflags=f"-s -w -X github.com/prometheus/common/version.Version={_PROMETHEUS}",
    ),
)

CATALOGUE = {tool.name: tool for tool in (PULUMI, OTELCOL, LOKI, PROMTOOL)}
