"""Asks a program what it is, so that nothing is taken for a tool because of its name alone."""

import os
import re
import subprocess
from pathlib import Path

import yaml

from sandbox.tools.catalogue import GoCollector, Tool

# A 100 MB program that was never read from this disk takes a while to answer.
_PATIENCE_SECONDS = 60
_VERSION = re.compile(r"(?<![\w.])v?(\d+\.\d+\.\d+[\w.+-]*)")


def problem_with(tool: Tool, executable: Path) -> str | None:
    """Return why this executable is not that tool, or None when version and contents are right."""
    if tool.version_command:
        try:
            said = _ask(executable, *tool.version_command)
        except (OSError, subprocess.SubprocessError) as error:
            return f"{executable} does not tell its version: {_reason(error)}"
        found = _VERSION.search(said)
        if found is None:
            return f"{executable} tells no version: {said.strip()[:200]!r}"
        if found[1] != tool.version:
            return f"{executable} is version {found[1]}, not {tool.version}"
    if isinstance(tool.go, GoCollector):
        return _missing_components(tool.go, executable)
    return None


def _missing_components(recipe: GoCollector, executable: Path) -> str | None:
    try:
        listing = yaml.safe_load(_ask(executable, "components"))
    except (OSError, subprocess.SubprocessError, yaml.YAMLError) as error:
        return f"{executable} does not list its components: {_reason(error)}"
    kinds = listing.values() if isinstance(listing, dict) else ()
    held = {
        part["module"].split()[0]
        for kind in kinds
        if isinstance(kind, list)
        for part in kind
        if isinstance(part, dict) and part.get("module")
    }
    missing = sorted(recipe.modules() - held)
    if missing:
        return f"{executable} lacks {len(missing)} of the components that we use: " + ", ".join(missing)
    return None


def _ask(executable: Path, *arguments: str) -> str:
    answer = subprocess.run(
        [executable, *arguments],
        check=True,
        capture_output=True,
        text=True,
        timeout=_PATIENCE_SECONDS,
        stdin=subprocess.DEVNULL,
        # Else `pulumi version` asks the internet whether there is a newer one.
        env={**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"},
    )
    return answer.stdout


def _reason(error: Exception) -> str:
    said = getattr(error, "stderr", None)
    return f"{error}: {said.strip()[-500:]}" if isinstance(said, str) and said.strip() else str(error)
