"""Why a tool cannot be had: said once per way, and once for all of them."""

from collections.abc import Callable, Sequence

from sandbox.tools.catalogue import Tool

# Takes one line about what is happening now. It is called from the thread that works.
Tell = Callable[[str], None]


def silent(_line: str) -> None:
    """Tell nobody."""


class WayFailedError(Exception):
    """One way of getting a tool did not work; the message says why."""


class ToolMissingError(Exception):
    """No way of getting a tool worked; the message names the tool, each way, its reason and the next step."""

    def __init__(self, tool: Tool, failures: Sequence[tuple[str, str]]) -> None:
        self.tool = tool
        self.failures = tuple(failures)
        lines = [f"{tool.name} {tool.version} ({tool.purpose}) is not there. Tried, in this order:"]
        for number, (way, reason) in enumerate(self.failures, start=1):
            lines.append(f"  {number}. {way}: " + reason.strip().replace("\n", "\n       "))
        lines.append(
            f"Next step: install {tool.name} {tool.version} from {tool.homepage} and put it on PATH, or let this"
            " machine reach that address or a Go module proxy (with Go on PATH); then run `make tools`."
        )
        super().__init__("\n".join(lines))
