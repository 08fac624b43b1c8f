"""Where a provider's resources live: account, region, default tags, and cached clients of the moto endpoint."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from sandbox.providers.errors import ProviderError
from sandbox.providers.organisation import ORGANISATION_VARIABLE, Organisation
from sandbox.providers.wire import Props

ENDPOINT_VARIABLE: Final = "TINYBEANS_SANDBOX_AWS_ENDPOINT"
ACCOUNT: Final = "123456789012"
"""moto's account, so that ARNs made here and ARNs made by moto agree."""


class Cloud:
    """The account, region and endpoint a provider is configured for."""

    def __init__(
        self,
        *,
        region: str,
        endpoint: str | None = None,
        default_tags: Mapping[str, str] | None = None,
        account: str = ACCOUNT,
        organisation: Organisation | None = None,
    ) -> None:
        self.region = region
        self.account = account
        self.endpoint = endpoint
        self.default_tags = dict(default_tags or {})
        self.organisation = organisation or Organisation()
        self._clients: dict[str, Any] = {}
        self._elsewhere: dict[str, Cloud] = {}
        self._lock = threading.Lock()
        self._session: Any = None

    @property
    def partition(self) -> str:
        """The AWS partition of the region."""
        return "aws-us-gov" if self.region.startswith("us-gov-") else "aws-cn" if self.region[:3] == "cn-" else "aws"

    def in_region(self, region: str | None) -> Cloud:
        """The same account seen from the region that a resource names itself (pulumi-aws 7)."""
        if region is None or region == self.region:
            return self
        with self._lock:
            if region not in self._elsewhere:
                self._elsewhere[region] = Cloud(
                    region=region, endpoint=self.endpoint, default_tags=self.default_tags, account=self.account
                )
            return self._elsewhere[region]

    def client(self, service: str) -> Any:
        """A boto3 client of moto; building one takes 50-300 ms and is not thread-safe, so each is built once."""
        with self._lock:
            if service not in self._clients:
                self._clients[service] = self._new_client(service)
            return self._clients[service]

    def _new_client(self, service: str) -> Any:
        if not self.endpoint:
            raise ProviderError(
                f"{service} resources are realised in moto, and {ENDPOINT_VARIABLE} is not set; "
                "set it to moto's address in the environment of `pulumi`"
            )
        import boto3
        from botocore.config import Config

        if self._session is None:
            made_up: Props = {"aws_access_key_id": "sandbox", "aws_secret_access_key": "sandbox"}
            self._session = boto3.session.Session(region_name=self.region, **made_up)
        return self._session.client(
            service,
            region_name=self.region,
            endpoint_url=self.endpoint,
            config=Config(max_pool_connections=32, retries={"max_attempts": 2}, s3={"addressing_style": "path"}),
        )


def aws_cloud(config: Props) -> Cloud:
    """The cloud that a provider's configuration (`aws:region`, `aws:defaultTags`) asks for."""
    region = config.get("region") or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if not region:
        raise ProviderError("no region: set aws:region in the stack's configuration")
    default_tags = _structured(config.get("defaultTags")) or {}
    return Cloud(
        region=region,
        endpoint=os.environ.get(ENDPOINT_VARIABLE),
        default_tags=(_structured(default_tags.get("tags")) or {}),
    )


def datadog_cloud(config: Props) -> Cloud:  # noqa: ARG001 - every package's factory has one shape
    """Datadog has no double: nothing is realised, and of its organisation only names are remembered."""
    file = os.environ.get(ORGANISATION_VARIABLE)
    return Cloud(region="none", organisation=Organisation(Path(file) if file else None))


def _structured(value: Any) -> Any:
    # A provider's nested settings arrive as JSON text (sdk/go: "provider config is JSON-encoded").
    return json.loads(value) if isinstance(value, str) and value[:1] == "{" else value
