"""Records that somebody might send who wants a value to get past redaction, or a record to get lost."""

from __future__ import annotations

import json
from typing import Any

MAIL, ADDRESS, SECRET, CARD = "grandma@example.com", "203.0.113.7", "Zaphod77", 4111111111111111
TEXT = f"mail to {MAIL} from {ADDRESS}"
SENSITIVE = (MAIL, ADDRESS, SECRET, str(CARD))
NAN = float("nan")
OK = {"tinybeans.redaction": "ok"}
MARKER = f"hmac-of={'ab' * 32}"


def nested(levels: int, value: Any) -> Any:
    for level in range(levels):
        value = [value] if level % 5 == 4 else {"a": value}
    return value


def nested_text(levels: int, value: str) -> str:
    return '{"message":"m","d":' + '{"a":' * levels + json.dumps(value) + "}" * levels + "}"


FORGED: dict[str, dict[str, Any]] = {
    "an attribute": {"body": TEXT, "attributes": OK},
    "the resource": {"body": "b", "resource": {**OK, "owner": TEXT}},
    "the scope": {"body": "b", "scope": {"name": "s", "attributes": {**OK, "owner": TEXT}}},
    "everywhere": {"body": TEXT, "attributes": OK, "resource": OK, "scope": {"attributes": OK}},
    "a line": {"body": json.dumps({"message": TEXT, **OK})},
    "a line, nested": {"body": json.dumps({"message": TEXT, "tinybeans": {"redaction": "ok"}})},
    "a line's context": {"body": json.dumps({"message": TEXT, "context": {**OK, "tinybeans": {"redaction": "ok"}}})},
    "a map body": {"body": {"message": TEXT, "tinybeans": {"redaction": "ok"}}},
    "a list": {"body": TEXT, "attributes": {"tinybeans.redaction": ["ok"]}},
    "beside a failure": {"body": TEXT, "attributes": {**OK, "ratio": NAN, "note": TEXT}},
    "the body's hiding place": {"body": TEXT, "attributes": {"tinybeans.text": TEXT, "tinybeans.drop": "email"}},
}
MARKED: dict[str, dict[str, Any]] = {
    "the body": {"body": MARKER},
    "a broken one in the body": {"body": "hmac-of=0"},
    "an attribute": {"body": "b", "attributes": {"note": f"[email:{MARKER}]"}},
    "an attribute's name": {"body": "b", "attributes": {MARKER: "v"}},
    "the resource": {"body": "b", "resource": {"note": MARKER}},
    "the resource, broken": {"body": "b", "resource": {"note": "hmac-of=0"}},
    "the scope": {"body": "b", "scope": {"name": MARKER, "version": MARKER, "attributes": {"note": MARKER}}},
    "the scope, broken": {"body": "b", "scope": {"name": "hmac-of=0"}},
    "a line": {"body": json.dumps({"message": MARKER, "note": [MARKER]})},
    "the event name": {"body": "b", "event_name": MARKER},
}
ODD: dict[str, dict[str, Any]] = {
    "not a number beside it in a list": {"body": TEXT, "attributes": {"x": [NAN, TEXT], "y": {"r": NAN, "t": TEXT}}},
    "not a number in the resource": {"body": "b", "resource": {"ratio": NAN, "owner": TEXT}},
    "not a number in the scope": {"body": "b", "scope": {"name": "s", "attributes": {"ratio": NAN, "owner": TEXT}}},
    "infinity": {"body": TEXT, "attributes": {"x": float("inf"), "y": [float("-inf"), TEXT]}},
    "not a number as body": {"body": NAN, "attributes": {"note": TEXT}},
    "not a number in a map body": {"body": {"message": TEXT, "ratio": NAN}, "attributes": {"note": TEXT}},
    "not a number in a list body": {"body": [NAN, TEXT]},
    "schema urls": {"body": "b", "resource_schema_url": f"https://x/{MAIL}", "scope_schema_url": f"https://x/{MAIL}"},
    "600 kB in the body": {"body": "x " * 300_000 + MAIL},
    "600 kB in one word": {"body": "b", "attributes": {"note": "x" * 600_000 + " " + MAIL}},
    "600 kB of addresses": {"body": f"{MAIL} " * 30_000},
    "5 MB in the body": {"body": "x " * 2_500_000 + MAIL},
    "5 MB in the resource": {"body": "b", "resource": {"note": "x " * 2_500_000 + MAIL}},
    "90 levels of attributes": {"body": "b", "attributes": {"d": nested(90, TEXT)}},
    "90 levels of body": {"body": nested(90, TEXT)},
    "200 levels of a line": {"body": nested_text(200, TEXT)},
    "5,000 levels of a line": {"body": nested_text(5_000, TEXT)},
    "1,000 attributes": {"body": "b", "attributes": {f"k{n}": f"u{n} {TEXT}" for n in range(1000)}},
    "1,000 attributes of the resource": {"body": "b", "resource": {f"k{n}": f"u{n} {TEXT}" for n in range(1000)}},
    "an empty name": {"body": "b", "attributes": {"": TEXT, "a": {"": TEXT}, ".": TEXT, "b.": {"": TEXT}}},
    "an empty name in the resource": {"body": "b", "resource": {"": TEXT}},
    "capitals": {"body": TEXT.upper(), "attributes": {"PassWord": SECRET, "note": MAIL.title()}},
    "a value on the next line": {"body": f"password:\r\n{SECRET}"},
    "a value with blanks": {"body": f"password='{SECRET} with {SECRET}'"},
    "a name in camel case": {"body": "b", "attributes": {"newPassword": SECRET, "accessToken": SECRET}},
    "a name with a prefix": {"body": "b", "attributes": {"db_password": SECRET}},
    "a header and what follows": {"body": f"Cookie: sessionid={SECRET}; csrftoken={SECRET}\r\nX-Other: y"},
    "bytes in an attribute": {
        "body": "b",
        "attributes": {"note": TEXT.encode(), "x": [TEXT.encode(), {"y": TEXT.encode()}]},
    },
    "bytes in the resource": {"body": "b", "resource": {"note": TEXT.encode()}},
    "bytes in a map body": {"body": {"message": TEXT.encode(), "x": [TEXT.encode()]}},
    "bytes in UTF-16": {"body": TEXT.encode("utf-16")},
    "a map as message": {"body": json.dumps({"message": {"a": TEXT, "password": SECRET}})},
    "a list as message": {"body": json.dumps({"message": [TEXT, {"password": SECRET}]})},
    "a list as line": {"body": json.dumps([{"password": SECRET, "m": TEXT}])},
    "numbers": {"body": "b", "attributes": {"n": CARD, "l": [CARD], "f": float(CARD)}, "resource": {"n": CARD}},
    "a number in JSON": {"body": f'{{"message":"m","password":{CARD},"n":{CARD},"f":{CARD}.0,"e":[{CARD}]}}'},
    "context that is no map": {"body": json.dumps({"message": "m", "context": TEXT})},
    "fields that are read": {
        "body": json.dumps({"message": "m", **dict.fromkeys(("level", "timestamp", "trace_id", "span_id"), TEXT)})
    },
    "the class": {"body": "b", "attributes": {"tinybeans.log.class": TEXT}, "resource": {"tinybeans.log.class": TEXT}},
    "asterisks at the end": {"body": "b ****", "attributes": {"note": TEXT, "deep": [{"er": TEXT}]}},
    "the event name": {"body": "b", "event_name": TEXT},
    "the severity text": {"body": "b", "severity_text": TEXT, "severity_number": 9},
    "the scope's hiding place": {"body": "b", "scope": {"name": TEXT, "attributes": {"tinybeans.scope.name": TEXT}}},
    "a doubled name in a line": {"body": f'{{"a":"{TEXT}","a":"{TEXT}","password":"{SECRET}","password":"{SECRET}"}}'},
    "JSON that goes on": {"body": f'{{"password":"{SECRET}"}} {TEXT}'},
    "JSON after a mark": {"body": f'\ufeff{{"password":"{SECRET}"}}'},
    "JSON cut short": {"body": f'{{"message":"{TEXT}","password":"{SECRET}'},
    "a printed dict": {"body": f"got {{'password': ['{SECRET}', '{SECRET}'], 'b': {{'c': 1}}}}"},
    "local variables": {
        "body": "b",
        "attributes": {"exception.stacktrace": f"Traceback\n  x\n    password = '{SECRET}'\n    user = <User: {MAIL}>"},
    },
}
UNSEEN: dict[str, dict[str, Any]] = {
    "a name with brackets": {"body": "b", "attributes": {"user[password]": SECRET}},
    "a name with an invisible character": {"body": "b", "attributes": {"pass\u200bword": SECRET}},
    "a printed dict in a dict": {"body": f"got {{'cookie': {{'a': {{'b': '{SECRET}'}}, 'c': '{SECRET}'}}}}"},
    "headers as pairs": {"body": "b", "attributes": {"headers": [["Authorization", f"Token {SECRET}"]]}},
}
GAPS = {
    "a name with brackets": "password: a rule covers whole names and parts between dots; user[password] is neither",
    "a name with an invisible character": "password: names are compared as they are written",
    "a printed dict in a dict": "cookie: what stands in text under a covered name is masked to the first closing bracket",
    "headers as pairs": "authorization: a name and its value that are neighbours in a list are not seen as a pair",
}
"""Why the rules do not see what these records hold."""

BROKEN_TEXT: dict[str, dict[str, Any]] = {
    "the body": {"body": f"#### {TEXT}"},
    "a line": {"body": json.dumps({"message": f"#### {TEXT}", "note": "####"})},
    "an attribute": {"body": "b", "attributes": {"note": f"#### {TEXT}"}},
    "the resource": {"body": "b", "resource": {"note": f"#### {TEXT}"}},
    "the scope": {"body": "b", "scope": {"name": f"#### {TEXT}"}},
    "the event name": {"body": "b", "event_name": f"#### {TEXT}"},
    "an attribute's name": {"body": "b", "attributes": {"mid####dle": TEXT}},
    "a sensitive name's value": {"body": "b", "attributes": {"password": f"####{SECRET}"}},
}
