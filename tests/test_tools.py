"""The tools come from PATH, the cache, an official release or Go, and nothing unverified is ever taken for one.

The tool here is made up, its release comes from a server on the loopback interface, and `go` is a shell script.
"""

import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import typer
import yaml
from typer.testing import CliRunner

from sandbox.cache import OVERRIDE, cache_dir
from sandbox.tools import __main__ as command
from sandbox.tools import gobuild, release
from sandbox.tools.catalogue import CATALOGUE, OTELCOL, GoCollector, GoProgram, Release, Tool, cache_key, this_platform
from sandbox.tools.errors import ToolMissingError, WayFailedError
from sandbox.tools.locate import locate, provide
from sandbox.tools.path_lookup import on_path

GREETER = Tool(
    name="greeter",
    version="1.2.3",
    purpose="says hello",
    homepage="https://example.invalid/greeter",
    programs=("greeter",),
    version_command=("--version",),
    go=GoProgram(requires=(("example.invalid/greeter", "v1.2.3"),), package="example.invalid/greeter"),
)


def program(version: str) -> str:
    return f'#!/bin/sh\necho "greeter version {version}"\n'


def install(folder: Path, name: str, script: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(script, encoding="utf-8")
    path.chmod(0o755)
    return path


def install_go(folder: Path, builds: str = "1.2.3", *, then: str = ":", version: str = "go1.26.8") -> None:
    """A `go` that builds a greeter of some version into the place that -o names, and counts how often it does."""
    script = f"""#!/bin/sh
if [ "$1" = env ]; then echo {version}; echo local; exit; fi
{then}
echo built >> "{folder}/builds"
while [ "$1" != -o ]; do shift; done
/bin/mkdir -p "${{2%/*}}"
printf '#!/bin/sh\\necho greeter version {builds}\\n' > "$2"
/bin/chmod +x "$2"
"""
    install(folder, "go", script)


@pytest.fixture(autouse=True)
def bin_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only directory on PATH; the cache is empty, and this machine's own Go is out of sight."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv(OVERRIDE, str(tmp_path / "cache"))
    monkeypatch.setattr(gobuild, "_GO_INSTALLER", str(tmp_path / "no-go"))
    return folder


def kept() -> list[str]:
    """What is in the cache, apart from locks and logs."""
    shelf = cache_dir() / "tools"
    return sorted(path.name for path in shelf.glob("*") if path.suffix not in {".lock", ".log"})


# -- PATH ------------------------------------------------------------------------------------------------------


def test_the_right_version_on_path_wins_and_nothing_is_fetched_or_built(bin_on_path: Path) -> None:
    mine = install(bin_on_path, "greeter", program("1.2.3"))
    install_go(bin_on_path)
    found = provide(GREETER)
    assert (found.executable, found.origin) == (mine, "PATH")
    assert not (bin_on_path / "builds").exists()


@pytest.mark.parametrize("version", ["1.2.4", "1.2.3-rc1", "11.2.3", "1.2.30"])
def test_a_wrong_version_on_path_is_passed_over_with_the_reason(bin_on_path: Path, version: str) -> None:
    install(bin_on_path, "greeter", program(version))
    with pytest.raises(WayFailedError, match=f"is version {version}, not 1.2.3"):
        on_path(GREETER)


def test_a_right_program_behind_a_wrong_one_on_path_is_found(
    tmp_path: Path, bin_on_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(bin_on_path, "greeter", program("1.0.0"))
    right = install(tmp_path / "later" / "bin", "greeter", program("1.2.3"))
    monkeypatch.setenv("PATH", f"{bin_on_path}:{right.parent}")
    assert on_path(GREETER) == right


def test_a_program_that_breaks_is_passed_over_with_what_it_said(bin_on_path: Path) -> None:
    install(bin_on_path, "greeter", "#!/bin/sh\necho no libc >&2\nexit 1\n")
    with pytest.raises(WayFailedError, match="no libc"):
        on_path(GREETER)


def test_a_program_outside_a_bin_directory_is_passed_over_because_pulumi_needs_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path / "elsewhere", "greeter", program("1.2.3"))
    monkeypatch.setenv("PATH", str(tmp_path / "elsewhere"))
    with pytest.raises(WayFailedError, match="not in a directory named bin"):
        on_path(GREETER)


def collector(modules: list[str]) -> str:
    listing = "receivers:\n" + "".join(f"  - name: x\n    module: {module} v0.158.0\n" for module in modules)
    return (
        f'#!/bin/sh\nif [ "$1" = components ]; then echo "{listing}"\nelse echo "otelcol-contrib version 0.158.0"; fi\n'
    )


def test_a_collector_that_lacks_a_component_is_passed_over_and_the_component_is_named(bin_on_path: Path) -> None:
    modules = sorted(module for module in _manifest_modules() if not module.endswith("/filestorage"))
    install(bin_on_path, "otelcol-contrib", collector(modules))
    with pytest.raises(WayFailedError, match=r"lacks 1 of the components .*extension/storage/filestorage"):
        on_path(OTELCOL)


def test_a_collector_under_its_contrib_name_with_every_component_is_taken(bin_on_path: Path) -> None:
    theirs = install(bin_on_path, "otelcol-contrib", collector([*_manifest_modules(), "example.invalid/more"]))
    assert on_path(OTELCOL) == theirs


# -- The official release --------------------------------------------------------------------------------------


class Shop:
    """A release server: what it has by URL path, and what it was asked for."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.folder = ""

    def stock(self, content: str = program("1.2.3"), *, member: str = "greeter/greeter", digest: str = "") -> Tool:
        """Put a release on the shelf and return the tool that it is of."""
        archive = packed({member: content})
        self.files["/greeter.tar.gz"] = archive
        self.files["/sums.txt"] = f"{digest or hashlib.sha256(archive).hexdigest()}  greeter.tar.gz\n".encode()
        return replace(
            GREETER,
            release=Release(
                folder=self.folder,
                archive="greeter.tar.gz",
                checksums="sums.txt",
                executable="greeter/greeter",
                companions="*greeter-*",
            ),
        )


def packed(members: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content.encode())
            archive.addfile(member, io.BytesIO(content.encode()))
    return buffer.getvalue()


@pytest.fixture(name="shop")
def _shop() -> Iterator[Shop]:
    shop = Shop()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            shop.asked.append(self.path)
            content = shop.files.get(self.path)
            if content is None:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    shop.folder = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield shop
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_release_is_fetched_verified_unpacked_and_from_then_on_cached(shop: Shop) -> None:
    tool = shop.stock()
    executable = locate(tool)
    assert subprocess.check_output([executable], text=True) == "greeter version 1.2.3\n"
    assert executable.parent.name == "bin"
    assert shop.asked == ["/sums.txt", "/greeter.tar.gz"]

    assert locate(tool, obtain=False) == executable
    assert len(shop.asked) == 2
    assert kept() == [cache_key(tool)]
    assert sorted(path.name for path in executable.parents[1].iterdir()) == ["bin", "origin.json"]


def test_a_release_with_a_wrong_checksum_is_refused_and_leaves_nothing_in_the_cache(shop: Shop) -> None:
    tool = shop.stock(digest="0" * 64)
    with pytest.raises(
        ToolMissingError, match=r"refused greeter\.tar\.gz: its SHA-256 is [0-9a-f]{64}, but .* says 0{64}"
    ):
        locate(tool)
    assert kept() == []


def test_a_release_that_its_checksum_file_does_not_mention_is_refused(shop: Shop) -> None:
    tool = shop.stock()
    shop.files["/sums.txt"] = shop.files["/sums.txt"].replace(b"greeter.tar.gz", b"greeter.tar.gz.old")
    with pytest.raises(ToolMissingError, match=r"does not mention greeter\.tar\.gz"):
        locate(tool)
    assert "/greeter.tar.gz" not in shop.asked


def test_a_release_of_another_version_than_its_name_says_is_refused(shop: Shop) -> None:
    tool = shop.stock(program("9.9.9"))
    with pytest.raises(ToolMissingError, match=r"not the right tool: .* is version 9\.9\.9"):
        locate(tool)
    assert kept() == []


def test_no_member_of_an_archive_lands_outside_the_tools_own_directory(shop: Shop, tmp_path: Path) -> None:
    tool = shop.stock()
    archive = packed({"../../../greeter-evil": "x", "greeter/greeter": program("1.2.3"), "greeter/notes": "x"})
    shop.files["/greeter.tar.gz"] = archive
    shop.files["/sums.txt"] = f"{hashlib.sha256(archive).hexdigest()}  greeter.tar.gz\n".encode()
    home = locate(tool).parents[1]
    assert sorted(path.name for path in (home / "bin").iterdir()) == ["greeter", "greeter-evil"]
    assert [path for path in tmp_path.rglob("greeter-evil") if home not in path.parents] == []


def zipped(shop: Shop, members: dict[str, str], digest: str = "") -> Tool:
    """Put a .zip release on the shelf, as Loki's are, and return the tool that it is of."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    shop.files["/greeter.zip"] = buffer.getvalue()
    sums = f"{digest or hashlib.sha256(buffer.getvalue()).hexdigest()}  greeter.zip\n"
    shop.files["/sums.txt"] = sums.encode()
    made = Release(folder=shop.folder, archive="greeter.zip", checksums="sums.txt", executable="greeter-{os}-{arch}")
    return replace(GREETER, release=made)


def test_a_zip_release_is_unpacked_and_its_program_gets_the_tools_name(shop: Shop) -> None:
    name = "-".join(["greeter", *this_platform()])
    home = locate(zipped(shop, {name: program("1.2.3"), f"../../{name}": "x", "notes": "x"})).parents[1]
    assert [path.name for path in (home / "bin").iterdir()] == ["greeter"]
    assert os.access(home / "bin" / "greeter", os.X_OK)


@pytest.mark.parametrize("how", ["a wrong checksum", "no program", "no zip"])
def test_a_zip_release_that_is_not_right_is_refused(shop: Shop, how: str) -> None:
    name = "-".join(["greeter", *this_platform()])
    tool = zipped(
        shop, {("notes" if how == "no program" else name): program("1.2.3")}, "0" * 64 * (how == "a wrong checksum")
    )
    if how == "no zip":
        shop.files["/greeter.zip"] = b"hello"
        shop.files["/sums.txt"] = f"{hashlib.sha256(b'hello').hexdigest()}  greeter.zip\n".encode()
    said = {
        "a wrong checksum": "refused greeter.zip",
        "no program": "there is no greeter-",
        "no zip": "cannot be unpacked",
    }
    with pytest.raises(ToolMissingError, match=said[how]):
        locate(tool)
    assert kept() == []


def test_a_release_server_that_never_answers_is_given_up_in_time(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    let_go = threading.Event()
    monkeypatch.setattr(release, "ANSWER_SECONDS", 0.2)
    monkeypatch.setattr(release, "_read_small", lambda _url: str(let_go.wait(10)))
    started = time.monotonic()
    with pytest.raises(ToolMissingError, match=r"no answer within 0\.2 s"):
        locate(shop.stock())
    let_go.set()
    assert time.monotonic() - started < 5


def test_a_closed_network_costs_less_than_six_seconds_by_default() -> None:
    assert release.ANSWER_SECONDS < 6


def test_a_release_is_never_asked_for_over_plain_http_from_another_machine() -> None:
    tool = Shop().stock()
    assert tool.release
    elsewhere = replace(tool, release=replace(tool.release, folder="http://example.invalid"))
    with pytest.raises(ToolMissingError, match="is not https"):
        locate(elsewhere)


# -- Go --------------------------------------------------------------------------------------------------------


def test_a_tool_is_built_by_go_where_its_release_cannot_be_had(shop: Shop, bin_on_path: Path) -> None:
    tool = shop.stock()
    shop.files.clear()
    install_go(bin_on_path)
    told: list[str] = []
    found = provide(tool, tell=told.append)
    assert found.origin == "built by go1.26.8"
    assert subprocess.check_output([found.executable], text=True) == "greeter version 1.2.3\n"
    assert any("404" in line for line in told)
    assert kept() == [cache_key(tool)]


def test_a_build_of_the_wrong_version_is_refused(bin_on_path: Path) -> None:
    install_go(bin_on_path, builds="9.9.9")
    with pytest.raises(ToolMissingError, match=r"not the right tool: .* is version 9\.9\.9"):
        locate(GREETER)
    assert kept() == []


def test_a_build_that_fails_shows_the_end_of_its_output_and_where_the_rest_is(bin_on_path: Path) -> None:
    install_go(bin_on_path, then="echo 'greeter.go:7: undefined: hello'; exit 1")
    with pytest.raises(ToolMissingError, match=r"undefined: hello") as caught:
        locate(GREETER)
    log = cache_dir() / "tools" / f"{cache_key(GREETER)}.log"
    assert str(log) in str(caught.value)
    assert "undefined: hello" in log.read_text(encoding="utf-8")


def test_a_go_that_is_too_old_and_may_not_fetch_a_newer_one_is_not_used(bin_on_path: Path) -> None:
    install_go(bin_on_path, version="go1.24.1")
    with pytest.raises(ToolMissingError, match=r"go1\.24\.1, older than 1\.26 and GOTOOLCHAIN=local"):
        locate(GREETER)
    assert not (bin_on_path / "builds").exists()


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_a_build_that_is_interrupted_stops_its_compilers_and_leaves_nothing(
    tmp_path: Path, ending: signal.Signals
) -> None:
    install_go(tmp_path / "bin", then=f'echo $$ > "{tmp_path}/compiler"; echo compiling; /bin/sleep 60; exit 1')
    # No release can be had: the proxy is a port that nobody listens on.
    closed = {"HTTPS_PROXY": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9", "no_proxy": ""}
    with subprocess.Popen(
        [sys.executable, "-m", "sandbox.tools", "pulumi"],
        cwd=Path(gobuild.__file__).parents[2],
        env={**os.environ, **closed},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
        # A shell's background job ignores SIGINT, and so would what it starts.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - this process has one thread
    ) as process:
        assert _soon(lambda: (tmp_path / "compiler").exists() and (tmp_path / "compiler").read_text().strip())
        process.send_signal(ending)
        process.communicate(timeout=60)
    assert process.returncode != 0
    compiler = int((tmp_path / "compiler").read_text(encoding="utf-8"))
    assert _soon(lambda: not _alive(compiler))
    assert kept() == []


def _soon(holds: Callable[[], object]) -> bool:
    deadline = time.monotonic() + 20
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


# -- The cache -------------------------------------------------------------------------------------------------


def test_what_a_crashed_build_left_is_not_taken_for_a_tool(bin_on_path: Path) -> None:
    home = cache_dir() / "tools" / cache_key(GREETER)
    install(home.with_name(f"{home.name}.partial") / "bin", "greeter", program("1.2.3"))
    install(home / "bin", "greeter", program("1.2.3"))  # without its record
    with pytest.raises(ToolMissingError, match="nothing in"):
        locate(GREETER, obtain=False)

    install_go(bin_on_path)
    assert provide(GREETER).origin == "built by go1.26.8"
    assert kept() == [cache_key(GREETER)]


def test_a_cached_tool_that_lost_its_end_is_built_again(bin_on_path: Path) -> None:
    install_go(bin_on_path)
    locate(GREETER).write_text("#!/bin/sh", encoding="utf-8")
    assert provide(GREETER).origin == "built by go1.26.8"


def test_two_that_want_a_tool_at_the_same_time_build_it_once(bin_on_path: Path) -> None:
    install_go(bin_on_path, then="/bin/sleep 0.5")
    told: list[str] = []
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda _: locate(GREETER, tell=told.append), range(2)))
    assert found[0] == found[1]
    assert (bin_on_path / "builds").read_text(encoding="utf-8") == "built\n"
    assert any("waiting for another process" in line for line in told)


def test_a_build_is_kept_under_a_key_that_changes_with_its_recipe(monkeypatch: pytest.MonkeyPatch) -> None:
    assert GREETER.go
    other = replace(GREETER, go=replace(GREETER.go, tags="grpcnotrace"))
    reworded = replace(GREETER, purpose="greets")
    assert len({cache_key(GREETER), cache_key(other), cache_key(replace(GREETER, version="1.2.4"))}) == 3
    assert cache_key(GREETER) == cache_key(reworded)
    before = cache_key(OTELCOL)
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: "receivers: []")
    assert cache_key(OTELCOL) != before


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({OVERRIDE: "/a", "XDG_CACHE_HOME": "/b", "HOME": "/c"}, "/a"),
        ({"XDG_CACHE_HOME": "/b", "HOME": "/c"}, "/b/tinybeans-logging"),
        ({"XDG_CACHE_HOME": "relative", "HOME": "/c"}, "/c/.cache/tinybeans-logging"),
        ({"HOME": "/c"}, "/c/.cache/tinybeans-logging"),
    ],
)
def test_the_cache_directory_is_the_users_choice_then_the_desktops_then_the_home(
    variables: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (OVERRIDE, "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert cache_dir() == Path(expected)


# -- When nothing works, and the command -----------------------------------------------------------------------


def test_the_message_names_tool_version_all_three_ways_their_reasons_and_the_next_step(
    shop: Shop, bin_on_path: Path
) -> None:
    tool = shop.stock()
    shop.files.clear()
    install(bin_on_path, "greeter", program("1.0.0"))
    with pytest.raises(ToolMissingError) as caught:
        locate(tool)
    message = str(caught.value)
    assert message.startswith("greeter 1.2.3 (says hello) is not there.")
    assert "1. PATH: " in message
    assert "is version 1.0.0, not 1.2.3" in message
    assert "2. official release: " in message
    assert "HTTP Error 404" in message
    assert "3. Go build: Go is not installed" in message
    assert "Next step: install greeter 1.2.3 from https://example.invalid/greeter" in message


@pytest.fixture(name="run")
def _run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str, str]]:
    monkeypatch.setattr(command, "CATALOGUE", {"greeter": GREETER, "other": replace(GREETER, name="other")})
    app = typer.Typer()
    app.command()(command.main)

    def run(*arguments: str) -> tuple[int, str, str]:
        result = CliRunner().invoke(app, list(arguments))
        return result.exit_code, result.stdout, result.stderr

    return run


def test_the_command_ends_with_status_3_and_the_reasons_when_a_tool_is_missing(
    run: Callable[..., tuple[int, str, str]], bin_on_path: Path
) -> None:
    status, out, err = run("greeter")
    assert (status, out) == (3, "")
    assert "3. Go build: Go is not installed" in err.replace("\n", " ")

    install(bin_on_path, "greeter", program("1.2.3"))
    status, out, err = run("greeter")
    assert (status, err) == (0, "")
    assert "greeter" in out
    assert "PATH" in out


def test_the_command_tells_what_is_there_and_what_is_missing_as_json(
    run: Callable[..., tuple[int, str, str]], bin_on_path: Path
) -> None:
    mine = install(bin_on_path, "greeter", program("1.2.3"))
    status, out, _ = run("--json", "--cached", "greeter")
    assert status == 0
    told = json.loads(out)
    assert told["missing"] == []
    assert [(tool["name"], tool["executable"], tool["bytes"]) for tool in told["tools"]] == [
        ("greeter", str(mine), mine.stat().st_size)
    ]
    mine.unlink()
    status, out, _ = run("--json", "--cached", "greeter")
    assert status == 3
    assert set(json.loads(out)["missing"][0]["tried"]) == {"PATH", "cache"}


def test_the_command_refuses_a_tool_that_it_does_not_know(run: Callable[..., tuple[int, str, str]]) -> None:
    status, _, err = run("unheard-of")
    assert status == 2
    assert "unheard-of" in err


# -- The catalogue ---------------------------------------------------------------------------------------------


def _manifest_modules() -> frozenset[str]:
    assert isinstance(OTELCOL.go, GoCollector)
    return OTELCOL.go.modules()


def test_the_collectors_manifest_is_of_the_catalogues_version() -> None:
    manifest = yaml.safe_load((Path(gobuild.__file__).parent / "otelcol-manifest.yaml").read_text(encoding="utf-8"))
    assert manifest["dist"]["version"] == OTELCOL.version
    core = {part["gomod"] for part in manifest["receivers"] if "go.opentelemetry.io" in part["gomod"]}
    assert core == {f"go.opentelemetry.io/collector/receiver/otlpreceiver v{OTELCOL.version}"}


@pytest.mark.parametrize(
    ("name", "machine", "archive"),
    [
        ("pulumi", ("linux", "amd64"), "pulumi-v3.259.0-linux-x64.tar.gz"),
        ("pulumi", ("darwin", "arm64"), "pulumi-v3.259.0-darwin-arm64.tar.gz"),
        ("otelcol", ("linux", "arm64"), "otelcol-contrib_0.158.0_linux_arm64.tar.gz"),
        ("otelcol", ("darwin", "amd64"), "otelcol-contrib_0.158.0_darwin_amd64.tar.gz"),
        ("loki", ("linux", "amd64"), "loki-linux-amd64.zip"),
        ("loki", ("darwin", "arm64"), "loki-darwin-arm64.zip"),
        ("promtool", ("linux", "amd64"), "prometheus-3.13.0.linux-amd64.tar.gz"),
    ],
)
def test_each_release_is_asked_for_by_the_name_that_its_project_gives_it(
    name: str, machine: tuple[str, str], archive: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def refuse(url: str, _seconds: float) -> None:
        asked.append(url)
        raise OSError("closed")

    monkeypatch.setattr(release, "this_platform", lambda: machine)
    monkeypatch.setattr(release, "_open", refuse)
    with pytest.raises(WayFailedError, match=f"could not get https://github.com/.*/{archive}: closed"):
        release.fetch(CATALOGUE[name], Path("unused"), lambda _line: None)
    assert len(asked) == 1


def test_a_machine_that_no_release_is_made_for_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(release, "this_platform", lambda: ("sunos", "sparc"))
    with pytest.raises(WayFailedError, match="no release for sunos on sparc"):
        release.fetch(CATALOGUE["pulumi"], Path("unused"), lambda _line: None)


def test_this_machine_is_named_in_the_words_of_go() -> None:
    system, architecture = this_platform()
    assert system == system.lower()
    assert architecture not in {"x86_64", "aarch64"}
