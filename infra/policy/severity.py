"""OpenTelemetry's severities."""

from enum import StrEnum


class Severity(StrEnum):
    """OpenTelemetry's severity ranges by short name, lowest first."""

    TRACE = "TRACE"
    DEBUG = "DEBUG"
    INFO = "INFO"
    WARN = "WARN"
    ERROR = "ERROR"
    FATAL = "FATAL"

    @property
    def number(self) -> int:
        """Return the first number of the range (OpenTelemetry Logs Data Model, SeverityNumber)."""
        return 1 + 4 * list(Severity).index(self)
