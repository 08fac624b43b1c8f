"""KMS: keys, their names and policies (ForceNew: terraform-provider-aws, internal/service/kms)."""

from __future__ import annotations

from sandbox.providers.aws_types.rows import keys
from sandbox.providers.realise import kms
from sandbox.providers.rules import between, requires, starts_with
from sandbox.providers.table import Api, Row, table

ROWS = table(
    Row(
        "aws:kms/key:Key",
        name=None,
        replace_on=keys("customKeyStoreId", "customerMasterKeySpec", "keyUsage", "multiRegion", "xksKeyId"),
        defaults={
            "bypassPolicyLockoutSafetyCheck": False,
            "customerMasterKeySpec": "SYMMETRIC_DEFAULT",
            "enableKeyRotation": False,
            "isEnabled": True,
            "keyUsage": "ENCRYPT_DECRYPT",
        },
        moto=kms.KEY,
        api=Api(service="kms", operation="CreateKey", rename={"customerMasterKeySpec": "KeySpec"}),
        cfn="AWS::KMS::Key",
        rules=(
            between("deletionWindowInDays", 7, 30),
            between("rotationPeriodInDays", 90, 2560),
            requires("rotationPeriodInDays", "enableKeyRotation", value=True),
        ),
    ),
    Row(
        "aws:kms/alias:Alias",
        name_form="alias/{name}-{hex7}",
        replace_on=keys("name", "namePrefix"),
        moto=kms.ALIAS,
        api=Api(service="kms", operation="CreateAlias", rename={"name": "AliasName"}),
        rules=(starts_with("name", "alias/"), starts_with("namePrefix", "alias/")),
    ),
    Row(
        "aws:kms/keyPolicy:KeyPolicy",
        name=None,
        replace_on=keys("keyId"),
        defaults={"bypassPolicyLockoutSafetyCheck": False},
        moto=kms.KEY_POLICY,
        api=Api(service="kms", operation="PutKeyPolicy"),
    ),
)
