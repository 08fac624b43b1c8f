"""From what lies in the archive to one row a log record, as SQL in Trino's dialect.

Arrays are walked by position: Trino and Presto make one column of an unnested row or as many as it has fields, by
version and setting, and `sequence` ends at 10,000. `WITH ORDINALITY` over an array of numbers is the same everywhere.
"""

# ruff: noqa: S608 - what is put together here is this program's own text; values go beside it
from collections.abc import Iterable

from infra.documents.search.tables import Source, table_name

EARLY_HOURS = 2
"""How far a record's clock may run ahead of its upload: what CloudWatch takes (PutLogEvents, API reference)."""
ATTRIBUTES = {
    "uid": "log.record.uid",
    "class": "tinybeans.log.class",
    "logger": "logger.name",
    "event": "event",
    "outcome": "outcome",
    "request_id": "request_id",
    "user_id": "user_id",
    "actor_id": "actor_id",
    "target_id": "target_id",
    "circle_id": "circle_id",
    "remote_ip": "remote_ip",
}
"""Column to the attribute of docs/logging-contract.md that it holds."""
RECORD_COLUMNS = ("event_time", "severity", "body", *ATTRIBUTES)
READ_COLUMNS = (
    "event_time", "uid", "session_name", "role_name", "action", "bucket", "object_key", "remote_address", "error",
)  # fmt: skip


def columns(source: Source) -> tuple[str, ...]:
    """Return the columns of `rows` of this source, in their order."""
    return READ_COLUMNS if source is Source.READS else RECORD_COLUMNS


def stored(source: Source, classes: Iterable[str]) -> str:
    """Return the query of everything that lies in the tables of `classes`, before a window is asked for."""
    match source:
        case Source.COLLECTED:
            wanted = "year, month, day, hour, resourcelogs"
        case Source.EXPORTED:
            wanted = "year, month, day, message"
        case Source.READS:
            return f"SELECT region, year, month, day, records FROM {Source.READS.value}"
    return " UNION ALL ".join(f"SELECT {wanted} FROM {table_name(cls, source)}" for cls in classes)


def rows(source: Source, late_hours: int) -> str:
    """Return the query that makes one row a record of `stored`, of what was written from EARLY_HOURS before the window
    until `late_hours` after it.

    Times are text in ISO 8601, UTC, which sorts and compares like the times themselves.
    """
    match source:
        case Source.COLLECTED:
            return _collected(late_hours)
        case Source.EXPORTED:
            return _exported()
        case Source.READS:
            return _reads(late_hours)


def _collected(late_hours: int) -> str:
    entry = "entry.timeunixnano"
    seconds = f"CAST(substr({entry}, 1, length({entry}) - 9) AS bigint)"
    instant = f"date_add('second', {seconds}, TIMESTAMP '1970-01-01 00:00:00')"
    thousandths = f"substr({entry}, length({entry}) - 8, 3)"
    body = "coalesce(entry.body.stringvalue, entry.body.kvlistvalue, entry.body.arrayvalue)"
    attributes = ", ".join(
        f"element_at(filter(entry.attributes, a -> a.key = '{attribute}'), 1).value.stringvalue AS {column}"
        for column, attribute in ATTRIBUTES.items()
    )
    hour = "concat(year, '-', month, '-', day, 'T', hour)"
    return f"""
        SELECT date_format({instant}, '%Y-%m-%dT%H:%i:%s') || '.' || {thousandths} || 'Z' AS event_time,
            entry.severitytext AS severity, {body} AS body, {attributes}
        FROM (
            SELECT element_at(scopelog.logrecords, l.place) AS entry FROM (
                SELECT element_at(resourcelog.scopelogs, s.place) AS scopelog FROM (
                    SELECT element_at(resourcelogs, r.place) AS resourcelog FROM stored
                    CROSS JOIN {_positions("resourcelogs")} AS r (one, place)
                    WHERE {_between("year", "%Y", late_hours)} AND {_between(hour, "%Y-%m-%dT%H", late_hours)}
                ) AS resources CROSS JOIN {_positions("resourcelog.scopelogs")} AS s (one, place)
            ) AS scopes CROSS JOIN {_positions("scopelog.logrecords")} AS l (one, place)
        ) AS entries"""


def _exported() -> str:
    attributes = ", ".join(
        f"""json_extract_scalar(message, '$.attributes["{attribute}"]') AS {column}"""
        for column, attribute in ATTRIBUTES.items()
    )
    nanoseconds = "json_extract_scalar(message, '$.timeUnixNano')"
    seconds = f"CAST(substr({nanoseconds}, 1, length({nanoseconds}) - 9) AS bigint)"
    instant = f"date_add('second', {seconds}, TIMESTAMP '1970-01-01 00:00:00')"
    thousandths = f"substr({nanoseconds}, length({nanoseconds}) - 8, 3)"
    day = "concat(year, '-', month, '-', day)"
    return f"""
        SELECT date_format({instant}, '%Y-%m-%dT%H:%i:%s') || '.' || {thousandths} || 'Z' AS event_time,
            json_extract_scalar(message, '$.severityText') AS severity,
            json_extract_scalar(message, '$.body') AS body, {attributes}
        FROM stored
        WHERE year BETWEEN substr(:since, 1, 4) AND substr(:until, 1, 4)
            AND {day} BETWEEN substr(:since, 1, 10) AND substr(:until, 1, 10) AND message IS NOT NULL"""


def _reads(late_hours: int) -> str:
    day = "concat(year, '-', month, '-', day)"
    identity = "entry.useridentity"
    return f"""
        SELECT entry.eventtime AS event_time, entry.eventid AS uid,
            element_at(split({identity}.arn, '/'), -1) AS session_name,
            {identity}.sessioncontext.sessionissuer.username AS role_name, entry.eventname AS action,
            entry.requestparameters.bucketname AS bucket, entry.requestparameters.key AS object_key,
            entry.sourceipaddress AS remote_address, entry.errorcode AS error
        FROM (
            SELECT element_at(records, r.place) AS entry FROM stored
            CROSS JOIN {_positions("records")} AS r (one, place)
            WHERE {_between("year", "%Y", late_hours)} AND {_between(day, "%Y-%m-%d", late_hours)}
        ) AS entries"""


def _positions(array: str) -> str:
    return f"UNNEST(transform({array}, x -> 1)) WITH ORDINALITY"


def _between(partition: str, form: str, late_hours: int) -> str:
    since = f"date_format(date_parse(:since, '%Y-%m-%dT%H:%i:%s') - INTERVAL '{EARLY_HOURS}' HOUR, '{form}')"
    until = f"date_format(date_parse(:until, '%Y-%m-%dT%H:%i:%s') + INTERVAL '{late_hours}' HOUR, '{form}')"
    return f"{partition} BETWEEN {since} AND {until}"
