"""The number of examples of property tests. They are the same in every run, so a new failure comes
from a change of the code. `PROPERTY_FACTOR=20` uses random examples, and twenty times as many, to find unknown defects.
"""

import os

from hypothesis import settings

_FACTOR = int(os.environ.get("PROPERTY_FACTOR", "0"))


def effort(examples: int, *, steps: int = 50) -> settings:
    """`steps`: the length of a state machine's run."""
    return settings(
        max_examples=examples * max(_FACTOR, 1),
        stateful_step_count=steps,
        derandomize=_FACTOR == 0,
        database=None,
    )
