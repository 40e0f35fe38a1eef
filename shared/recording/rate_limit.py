"""A limit on the number of different actions per minute, counted in the memory of one instance."""

from datetime import datetime, timedelta

from shared.domain.clock import Clock

_WINDOW = timedelta(minutes=1)


class RateLimit:
    """Admits a number of different names per minute. A repeated name counts once."""

    def __init__(self, most: int, clock: Clock) -> None:
        self._most, self._clock = most, clock
        self._done: dict[str, datetime] = {}  # oldest first

    def admits(self, name: str) -> bool:
        """Whether the action is within the limit. If so, it is counted."""
        since = self._clock.now() - _WINDOW
        while self._done and next(iter(self._done.values())) <= since:
            del self._done[next(iter(self._done))]
        if name not in self._done and len(self._done) >= self._most:
            return False
        self._done.setdefault(name, self._clock.now())
        return True

    def retry_after(self) -> float:
        """Seconds until the oldest counted name leaves the window."""
        oldest = next(iter(self._done.values()), self._clock.now())
        return max((oldest + _WINDOW - self._clock.now()).total_seconds(), 1.0)
