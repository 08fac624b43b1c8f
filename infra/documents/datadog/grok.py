"""What is read out of text that was written for people: tracebacks, SQL and its time, tasks, masks.

A rule describes the whole text, in Datadog's grok: `%{matcher:attribute}` with the matchers `number`, `data` (anything,
line ends too) and `regex("...")`. No back-slash stands inside a quoted expression, where it would have to be doubled.
tests/datadog_grok.py reads exactly this subset; Datadog's own engine has not run these rules.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

_WORD = "[A-Za-z_][A-Za-z0-9_]*"


@dataclass(frozen=True)
class Grok:
    """One parser: where it reads, its rules (name to rule, the first that matches decides) and texts to try them on."""

    name: str
    source: str
    rules: tuple[tuple[str, str], ...]
    samples: tuple[str, ...]
    """At most five (Datadog docs, "Grok parser")."""

    def processor(self) -> dict[str, Any]:
        """Return the parser as Datadog's API takes it."""
        return {
            "type": "grok-parser",
            "name": self.name,
            "is_enabled": True,
            "source": self.source,
            "samples": list(self.samples),
            "grok": {"match_rules": "\n".join(f"{name} {rule}" for name, rule in self.rules), "support_rules": ""},
        }


TRACEBACK = Grok(
    "The fault a Python traceback ends with",
    "exception.stacktrace",
    (
        (
            "fault_with_message",
            rf'Traceback \(most recent call last\):%{{data}}\n%{{regex("({_WORD}[.])*{_WORD}"):error.kind}}:'
            r" %{data:error.message}",
        ),
        ("fault", rf'Traceback \(most recent call last\):%{{data}}\n%{{regex("({_WORD}[.])*{_WORD}"):error.kind}}\s*'),
    ),
    (
        'Traceback (most recent call last):\n  File "/app/views.py", line 7, in get\n    return keeps[pk]\n'
        "           ~~~~~^^^^\nKeyError: 'caption'",
        'Traceback (most recent call last):\n  File "/app/db.py", line 3, in run\n    cursor.execute(sql)\n'
        "django.db.utils.IntegrityError: duplicate key\nDETAIL:  Key (username)=[sql_parameters]",
        'Traceback (most recent call last):\n  File "/app/tasks.py", line 9, in run\n    wait()\nKeyboardInterrupt',
    ),
)
SCRIPT_ERROR = Grok(
    "The fault a page's stack begins with",
    "exception.stacktrace",
    (("fault_with_message", rf'%{{regex("{_WORD}"):error.kind}}: %{{data:error.message}}\n\s+at %{{data}}'),),
    ("TypeError: keeps is undefined\n    at Timeline (https://tinybeans.example/app.js:1:2031)\n    at div",),
)
SQL = Grok(
    "SQL as Django prints it, with its time",
    "message",
    (("django_sql", r'\(%{number:db.seconds}\) %{regex("[A-Z]+"):db.operation}%{data}'),),
    (
        '(0.012) SELECT "users_circle"."id" FROM "users_circle" WHERE "users_circle"."id" = 7 LIMIT 21; '
        "args=[sql_parameters]; alias=default",
        '(1.204) UPDATE "keeps_keep" SET "caption" = %s; args=[sql_parameters]; alias=default',
    ),
)
TASK = Grok(
    "What became of a Celery task, and how long it took",
    "message",
    (
        (
            "task_ended",
            r'Task %{regex("[A-Za-z0-9_.]+"):celery.task}\[%{regex("[^ ]+"):celery.task_id}\]'
            r' %{regex("[a-z]+"):celery.state} in %{number:celery.seconds}s: %{data}',
        ),
        (
            "task_otherwise",
            r'Task %{regex("[A-Za-z0-9_.]+"):celery.task}\[%{regex("[^ ]+"):celery.task_id}\]'
            r' %{regex("[a-z]+"):celery.state}%{data}',
        ),
    ),
    (
        "Task mysite.emails.tasks.send_email_task[20d14e8e-290f-4f16-abdc-c37e80d6f357] succeeded in 0.0215s: None",
        "Task mysite.emails.tasks.send_email_task[20d14e8e-290f-4f16-abdc-c37e80d6f357] received",
    ),
)


def masks(rules: Iterable[str]) -> Grok:
    """Return the parser of the last mask in a record's text: the rule of policy/redaction.yaml that put it there."""
    names = "|".join(rules)
    return Grok(
        "The rule that masked something in the text",
        "message",
        (("masked", rf'%{{data}}\[%{{regex("{names}"):redaction.rule}}%{{regex("[]:]")}}%{{data}}'),),
        ("mail to [email:5f0c9a7b6d5e4f3a2b1c0d9e] failed", "GET /p.webp?X-Amz-[signed_url]&X-Amz-Expires=300"),
    )
