"""Who may do what at Datadog, and the permissions that there are."""

from __future__ import annotations

import uuid

from sandbox.providers.cloud import Cloud
from sandbox.providers.organisation import Claim
from sandbox.providers.rules_datadog import EVERYWHERE, trimmed
from sandbox.providers.table import Invoke, Row, table
from sandbox.providers.wire import Props

PERMISSIONS = (
    "logs_live_tail", "logs_modify_indexes", "logs_read_archives", "logs_read_data", "logs_read_index_data",
    "logs_write_archives", "logs_write_exclusion_filters", "logs_write_pipelines",
)  # fmt: skip
"""Some of Datadog's permissions about logs (Datadog docs, "Role permissions")."""

ROWS = table(
    Row(
        "datadog:index/role:Role",
        id="{hex}",
        name=None,
        outputs={"userCount": 0},
        rules=EVERYWHERE,
        claim=Claim(kind="the role"),
        answers=trimmed,
    ),
    Row(
        "datadog:index/logsRestrictionQuery:LogsRestrictionQuery",
        id="{hex}",
        name=None,
        outputs={"createdAt": "2026-01-01T00:00:00Z", "modifiedAt": "2026-01-01T00:00:00Z"},
        rules=EVERYWHERE,
        answers=trimmed,
    ),
)


def _permissions(args: Props, cloud: Cloud) -> Props:  # noqa: ARG001 - every function has one shape
    ids = {name: str(uuid.uuid5(uuid.NAMESPACE_DNS, name)) for name in PERMISSIONS}
    return {"id": "permissions", "includeRestricted": False, "permissions": ids}


INVOKES: dict[str, Invoke] = {"datadog:index/getPermissions:getPermissions": _permissions}
