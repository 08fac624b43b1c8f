"""The questions that are asked of archives again and again, as SQL in Trino's dialect.

What identifies a person may be a pseudonym in the records (policy/redaction.yaml): a parameter says by which rule.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from infra.policy.data_classes import DataClass


class Subject(StrEnum):
    """What a question is about."""

    RECORDS = "records"
    READS = "reads"


@dataclass(frozen=True)
class Parameter:
    """What has to be said when a question is asked."""

    name: str
    what: str
    default: str | None = None
    """None: it has to be given."""
    rule: str | None = None
    """The rule of policy/redaction.yaml by which the records hold a pseudonym of it; None: as it is."""
    number: bool = False
    stands_in_records: bool = True
    """Whether every record that answers holds the value, so that what does not hold it need not be looked at."""


@dataclass(frozen=True)
class Question:
    """One question: which records matter, and what is shown of them."""

    name: str
    asks: str
    parameters: tuple[Parameter, ...]
    matching: str
    """Condition on a record."""
    answer: str
    """Query over `found`: the records that match, each once."""
    subject: Subject = Subject.RECORDS
    field: str = ""
    """A field of the policy that a class must index; empty: any class."""
    event: str = ""
    """An event that a class must claim; empty: any class."""
    always_holds: str = ""
    """Text that stands in every record that matches, where it is no parameter."""

    def answers(self, data_class: DataClass) -> bool:
        """Return whether records of `data_class` can answer the question."""
        indexed = not self.field or self.field in data_class.index_fields
        claimed = not self.event or any(
            self.event == name or self.event.startswith(f"{name}.") for name in data_class.match.events
        )
        return self.subject is Subject.RECORDS and indexed and claimed


QUESTIONS = (
    Question(
        name="one-request",
        asks="What happened in one request, in order?",
        parameters=(Parameter("request_id", "the request's id"),),
        matching="request_id = :request_id",
        answer="SELECT event_time, class, severity, logger, event, user_id, body, uid FROM found "
        "ORDER BY event_time, uid",
        field="request_id",
    ),
    Question(
        name="one-user",
        asks="What did one user do?",
        parameters=(Parameter("user_id", "the user's id, which no rule makes a pseudonym of"),),
        matching="(user_id = :user_id OR actor_id = :user_id)",
        answer="SELECT event_time, class, severity, event, outcome, request_id, remote_ip, body, uid FROM found "
        "ORDER BY event_time, uid",
        field="user_id",
    ),
    Question(
        name="one-address",
        asks="What came from one address?",
        parameters=(Parameter("address", "the address, or its pseudonym", rule="ip_address"),),
        matching="remote_ip = :address",
        answer="SELECT event_time, class, severity, event, user_id, request_id, body, uid FROM found "
        "ORDER BY event_time, uid",
        field="request_id",
    ),
    Question(
        name="failed-logins-by-address",
        asks="From which addresses did logins fail, how often, on how many accounts?",
        parameters=(
            Parameter(
                "at_least", "attempts below which an address is left out", "1", number=True, stands_in_records=False
            ),
        ),
        matching=r"regexp_like(event, '^auth\.login\.(failed|rate_limited)')",
        answer="SELECT remote_ip AS address, count(*) AS attempts, count(DISTINCT user_id) AS accounts, "
        "min(event_time) AS first_time, max(event_time) AS last_time FROM found GROUP BY remote_ip "
        "HAVING count(*) >= CAST(:at_least AS bigint) ORDER BY attempts DESC, address",
        event="auth.login.failed",
        always_holds="auth.login.",
    ),
    Question(
        name="deletions-in-a-circle",
        asks="What was deleted or removed in one circle, and by whom?",
        parameters=(Parameter("circle_id", "the circle's id"),),
        matching="circle_id = :circle_id AND regexp_like(event, '(deleted|removed)$')",
        answer="SELECT event_time, event, actor_id, user_id, target_id, outcome, request_id, uid FROM found "
        "ORDER BY event_time, uid",
        event="keep.deleted",
    ),
    Question(
        name="reads-by-an-auditor",
        asks="Which archived records did one reader read, when and from where?",
        parameters=(Parameter("reader", "the name of the reader's session (a person) or of the role"),),
        matching="(session_name = :reader OR role_name = :reader)",
        answer="SELECT event_time, role_name, session_name, action, bucket, object_key, remote_address, error FROM found "
        "ORDER BY event_time, uid",
        subject=Subject.READS,
    ),
)
WINDOW = (
    Parameter("since", "first second, UTC: 2026-11-26T08:00:00", stands_in_records=False),
    Parameter("until", "first second that is left out", stands_in_records=False),
)
"""What every question is asked with."""


def question(name: str) -> Question | None:
    """Return the question of that name; None where there is none."""
    return next((item for item in QUESTIONS if item.name == name), None)


def classes_for(asked: Question, classes: Iterable[tuple[str, DataClass]]) -> tuple[str, ...]:
    """Return those of `classes` whose records can answer."""
    return tuple(cls for cls, data_class in classes if asked.answers(data_class))
