"""Every sink that a stack can name."""

from enum import StrEnum


class Destination(StrEnum):
    """Every sink a stack can name in `destinations` or LOG_DESTINATION. The archive is not one: it is always on outside `local`."""

    LOCAL = "local"
    CLOUDWATCH = "cloudwatch"
    DATADOG = "datadog"
    ELASTIC = "elastic"
    NEWRELIC = "newrelic"
    LOGGLY = "loggly"
