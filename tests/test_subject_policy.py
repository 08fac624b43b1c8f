"""What the role for requests about one person may do."""

import json

from infra.components.reader_grants import store_of
from infra.documents.subject_policy import announcers, subject_announcing, subject_reading
from tests.factories import context

KEY = "arn:aws:kms:us-east-1:123456789012:key/12345678-1234-1234-1234-123456789012"
PEPPER = "arn:aws:secretsmanager:us-east-1:123456789012:secret:tinybeans/prod/redaction-pepper-2026a-AbCdEf"


def test_the_role_reads_every_class_announces_and_fits_into_inline_policies_with_five_epochs() -> None:
    prod = context("prod")
    classes = prod.policy.data_classes.classes
    reading = subject_reading(prod, [store_of(prod, cls, of, KEY) for cls, of in classes.items()])
    announcing = subject_announcing(
        prod, log_group_arn=prod.log_group_arn("audit"), log_key_arn=KEY, secret_arns=[PEPPER] * 6, key_arn=KEY
    )
    size = sum(len(json.dumps(item, separators=(",", ":"))) for item in (reading, announcing))
    assert size <= 10_240, "IAM's limit of inline policies a role, in characters"
    refused = {action for item in reading["Statement"] if item["Effect"] == "Deny" for action in item["Action"]}
    assert "logs:PutLogEvents" not in refused
    assert {"logs:DeleteLogGroup", "s3:Delete*", "s3:Put*"} <= refused
    objects = next(item for item in reading["Statement"] if item["Sid"] == "ReadObjects")
    assert len(objects["Resource"]) == len(classes)
    assert announcers(prod) == ("compliance",)
