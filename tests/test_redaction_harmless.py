"""What must arrive as it was sent, and pseudonyms that stay the same: through the real stages."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.score.collector import Scoring
from sandbox.score.run import cleaning_collector
from tests.collector_process import executable
from tests.factories import context
from tests.redaction_run import explored, sent

pytestmark = pytest.mark.collector


@pytest.fixture(scope="module")
def run() -> Iterator[Scoring]:
    with cleaning_collector(context("sandbox"), executable()) as found:
        yield found


@pytest.mark.parametrize(
    ("body", "attributes"),
    [
        ("grandma@", {"note": "example.com"}),
        ("born", {"note": "2021-04-03"}),
        ("token=", {"note": "abcdefgh1"}),
        ("call 555", {"a": "555", "b": "0100", "4111": "1111", "c": "1111 1111"}),
        ("lat", {"note": "=35.684119", "x": "://a", "y": ":b1@c"}),
        ("203.0", {"a": ".113.7", "b": "Bearer", "c": "7c1d2e3f4a5b6c7d"}),
    ],
)
def test_fields_that_are_harmless_one_by_one_stay_as_they_are(
    run: Scoring, body: str, attributes: dict[str, str]
) -> None:
    found = sent(run, {"body": body, "attributes": attributes})
    assert (found.delivered, found.masks, found.body) == (1, [], body)
    assert attributes.items() <= found.attributes().items()


HARMLESS = st.one_of(
    st.uuids(version=4).map(lambda item: item.hex),
    st.uuids(version=4).filter(lambda item: not item.hex[:16].isdigit()).map(str),
    st.tuples(st.integers(0, 99), st.integers(0, 999), st.integers(0, 999)).map(
        lambda item: f"v{item[0]}.{item[1]}.{item[2]}"
    ),
    st.datetimes().map(lambda item: item.isoformat()),
    st.integers(1, 99_999).map(lambda line: f'File "/srv/app/mysite/keeps/views.py", line {line}, in post'),
    st.integers(1, 10**7).map("SELECT id FROM users_user WHERE id = {} LIMIT 21".format),
    st.floats(0, 10_000).map(lambda spent: f"GET /api/keeps/ 200 in {spent:.3f} ms"),
    st.integers(0, 2**31).map(lambda size: f"sent {size} bytes"),
)


@settings(explored, max_examples=150)
@given(texts=st.lists(HARMLESS, min_size=1, max_size=6))
def test_identifiers_versions_times_paths_and_statements_stay_readable(run: Scoring, texts: list[str]) -> None:
    attributes = {f"k{number}": text for number, text in enumerate(texts)}
    found = sent(run, {"body": "; ".join(texts), "attributes": attributes, "resource": attributes})
    assert (found.delivered, found.masks) == (1, [])
    assert found.body == "; ".join(texts)
    assert attributes.items() <= found.attributes().items()
    assert attributes.items() <= found.attributes("resource").items()


def test_a_pseudonym_is_the_same_wherever_its_value_stood_and_trips_no_other_rule(run: Scoring) -> None:
    seen: dict[str, str] = {}
    for start in range(0, 4_000, 200):
        mails = {f"k{number}": f"{uuid.UUID(int=number).hex}@example.com" for number in range(start, start + 200)}
        found = sent(run, {"body": " ".join(mails.values()), "attributes": mails, "resource": mails})
        assert found.delivered == 1, found.attributes()
        assert set(found.masks) == {"email"}
        of_record = {key: value for key, value in found.attributes().items() if key in mails}
        assert found.body.split() == list(of_record.values())
        assert of_record == {key: value for key, value in found.attributes("resource").items() if key in mails}
        seen |= {mails[key]: value for key, value in of_record.items()}
    assert len(set(seen.values())) == len(seen) == 4_000
