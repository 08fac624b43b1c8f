"""Who may read which class at Datadog: a role for each reader group, with one restriction query.

A role can have one restriction query only, and a person sees what any of their roles lets them see (Datadog docs, "Logs
RBAC permissions"). So a group's query names all classes that policy lets the group read hot.
"""

from typing import Any

from infra.context import Context
from infra.documents.datadog.scope import CLASS_TAG, classes

PERMISSIONS = ("logs_read_data", "logs_read_index_data", "logs_live_tail")
"""What reading takes; nothing that writes, and no archive."""


def readable(context: Context) -> dict[str, list[str]]:
    """Return each reader group with the classes that it may read; groups that may read none are left out."""
    groups = context.policy.data_classes.reader_groups
    found = {group: [name for name, cls in classes(context).items() if group in cls.readers.hot] for group in groups}
    return {group: names for group, names in found.items() if names}


def roles(context: Context) -> dict[str, dict[str, Any]]:
    """Return each group with its role, as the Roles API (v2) takes it; it inherits no permission."""
    return {
        group: {
            "data": {
                "type": "roles",
                "attributes": {"name": context.name("reader", group), "default_permissions_opt_out": True},
            }
        }
        for group in readable(context)
    }


def restrictions(context: Context) -> dict[str, dict[str, Any]]:
    """Return each group with its restriction query, as the Logs Restriction Queries API (v2) takes it."""
    return {
        group: {
            "data": {
                "type": "logs_restriction_queries",
                "attributes": {
                    "restriction_query": f"env:{context.environment} {CLASS_TAG}:({' OR '.join(names)})",
                },
            }
        }
        for group, names in readable(context).items()
    }
