"""How fast a replay may go."""

import time
from collections.abc import Callable


class Pace:
    """Lets through so many records a second on average, and no burst above what a second holds."""

    def __init__(
        self,
        rate: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._rate, self._clock, self._sleep = rate, clock, sleep
        self._free_at = clock()

    def wait(self, records: int) -> None:
        """Return once `records` more may be sent."""
        now = self._clock()
        self._free_at = max(self._free_at, now - 1.0)
        if self._free_at > now:
            self._sleep(self._free_at - now)
        self._free_at += records / self._rate
