"""Records whose class the application knows for sure; every other class is the collector's decision."""

from __future__ import annotations

import structlog

_audit_log = structlog.get_logger("mysite.audit")
_security_log = structlog.get_logger("mysite.security")


def audit(
    action: str,
    *,
    actor_id: int | None,
    target_id: int | str | None = None,
    succeeded: bool = True,
    auth_context: dict[str, object] | None = None,
    **details: object,
) -> None:
    """Record who did what to whom.  What did not succeed is a warning."""
    write = _audit_log.info if succeeded else _audit_log.warning
    write(
        action,
        event_name=f"audit.{action}",
        audit_action=action,
        actor_id=None if actor_id is None else str(actor_id),
        target_id=None if target_id is None else str(target_id),
        outcome="success" if succeeded else "failure",
        auth_context=auth_context,
        log_class="audit",
        **details,
    )


def security(event_name: str, message: str, **details: object) -> None:
    """Record that something was refused or looks wrong."""
    _security_log.warning(message, event_name=event_name, outcome="denied", log_class="security", **details)
