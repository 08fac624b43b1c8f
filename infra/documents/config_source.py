"""How the collector's configuration reaches the collector: in its environment, or as an object in S3. Pure.

Which of the two is decided by size alone. Both are named in the task definition, so that a rollback to an earlier
revision starts the collector with that revision's configuration.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

CONFIG_VARIABLE = "OTELCOL_CONFIG"
CONFIG_PREFIX = "collector/"
"""Every configuration that was ever deployed as an object lies under this prefix of the configuration bucket."""
INLINE_BYTES = 48 * 1024
"""Room for the configuration within the 64 KiB of a task definition, which everything else in it shares."""


@dataclass(frozen=True)
class ConfigSource:
    """Where the collector takes its configuration from, as the task definition says it."""

    text: str = field(repr=False)
    """The rendered configuration (YAML)."""
    uri: str
    """What follows `--config=`."""
    environment: Mapping[str, str] = field(repr=False)
    """Variables that the collector needs for it."""
    object_key: str | None
    """Key of the S3 object that holds the text; None where the environment does."""


def config_source(text: str, *, bucket: str, s3_service: str) -> ConfigSource:
    """Return how `text` travels: inline while it fits INLINE_BYTES, else as an object of `bucket`.

    It is measured as the task definition holds it: in JSON, where quotation marks, backslashes and line ends take two
    bytes. The URI is the one form of the collector's s3provider (v0.158.0) that asks Amazon S3 itself, in the region
    that it names: `s3://<bucket>.s3.<region>.amazonaws.com/<key>`; `s3_service` is the part after the bucket.
    """
    if len(json.dumps(text, ensure_ascii=False).encode()) <= INLINE_BYTES:
        return ConfigSource(text, f"env:{CONFIG_VARIABLE}", {CONFIG_VARIABLE: text}, None)
    key = object_key(text)
    return ConfigSource(text, f"s3://{bucket}.{s3_service}/{key}", {}, key)


def object_key(text: str) -> str:
    """Return the key of the object that holds `text`: its SHA-256, so that another text is another object."""
    return f"{CONFIG_PREFIX}{hashlib.sha256(text.encode()).hexdigest()}.yaml"
