"""What stands in the archive's objects, as types: one description for Glue and for DuckDB."""

from collections.abc import Mapping
from typing import Any

Shape = Any
"""A name of SCALARS, a mapping (an object's members by the names in its JSON) or a list of one (an array of that)."""

SCALARS = {"string": "VARCHAR", "double": "DOUBLE", "boolean": "BOOLEAN", "bigint": "BIGINT"}
"""Hive's name (Athena User Guide, "Data types in Amazon Athena") to DuckDB's."""

_VALUE: Shape = {"stringValue": "string", "intValue": "string", "doubleValue": "double", "boolValue": "boolean"}
_ATTRIBUTES: Shape = [{"key": "string", "value": _VALUE}]
_RECORD: Shape = {
    "timeUnixNano": "string",
    "severityText": "string",
    # A body that is neither text nor was taken apart stays the JSON that it is.
    "body": {"stringValue": "string", "kvlistValue": "string", "arrayValue": "string"},
    "attributes": _ATTRIBUTES,
}
COLLECTED: Mapping[str, Shape] = {"resourceLogs": [{"scopeLogs": [{"logRecords": [_RECORD]}]}]}
"""An OTLP request in JSON (OTLP specification, "JSON Protobuf Encoding"), of it what questions are about."""
EXPORTED: Mapping[str, Shape] = {"exported_time": "string", "message": "string"}
"""A line of a CloudWatch Logs export."""
READS: Mapping[str, Shape] = {
    "Records": [
        {
            "eventID": "string",
            "eventTime": "string",
            "eventName": "string",
            "sourceIPAddress": "string",
            "errorCode": "string",
            "userIdentity": {"arn": "string", "sessionContext": {"sessionIssuer": {"userName": "string"}}},
            "requestParameters": {"bucketName": "string", "key": "string"},
        }
    ]
}
"""A file of CloudTrail (User Guide, "CloudTrail record contents for management, data, and network activity events")."""


def glue_type(shape: Shape) -> str:
    """Return the Hive type of `shape`. Names are in lower case, as Glue keeps them and the JSON SerDe looks for them."""
    match shape:
        case str():
            return shape
        case list():
            return f"array<{glue_type(shape[0])}>"
        case _:
            members = [f"{name.lower()}:{glue_type(inner)}" for name, inner in shape.items()]
            return f"struct<{','.join(members)}>"


def duckdb_type(shape: Shape) -> str:
    """Return DuckDB's type of `shape`. Names are as in the JSON; DuckDB's SQL does not mind their case."""
    match shape:
        case str():
            return SCALARS[shape]
        case list():
            return f"{duckdb_type(shape[0])}[]"
        case _:
            members = [f'"{name}" {duckdb_type(inner)}' for name, inner in shape.items()]
            return f"STRUCT({', '.join(members)})"
