"""A command in another terminal finds the sandbox that is kept running, or is told how to start one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.running import NoSandboxError, announced, running, surroundings

HERE = {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_ACCESS_KEY_ID": "made-up"}


def test_a_sandbox_is_found_while_it_runs_and_no_longer(tmp_path: Path) -> None:
    state = tmp_path / "running.json"
    with announced(HERE, state):
        assert running(state).environment == HERE
        assert running(state).pid == os.getpid()
        assert state.stat().st_mode & 0o077 == 0
    with pytest.raises(NoSandboxError, match="make sandbox"):
        running(state)


def test_one_that_was_killed_is_not_believed(tmp_path: Path) -> None:
    state = tmp_path / "running.json"
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    state.write_text(json.dumps({"pid": ended.pid, "environment": HERE}))
    with pytest.raises(NoSandboxError):
        running(state)


@pytest.mark.parametrize("text", ["", "{", "{}", "[1]", '{"pid": "x", "environment": {}}'])
def test_a_state_file_that_cannot_be_read_is_no_sandbox(text: str, tmp_path: Path) -> None:
    state = tmp_path / "running.json"
    state.write_text(text)
    with pytest.raises(NoSandboxError):
        running(state)


def test_the_second_sandbox_stays_found_when_the_first_ends(tmp_path: Path) -> None:
    state = tmp_path / "running.json"
    with announced(HERE, state):
        state.write_text(json.dumps({"pid": os.getppid(), "environment": {"second": "1"}}))
    assert running(state).environment == {"second": "1"}


def test_a_command_sees_the_sandboxs_cloud_and_nothing_of_the_users(tmp_path: Path) -> None:
    state = tmp_path / "running.json"
    mine = {"AWS_PROFILE": "prod", "AWS_SESSION_TOKEN": "mine", "PATH": "/bin"}
    with announced(HERE, state):
        assert surroundings(running(state), mine) == {"PATH": "/bin", **HERE}


def test_without_a_sandbox_the_command_is_not_run_and_the_next_step_is_said(tmp_path: Path) -> None:
    code = f"""
import sandbox.running as it
from pathlib import Path
it.running.__defaults__ = (Path({str(tmp_path / "none.json")!r}),)
raise SystemExit(it.main(["touch", {str(tmp_path / "ran")!r}]))
"""
    result = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert result.returncode == 2
    assert "make sandbox" in result.stderr
    assert not (tmp_path / "ran").exists()
