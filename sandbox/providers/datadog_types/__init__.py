"""The Datadog types the sandbox knows: recorded, since Datadog has no double of its configuration API.

What it remembers beyond one resource's life are the organisation's names (sandbox/providers/organisation.py); what it
refuses of values and alters in them is in sandbox/providers/rules_datadog.py.
"""

from __future__ import annotations

from typing import Final

from sandbox.providers.cloud import datadog_cloud
from sandbox.providers.datadog_types import access, logs, watching
from sandbox.providers.table import Package

_MODULES = (logs, access, watching)

DATADOG: Final = Package(
    name="datadog",
    sdk="pulumi_datadog",
    rows={token: row for module in _MODULES for token, row in module.ROWS.items()},
    invokes=access.INVOKES,
    cloud=datadog_cloud,
    rows_in="sandbox/providers/datadog_types/",
)
