"""Random numbers and ids. Code that needs them gets a RandomSource: a seeded one repeats a run exactly."""

import random
import uuid


class RandomSource:
    """Draws from the operating system's random numbers, or from a given source."""

    def __init__(self, source: random.Random | None = None) -> None:
        self._source = source or random.SystemRandom()

    def new_id(self) -> uuid.UUID:
        """A random UUID (version 4)."""
        return uuid.UUID(int=self._source.getrandbits(128), version=4)

    def between(self, low: float, high: float) -> float:
        return self._source.uniform(low, high)
