"""What Datadog's parsers read out of text: tried by tests/datadog_grok.py, not by Datadog's own engine."""

import pytest

from infra.documents.datadog import grok
from infra.documents.datadog.grok import Grok
from tests.datadog_grok import parsed
from tests.factories import policy

MASKS = grok.masks(rule.name for rule in policy().redaction.rules)
PARSERS = [grok.TRACEBACK, grok.SCRIPT_ERROR, grok.SQL, grok.TASK, MASKS]
TASK_NAME, TASK_ID = "mysite.emails.tasks.send_email_task", "20d14e8e-290f-4f16-abdc-c37e80d6f357"


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.name)
def test_every_sample_is_read_by_its_own_parser(parser: Grok) -> None:
    assert 0 < len(parser.samples) <= 5
    for sample in parser.samples:
        assert parsed(parser, sample), sample


@pytest.mark.parametrize(
    ("parser", "text", "read"),
    [
        (
            grok.TRACEBACK,
            "Traceback (most recent call last):\n  File \"a.py\", line 1, in f\n    raise ValueError('a: b')\n"
            "ValueError: a: b",
            {"error.kind": "ValueError", "error.message": "a: b"},
        ),
        (
            grok.TRACEBACK,
            'Traceback (most recent call last):\n  File "a.py", line 1, in f\nKeyError: 1\n\n'
            "During handling of the above exception, another exception occurred:\n\n"
            'Traceback (most recent call last):\n  File "b.py", line 2, in g\nhttpx.ConnectTimeout: timed out',
            {"error.kind": "httpx.ConnectTimeout", "error.message": "timed out"},
        ),
        (
            grok.TRACEBACK,
            'Traceback (most recent call last):\n  File "a.py", line 1, in f\nKeyboardInterrupt\n',
            {"error.kind": "KeyboardInterrupt"},
        ),
        (
            grok.SCRIPT_ERROR,
            "ChunkLoadError: Loading chunk 7 failed\n    at n (app.js:1:2)",
            {"error.kind": "ChunkLoadError", "error.message": "Loading chunk 7 failed"},
        ),
        (
            grok.SQL,
            '(0.012) SELECT "a" FROM "b"; args=[sql_parameters]; alias=default',
            {"db.seconds": "0.012", "db.operation": "SELECT"},
        ),
        (
            grok.TASK,
            f"Task {TASK_NAME}[{TASK_ID}] succeeded in 0.021511474000021735s: None",
            {
                "celery.task": TASK_NAME,
                "celery.task_id": TASK_ID,
                "celery.state": "succeeded",
                "celery.seconds": "0.021511474000021735",
            },
        ),
        (
            grok.TASK,
            f"Task {TASK_NAME}[{TASK_ID}] raised unexpected: ConnectionError('no route')",
            {"celery.task": TASK_NAME, "celery.task_id": TASK_ID, "celery.state": "raised"},
        ),
        (MASKS, "Login failed for [email:a0871c41a352dadb7fda8a2c]", {"redaction.rule": "email"}),
        (MASKS, "confirm/?uid=3&[token] 400", {"redaction.rule": "token"}),
    ],
)
def test_what_a_text_says_is_read_out_of_it(parser: Grok, text: str, read: dict[str, str]) -> None:
    assert parsed(parser, text) == read


@pytest.mark.parametrize(
    ("parser", "text"),
    [
        (grok.TRACEBACK, "Traceback is missing"),
        (grok.SQL, "took 0.012 s to SELECT"),
        (grok.TASK, "Task force meets"),
        (MASKS, "photo [17] of [album] stored"),
    ],
)
def test_other_text_is_left_alone(parser: Grok, text: str) -> None:
    assert parsed(parser, text) == {}
