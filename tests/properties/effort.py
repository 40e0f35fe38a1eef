"""How hard the properties are tried. The same examples every time, so that a failure is the change's and not the day's;
`PROPERTY_FACTOR=20` tries other ones each time, and twenty times as many, to look for what nobody has thought of.
"""

import os

from hypothesis import settings

_FACTOR = int(os.environ.get("PROPERTY_FACTOR", "0"))


def effort(examples: int, *, steps: int = 50) -> settings:
    """`steps`: how long a run of a state machine gets."""
    return settings(
        max_examples=examples * max(_FACTOR, 1),
        stateful_step_count=steps,
        derandomize=_FACTOR == 0,
        database=None,
    )
