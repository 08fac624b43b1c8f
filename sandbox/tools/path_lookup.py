"""The first way: a program that is already on PATH, when it is the right one."""

import os
import shutil
from pathlib import Path

from sandbox.tools.catalogue import Tool
from sandbox.tools.errors import WayFailedError
from sandbox.tools.probe import problem_with


def on_path(tool: Tool) -> Path:
    """Return the executable of the first right program in the directories of PATH.

    Later directories count too: an old pulumi before the right one does no harm.

    Raises:
        WayFailedError: there is none; the message says what each candidate was instead.
    """
    names = " or ".join(tool.programs)
    if not tool.version_command:
        raise WayFailedError(f"{names} cannot tell its version, so one that is found there is not trusted")
    problems: list[str] = []
    for candidate in _candidates(tool):
        problem = problem_with(tool, candidate)
        if problem is None and candidate.parent.name != "bin":
            # Pulumi's Automation API takes the directory above `bin`, not the program.
            problem = f"{candidate} is not in a directory named bin"
        if problem is None:
            return candidate
        problems.append(problem)
    raise WayFailedError("\n".join(problems) or f"no program named {names} in the directories of PATH")


def _candidates(tool: Tool) -> list[Path]:
    found: dict[Path, Path] = {}
    for name in tool.programs:
        for folder in os.get_exec_path():
            if program := shutil.which(name, path=folder):
                # Two spellings of one file (/bin is often a link to /usr/bin) are asked once.
                found.setdefault(Path(program).resolve(), Path(program).absolute())
    return list(found.values())
