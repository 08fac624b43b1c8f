"""`python -m sandbox.providers aws` serves a provider; `--coverage` says what it realises and checks."""

from __future__ import annotations

import sys

from sandbox.providers.plugin import PACKAGES, serve

_USAGE = f"usage: python -m sandbox.providers ({'|'.join(PACKAGES)}) [ENGINE_ADDRESS] | --coverage"


def main(arguments: list[str]) -> int:
    """Runs the command and returns the exit code."""
    if arguments[:1] == ["--coverage"]:
        from sandbox.providers.coverage import print_coverage

        print_coverage()
        return 0
    if not arguments or arguments[0] not in PACKAGES:
        sys.stderr.write(f"{_USAGE}\n")
        return 2
    serve(arguments[0])
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
