"""How records are searched in CloudWatch Logs: indexed fields and saved Logs Insights queries.

The questions are taught in docs/queries.md, which holds these texts too (tests/test_search_queries.py).
Records arrive by OTLP, which CloudWatch Logs keeps as one JSON object each: the attributes of
docs/logging-contract.md below `attributes`, what OpenTelemetry's data model has a place of its own for at the top.

A record that was delivered twice is two events of one uid: rows go through `dedup`, which only `limit` may follow (User
Guide, "dedup"), and counts are of uids.
"""

from dataclasses import dataclass
from typing import Any

from infra.policy.data_classes import DataClass
from infra.problems import InputError, Problem

MAX_INDEXED_FIELDS = 20
"""Fields in an index policy (User Guide, "Field index syntax and quotas")."""


@dataclass(frozen=True)
class SavedQuery:
    """One question that is asked again and again."""

    name: str
    text: str
    field: str = ""
    """A field of the policy that the class must index; empty: any class."""
    event: str = ""
    """An event that the class must claim; empty: any class."""

    def answers(self, data_class: DataClass) -> bool:
        """Return whether records of `data_class` can answer the question."""
        indexed = not self.field or self.field in data_class.index_fields
        claimed = not self.event or any(
            self.event == name or self.event.startswith(f"{name}.") for name in data_class.match.events
        )
        return indexed and claimed


SAVED_QUERIES = (
    SavedQuery(
        name="one-request",
        text="""fields @timestamp, severityText, attributes.event, body
| filter attributes.request_id = "PUT-THE-REQUEST-ID-HERE"
| sort @timestamp asc
| dedup attributes.log.record.uid
| limit 1000""",
        field="request_id",
    ),
    SavedQuery(
        name="one-user",
        text="""fields @timestamp, severityText, attributes.event, body, attributes.request_id
| filter attributes.user_id = "PUT-THE-USER-ID-HERE" or attributes.actor_id = "PUT-THE-USER-ID-HERE"
| sort @timestamp desc
| dedup attributes.log.record.uid
| limit 1000""",
        field="user_id",
    ),
    SavedQuery(
        name="one-address",
        text="""fields @timestamp, severityText, attributes.event, attributes.user_id, body
| filter attributes.remote_ip = "PUT-THE-ADDRESS-HERE"
| sort @timestamp asc
| dedup attributes.log.record.uid
| limit 1000""",
        field="request_id",
    ),
    SavedQuery(
        name="errors-by-logger",
        text="""filter severityNumber >= 17
| stats count_distinct(attributes.log.record.uid) as errors, latest(@timestamp) as last_seen by attributes.logger.name, attributes.event
| sort errors desc
| limit 100""",
    ),
    SavedQuery(
        name="failed-logins-by-address",
        text="""filter attributes.event like /^auth\\.login\\.(failed|rate_limited)/
| stats count_distinct(attributes.log.record.uid) as attempts, count_distinct(attributes.user_id) as accounts by attributes.remote_ip
| sort attempts desc
| limit 100""",
        event="auth.login.failed",
    ),
    SavedQuery(
        name="deletions-in-a-circle",
        text="""fields @timestamp, attributes.event, attributes.actor_id, attributes.target_id, body
| filter attributes.circle_id = "PUT-THE-CIRCLE-ID-HERE" and attributes.event like /(deleted|removed)$/
| sort @timestamp desc
| dedup attributes.log.record.uid
| limit 1000""",
        event="keep.deleted",
    ),
)


def stored_field(field: str) -> str:
    """Return where CloudWatch Logs keeps a field that the policy names."""
    return f"attributes.{field}"


def index_policy(cls: str, data_class: DataClass) -> dict[str, Any]:
    """Return the field index policy of a class's log group.

    Raises InputError when the class indexes more fields than CloudWatch Logs takes.
    """
    if len(data_class.index_fields) > MAX_INDEXED_FIELDS:
        raise InputError(
            [
                Problem(
                    "policy/data_classes.yaml",
                    f"classes.{cls}.index_fields",
                    f"{len(data_class.index_fields)} fields",
                    f"at most {MAX_INDEXED_FIELDS}",
                )
            ]
        )
    return {"Fields": [stored_field(field) for field in data_class.index_fields]}


def saved_queries(data_class: DataClass) -> tuple[SavedQuery, ...]:
    """Return the questions that the records of a class can answer."""
    return tuple(query for query in SAVED_QUERIES if query.answers(data_class))
