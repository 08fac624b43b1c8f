"""What an alert on the collector's own metrics can ask: structured, so that three languages can be written from it.

Every condition refuses what could never fire, and what would fire for ever.
"""

from infra.policy.alerts.changes import Compared, Increase, Restarts, Share, Silent
from infra.policy.alerts.flows import Balance, Stalled
from infra.policy.alerts.levels import Absent, Fill, Predicted, Value, Vanished

Condition = (
    Value | Fill | Increase | Share | Compared | Silent | Predicted | Stalled | Restarts | Balance | Absent | Vanished
)
"""What a collector alert can ask."""
__all__ = [
    "Absent",
    "Balance",
    "Compared",
    "Condition",
    "Fill",
    "Increase",
    "Predicted",
    "Restarts",
    "Share",
    "Silent",
    "Stalled",
    "Value",
    "Vanished",
]
