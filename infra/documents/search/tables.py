"""Tables over the archive as it really lies in S3: locations, partitions that need no catalogue, SerDes. Pure.

Partition projection: Athena computes which prefixes a query needs, so that nothing has to register a new hour (Athena
User Guide, "Use partition projection with Amazon Athena"). Partition columns are text, by which Athena prunes before it
lists (the same guide, "Considerations and limitations").
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from infra.context import Context
from infra.documents.collector_policy import ARCHIVE_PREFIX
from infra.documents.search.shapes import COLLECTED, EXPORTED, READS, Shape, glue_type

FIRST_YEAR, LAST_YEAR = 2025, 2060
"""Years that partitions are computed for: before the first record, and beyond the longest retention from today."""
EXPORT_PREFIX = "export"
INPUT = "org.apache.hadoop.mapred.TextInputFormat"
OUTPUT = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"
JSON_SERDE = "org.openx.data.jsonserde.JsonSerDe"
LINE_SERDE = "org.apache.hadoop.hive.serde2.RegexSerDe"
EXPORTED_LINE = r"^(\d{4}-\d{2}-\d{2}T[0-9:.]+Z) (.*)$"
"""A line of an export: the event's time, a space, the message. The file that tries the bucket's permissions has none."""


class Source(StrEnum):
    """What a question is put to."""

    COLLECTED = "collected"
    """The objects that the collector writes."""
    EXPORTED = "exported"
    """What CloudWatch exports each night."""
    READS = "reads"
    """CloudTrail's record of who read an archive."""


@dataclass(frozen=True)
class Table:
    """One table: what Glue is told, and what a local engine has to make the same of."""

    name: str
    description: str
    bucket: str
    location: str
    """Key prefix below which everything lies."""
    template: str
    """Key prefix of a partition, `${column}` for its values."""
    columns: Mapping[str, Shape]
    partitions: Mapping[str, Mapping[str, str]]
    """Partition column to its projection."""
    serde: str = JSON_SERDE
    serde_parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def glue_columns(self) -> list[dict[str, str]]:
        """Return the columns in Glue's words."""
        return [{"name": name.lower(), "type": glue_type(shape)} for name, shape in self.columns.items()]

    @property
    def parameters(self) -> dict[str, str]:
        """Return the table's properties: how partitions are projected, and what becomes of restored objects."""
        projected = {
            f"projection.{column}.{key}": value for column, of in self.partitions.items() for key, value in of.items()
        }
        return {
            "classification": "json" if self.serde == JSON_SERDE else "text",
            "EXTERNAL": "TRUE",
            "projection.enabled": "true",
            "storage.location.template": f"s3://{self.bucket}/{self.template}",
            # Athena passes over objects in archival classes; those that were restored it then does read.
            "read_restored_glacier_objects": "true",
            **projected,
        }

    def document(self) -> dict[str, Any]:
        """Return the table as Glue's CreateTable takes it, in botocore's spelling (TableInput)."""
        return {
            "Name": self.name,
            "Description": self.description,
            "TableType": "EXTERNAL_TABLE",
            "Parameters": self.parameters,
            "PartitionKeys": [{"Name": name, "Type": "string"} for name in self.partitions],
            "StorageDescriptor": {
                "Columns": [{"Name": item["name"], "Type": item["type"]} for item in self.glue_columns],
                "Location": f"s3://{self.bucket}/{self.location}",
                "InputFormat": INPUT,
                "OutputFormat": OUTPUT,
                "SerdeInfo": {"SerializationLibrary": self.serde, "Parameters": dict(self.serde_parameters)},
            },
        }


def database(context: Context) -> str:
    """Return the name of the stack's database: lower case, without hyphens, which SQL would have to quote."""
    return context.name("logs").replace("-", "_")


def table_name(cls: str, source: Source) -> str:
    """Return the name of a class's table."""
    return f"{cls}_{source.value}"


def tables(context: Context) -> dict[str, Table]:
    """Return every table of the stack by name: two a class and, where reads are recorded, that of the reads."""
    classes = context.policy.data_classes.classes
    found = [make(context, cls) for cls in classes for make in (collected, exported)]
    return {table.name: table for table in [*found, *([reads(context)] if context.settings.audit_reads else [])]}


def collected(context: Context, cls: str) -> Table:
    """Return the table over what the collector wrote of `cls`: one row an object, by the hour (UTC) of its upload.

    Records in quarantine lie below another prefix and have no table: their text is withheld.
    """
    return Table(
        name=table_name(cls, Source.COLLECTED),
        description=f"{cls}: OTLP as the collector archived it, one request a row, by the hour of upload",
        bucket=context.archive_bucket(cls),
        location=f"{ARCHIVE_PREFIX}/",
        template=f"{ARCHIVE_PREFIX}/year=${{year}}/month=${{month}}/day=${{day}}/hour=${{hour}}/",
        columns=COLLECTED,
        partitions={**_DATE, "hour": _number(0, 23)},
    )


def exported(context: Context, cls: str) -> Table:
    """Return the table over the nightly export of `cls`: one row an event, by the day (UTC) of the event.

    Every attempt's objects are among them, so that an event can be there twice; questions count a uid once.
    """
    folder = f"{EXPORT_PREFIX}/{export_folder(context.log_group(cls))}"
    return Table(
        name=table_name(cls, Source.EXPORTED),
        description=f"{cls}: events as CloudWatch Logs exported them, one a row, by their day",
        bucket=context.archive_bucket(cls),
        location=f"{folder}/",
        template=f"{folder}/${{year}}-${{month}}-${{day}}/",
        columns=EXPORTED,
        partitions=_DATE,
        serde=LINE_SERDE,
        serde_parameters={"input.regex": EXPORTED_LINE},
    )


def reads(context: Context) -> Table:
    """Return the table over the trail of reads: one row a file, by region and by the day (UTC) of delivery."""
    below = f"AWSLogs/{context.account_id}/CloudTrail"
    regions = [context.region, *([context.settings.replica.region] if context.settings.replica else [])]
    return Table(
        name=Source.READS.value,
        description="Who read which archived record: CloudTrail's data events, one file a row",
        bucket=context.bucket_name("read-trail"),
        location=f"{below}/",
        template=f"{below}/${{region}}/${{year}}/${{month}}/${{day}}/",
        columns=READS,
        partitions={"region": {"type": "enum", "values": ",".join(regions)}, **_DATE},
    )


def export_folder(log_group: str) -> str:
    """Return the part of an export's keys that stands for its log group."""
    return log_group.strip("/").replace("/", "-")


def _number(first: int, last: int, digits: int = 2) -> dict[str, str]:
    return {"type": "integer", "range": f"{first},{last}", "digits": str(digits)}


_DATE = {"year": _number(FIRST_YEAR, LAST_YEAR, 4), "month": _number(1, 12), "day": _number(1, 31)}
