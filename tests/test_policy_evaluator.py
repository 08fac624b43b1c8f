import pytest

from tests.policy_evaluator import Decision, Request, decide

ANNA = "arn:aws:iam::123456789012:role/anna"
OTHER = "arn:aws:iam::123456789012:role/other"


def document(**statement: object) -> dict[str, object]:
    return {"Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::b/*", **statement}]}


def asked(by: str = ANNA, action: str = "s3:GetObject", on: str = "arn:aws:s3:::b/k", **keys: str) -> Request:
    return Request(by, action, on, {name.replace("__", ":"): value for name, value in keys.items()})


def test_what_no_statement_speaks_about_is_not_allowed() -> None:
    policy = document(Principal={"AWS": ANNA})

    assert decide(asked(), policy) is Decision.ALLOWED
    assert decide(asked(by=OTHER), policy) is Decision.SILENT
    assert decide(asked(action="s3:PutObject"), policy) is Decision.SILENT
    assert decide(asked(on="arn:aws:s3:::other/k"), policy) is Decision.SILENT


def test_one_denial_outweighs_every_allowance() -> None:
    assert decide(asked(), document(), document(Effect="Deny"), document()) is Decision.DENIED


@pytest.mark.parametrize(
    ("condition", "present", "other", "absent"),
    [
        ({"StringEquals": {"k": "v"}}, True, False, False),
        ({"StringNotEquals": {"k": "v"}}, False, True, True),
        ({"StringEqualsIfExists": {"k": "v"}}, True, False, True),
        ({"StringLike": {"k": ["x", "v*"]}}, True, False, False),
        ({"ArnNotEquals": {"k": ["x", "v"]}}, False, True, True),
        ({"Null": {"k": "false"}}, True, True, False),
        ({"Null": {"k": "true"}}, False, False, True),
        ({"Null": {"k": "false"}, "StringNotEquals": {"k": "v"}}, False, True, False),
    ],
)
def test_conditions_hold_as_iam_documents_them_for_present_other_and_absent_keys(
    condition: dict[str, object], present: bool, other: bool, absent: bool
) -> None:
    policy = document(Condition=condition)
    decisions = [decide(request, policy) for request in (asked(k="v"), asked(k="other"), asked())]

    assert [decision is Decision.ALLOWED for decision in decisions] == [present, other, absent]


def test_what_the_evaluator_does_not_understand_is_an_error_and_not_a_guess() -> None:
    with pytest.raises(ValueError, match="DateLessThan"):
        decide(asked(k="v"), document(Condition={"DateLessThan": {"k": "2030-01-01"}}))
    with pytest.raises(ValueError, match="NotAction"):
        decide(asked(), document(NotAction="s3:PutObject"))
