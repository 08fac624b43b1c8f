"""Datadog's metric queries read back: which metrics, tags and values they ask for, and whether they can be read at all.

The grammar is that of the Monitors API's reference (datadog-api-client, MonitorsApi.create_monitor) and of Datadog's docs,
"Advanced Filtering": words (AND, OR, IN) and symbols (`,`, `!`) cannot be mixed in one filter.
"""

import re
from dataclasses import dataclass

AGGREGATIONS = "avg|max|min|sum"
WINDOW = r"last_(?:[0-9]+[mh]|1d|1w)"
_MONITOR = re.compile(
    rf"(?:(?:{AGGREGATIONS})\({WINDOW}\)|(?:pct_)?change\((?:{AGGREGATIONS})\({WINDOW}\),{WINDOW}\))"
    r":(?P<expression>.+) (?P<compared><|<=|>|>=|==|!=) (?P<limit>-?[0-9]+(?:\.[0-9]+)?)"
)
_SERIES = re.compile(
    rf"(?:{AGGREGATIONS}):(?P<metric>[a-z_.]+)\{{(?P<filter>[^{{}}]*)\}}(?: by \{{(?P<by>[a-z_,]+)\}})?"
    r"(?:\.as_(?:count|rate)\(\))?"
)
_REST = re.compile(r"(?:[\s()+*/,-]|[0-9.]+|SERIES|clamp_max|default_zero)*")
_SYMBOLS = re.compile(r"!?[a-z_]+:[A-Za-z0-9_./*:-]+(?:,!?[a-z_]+:[A-Za-z0-9_./*:-]+)*")
_TERM = r"(?:[a-z_]+:[A-Za-z0-9_./*-]+|[a-z_]+ IN \([A-Za-z0-9_./-]+(?:, [A-Za-z0-9_./-]+)*\))"
_WORDS = re.compile(rf"{_TERM}(?: (?:AND|OR) {_TERM})*")
_TAGGED = re.compile(r"([a-z_]+):([A-Za-z0-9_./*:-]+)|([a-z_]+) IN \(([^)]*)\)")


@dataclass(frozen=True)
class Series:
    """One metric query."""

    metric: str
    wanted: tuple[tuple[str, str], ...]
    """Tag and value, each of the filter."""
    by: tuple[str, ...]

    def values(self, tag: str) -> set[str]:
        """Return the values that the filter names for a tag."""
        return {value for name, value in self.wanted if name == tag}


def series_of(expression: str) -> list[Series]:
    """Return the metric queries of an expression; anything that is none, nor arithmetic of them, is an error."""
    assert "\n" not in expression, expression
    rest = _SERIES.sub("SERIES", expression)
    assert _REST.fullmatch(rest), f"not a query: {rest} of {expression}"
    assert rest.count("(") == rest.count(")"), expression
    return [_series(found) for found in _SERIES.finditer(expression)]


def monitored(query: str) -> tuple[list[Series], float]:
    """Return the metric queries of a metric monitor, and its limit."""
    found = _MONITOR.fullmatch(query)
    assert found, f"not the query of a metric monitor: {query}"
    series = series_of(found["expression"])
    assert series, query
    return series, float(found["limit"])


def _series(found: re.Match[str]) -> Series:
    text = found["filter"]
    assert _SYMBOLS.fullmatch(text) or _WORDS.fullmatch(text), f"words and symbols, or neither: {text}"
    wanted: list[tuple[str, str]] = []
    for tag, value, listed, values in _TAGGED.findall(text):
        wanted += [(listed, item) for item in values.split(", ")] if listed else [(tag, value)]
    return Series(found["metric"], tuple(wanted), tuple(found["by"].split(",")) if found["by"] else ())
