"""AWS clients that can reach the sandbox only: explicit keys, explicit endpoint, nothing from the user's AWS setup."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, overload

import boto3
import botocore.session
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_ecs import ECSClient
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sts import STSClient


@dataclass(frozen=True, slots=True)
class AwsCredentials:
    """One access key pair. The secret is left out of `repr`, so that it reaches no failure message."""

    access_key_id: str
    secret_access_key: str = field(repr=False)

    def child_environment(self, region: str, inherited: Mapping[str, str] = os.environ) -> dict[str, str]:
        """Return `inherited` with every AWS_ variable replaced by what makes an SDK use these keys and no others.

        The SDK (the collector's sigv4auth extension, say) then reads neither the user's ~/.aws nor the instance
        metadata service. AWS_PROFILE is taken out, not emptied: botocore looks for a profile named "".
        """
        kept = {name: value for name, value in inherited.items() if not name.startswith("AWS_")}
        return kept | {
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
        }


# Made up, and valid nowhere: AWS's own documentation uses keys of this form as its examples.
SANDBOX_CREDENTIALS = AwsCredentials("AKIASANDBOXEXAMPLE00", "sandbox/not-a-secret/EXAMPLEKEY000000000")


@overload
def aws_client(
    service: Literal["ecs"], *, endpoint_url: str, region: str, credentials: AwsCredentials = ...
) -> ECSClient: ...
@overload
def aws_client(
    service: Literal["iam"], *, endpoint_url: str, region: str, credentials: AwsCredentials = ...
) -> IAMClient: ...
@overload
def aws_client(
    service: Literal["kms"], *, endpoint_url: str, region: str, credentials: AwsCredentials = ...
) -> KMSClient: ...
@overload
def aws_client(
    service: Literal["logs"], *, endpoint_url: str, region: str, credentials: AwsCredentials = ...
) -> CloudWatchLogsClient: ...
@overload
def aws_client(
    service: Literal["s3"], *, endpoint_url: str, region: str, credentials: AwsCredentials = ...
) -> S3Client: ...
@overload
def aws_client(
    service: Literal["secretsmanager"], *, endpoint_url: str, region: str, credentials: AwsCredentials = ...
) -> SecretsManagerClient: ...
@overload
def aws_client(
    service: Literal["sts"], *, endpoint_url: str, region: str, credentials: AwsCredentials = ...
) -> STSClient: ...
@overload
def aws_client(service: str, *, endpoint_url: str, region: str, credentials: AwsCredentials = ...) -> Any: ...
def aws_client(
    service: str, *, endpoint_url: str, region: str, credentials: AwsCredentials = SANDBOX_CREDENTIALS
) -> Any:
    """Return a boto3 client of `service` that talks to `endpoint_url` with `credentials`. Close it when done.

    It ignores the user's AWS profile, credentials and config files and any proxy, and it does not retry:
    a sandbox on the same machine either answers or is down, and hiding the difference would hide a fault.
    """
    # botocore reads the profile from the environment and then fails when that profile does not exist;
    # naming the variables without an environment variable is the one way to have a session without it.
    isolated = botocore.session.Session(
        session_vars={
            "profile": (None, None, None, None),
            "config_file": (None, None, os.devnull, None),
            "credentials_file": (None, None, os.devnull, None),
        }
    )
    session = boto3.session.Session(
        aws_access_key_id=credentials.access_key_id,
        aws_secret_access_key=credentials.secret_access_key,
        region_name=region,
        botocore_session=isolated,
    )
    config = Config(
        connect_timeout=2,
        read_timeout=30,
        retries={"total_max_attempts": 1},
        proxies={},
        use_fips_endpoint=False,
        use_dualstack_endpoint=False,
        s3={"addressing_style": "path"},  # 127.0.0.1 has no sub-domains for bucket names
    )
    create: Any = session.client  # the stubs know literal service names only; the overloads above give the type
    return create(service, endpoint_url=endpoint_url, config=config)
