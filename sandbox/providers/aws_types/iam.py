"""IAM (ForceNew: terraform-provider-aws, internal/service/iam)."""

from __future__ import annotations

from sandbox.providers.aws_types.rows import global_arn, keys
from sandbox.providers.realise import iam
from sandbox.providers.rules import replaced_by
from sandbox.providers.table import Api, Row, table

_NAMED = keys("name", "namePrefix")

ROWS = table(
    Row(
        "aws:iam/role:Role",
        replace_on=_NAMED | {"path"},
        defaults={"forceDetachPolicies": False, "maxSessionDuration": 3600, "path": "/"},
        moto=iam.ROLE,
        api=Api(
            service="iam",
            operation="CreateRole",
            rename={"name": "RoleName", "assumeRolePolicy": "AssumeRolePolicyDocument"},
        ),
        cfn="AWS::IAM::Role",
        rules=(
            replaced_by("inlinePolicies", "iam.RolePolicy with iam.RolePoliciesExclusive"),
            replaced_by("managedPolicyArns", "iam.RolePolicyAttachment with iam.RolePolicyAttachmentsExclusive"),
        ),
    ),
    Row(
        "aws:iam/rolePolicy:RolePolicy",
        replace_on=_NAMED | {"role"},
        moto=iam.ROLE_POLICY,
        api=Api(
            service="iam",
            operation="PutRolePolicy",
            rename={"name": "PolicyName", "role": "RoleName", "policy": "PolicyDocument"},
        ),
    ),
    Row(
        "aws:iam/policy:Policy",
        replace_on=_NAMED | {"path", "description"},
        defaults={"path": "/"},
        outputs={"attachmentCount": 0},
        moto=iam.POLICY,
        api=Api(service="iam", operation="CreatePolicy", rename={"name": "PolicyName", "policy": "PolicyDocument"}),
    ),
    Row(
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        name=None,
        replace_on=keys("role", "policyArn"),
        moto=iam.ATTACHMENT,
        api=Api(service="iam", operation="AttachRolePolicy", rename={"role": "RoleName"}),
    ),
    Row(
        "aws:iam/openIdConnectProvider:OpenIdConnectProvider",
        id="{arn}",
        name=None,
        outputs={"arn": lambda inputs, cloud: _oidc_arn(inputs["url"], cloud.partition, cloud.account)},
        replace_on=keys("url"),
        api=Api(service="iam", operation="CreateOpenIDConnectProvider", rename={"clientIdLists": "ClientIDList"}),
        cfn="AWS::IAM::OIDCProvider",
    ),
    Row(
        "aws:iam/samlProvider:SamlProvider",
        id="{arn}",
        outputs={
            "arn": global_arn("iam", "saml-provider/{name}"),
            "samlProviderUuid": "{hex}",
            "validUntil": "2126-01-01T00:00:00Z",
        },
        replace_on=keys("name"),
        api=Api(service="iam", operation="CreateSAMLProvider"),
    ),
    Row(
        "aws:iam/rolePoliciesExclusive:RolePoliciesExclusive",
        id="{roleName}",
        name=None,
        replace_on=keys("roleName"),
    ),
    Row(
        "aws:iam/rolePolicyAttachmentsExclusive:RolePolicyAttachmentsExclusive",
        id="{roleName}",
        name=None,
        replace_on=keys("roleName"),
    ),
)


def _oidc_arn(url: str, partition: str, account: str) -> str:
    return f"arn:{partition}:iam::{account}:oidc-provider/{url.removeprefix('https://')}"
