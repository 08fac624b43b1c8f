"""`bin/bootstrap` makes .venv ready: whole or not at all, and never in place of somebody's own environment."""

import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.cache import OVERRIDE
from sandbox.tools import environment
from sandbox.tools.environment import EnvironmentFailedError, ensure

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture(name="checkout")
def _checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    checkout = tmp_path / "checkout"
    (checkout / "requirements").mkdir(parents=True)
    for lock in ("develop.lock", "bootstrap.lock"):
        (checkout / "requirements" / lock).write_text("", encoding="utf-8")
    monkeypatch.setenv(OVERRIDE, str(tmp_path / "cache"))
    return checkout


@pytest.fixture(name="made")
def _made(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that making an environment would run; a `venv` gets its interpreter, the rest do nothing."""
    commands: list[list[str]] = []

    def step(_what: str, command: list[str], *_: object) -> None:
        commands.append(command)
        if "venv" in command:
            python = Path(command[-1]) / "bin" / "python"
            python.parent.mkdir(parents=True)
            python.symlink_to(sys.executable)

    monkeypatch.setattr(environment, "_step", step)
    monkeypatch.setattr(environment, "_uv_settings", lambda _python: {})
    return commands


def test_an_environment_is_made_once_with_hashes_and_bytecode_and_linked(checkout: Path, made: list[list[str]]) -> None:
    home = ensure(checkout)
    assert (checkout / ".venv").readlink() == home
    assert [("--require-hashes" in command) for command in made] == [False, True, True]
    assert "--compile-bytecode" in made[-1]
    assert ensure(checkout) == home
    assert len(made) == 3


def test_another_lock_gets_another_environment_and_the_link_follows(checkout: Path, made: list[list[str]]) -> None:
    before = ensure(checkout)
    (checkout / "requirements" / "develop.lock").write_text("changed", encoding="utf-8")
    after = ensure(checkout)
    assert after != before
    assert (checkout / ".venv").readlink() == after
    assert before.exists()
    assert len(made) == 6


@pytest.mark.parametrize("lost", [".ready", "bin/python"])
def test_an_environment_without_its_marker_or_its_interpreter_is_made_again(
    checkout: Path, made: list[list[str]], lost: str
) -> None:
    home = ensure(checkout)
    (home / lost).unlink()
    (home / "left-over").touch()
    ensure(checkout)
    assert len(made) == 6
    assert not (home / "left-over").exists()


@pytest.mark.usefixtures("made")
def test_a_failed_installation_leaves_no_environment_that_passes_for_one(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(what: str, *_: object) -> None:
        raise EnvironmentFailedError(f"could not {what}")

    monkeypatch.setattr(environment, "_step", fail)
    with pytest.raises(EnvironmentFailedError, match="could not create a virtual environment"):
        ensure(checkout)
    assert not (checkout / ".venv").is_symlink()


def test_pip_steps_in_where_uv_does_not_work(
    checkout: Path, made: list[list[str]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    works = environment._step

    def step(what: str, command: list[str], where: Path, _settings: dict[str, str] | None = None) -> None:
        if "uv" in command:
            raise EnvironmentFailedError("uv: wrong libc")
        works(what, command, where)

    monkeypatch.setattr(environment, "_step", step)
    ensure(checkout)
    assert made[-1][2] == "pip"
    assert made[-1][-2:] == ["-r", "requirements/develop.lock"]
    assert "--require-hashes" in made[-1]
    assert "uv: wrong libc" in capsys.readouterr().err


def test_somebodys_own_environment_is_used_as_it_is(
    checkout: Path, made: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    python = checkout / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    assert ensure(checkout) == checkout / ".venv"
    assert made == []
    assert "as it is" in capsys.readouterr().err

    python.unlink()
    with pytest.raises(EnvironmentFailedError, match="remove it"):
        ensure(checkout)


def test_somebodys_own_link_is_left_alone_but_ours_to_a_former_cache_is_moved(
    checkout: Path, made: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = tmp_path / "theirs"
    (theirs / "bin").mkdir(parents=True)
    (theirs / "bin" / "python").symlink_to(sys.executable)
    link = checkout / ".venv"
    link.symlink_to(theirs)
    ensure(checkout)
    assert (link.readlink(), made) == (theirs, [])

    link.unlink()
    ensure(checkout)
    monkeypatch.setenv(OVERRIDE, str(tmp_path / "another cache"))
    assert ensure(checkout).is_relative_to(tmp_path / "another cache")
    assert link.readlink().is_relative_to(tmp_path / "another cache")


def test_uv_is_told_where_pip_gets_its_packages_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listing = "\n".join(
        [
            "global.index-url='https://packages.example.invalid/simple'",
            ":env:.find-links='/a /b'",
            ":env:.no-cache-dir='1'",
        ]
    )
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\necho "{listing}"\n', encoding="utf-8")
    python.chmod(0o755)
    for variable in environment._PIP_TO_UV.values():
        monkeypatch.delenv(variable, raising=False)
    assert environment._uv_settings(str(python)) == {
        "UV_DEFAULT_INDEX": "https://packages.example.invalid/simple",
        "UV_FIND_LINKS": "/a,/b",
    }
    monkeypatch.setenv("UV_FIND_LINKS", "/mine")
    assert "UV_FIND_LINKS" not in environment._uv_settings(str(python))


def test_a_python_that_is_too_old_is_named_in_the_message(tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.9.2" && exit\nexit 1\n', encoding="utf-8")
    old.chmod(0o755)
    answer = subprocess.run(
        [REPOSITORY / "bin" / "bootstrap"],
        env={"PATH": "/usr/bin:/bin", "PYTHON": str(old)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 1
    assert "Python 3.11 or newer is needed" in answer.stderr
    assert "Python 3.9.2" in answer.stderr
