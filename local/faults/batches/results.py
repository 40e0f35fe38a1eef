"""The results of several batches as a table, and each violation with the command that repeats it."""

from collections import Counter
from collections.abc import Iterator, Sequence

from local.faults.batches.batch import Outcome
from local.faults.judging.violations import Kind
from shared.domain.records import Chunk
from shared.domain.states import SAFE, ChunkState


def rows(outcomes: Sequence[Outcome]) -> list[tuple[str, int]]:
    """Names and numbers, in the order of the pipeline."""
    chunks = [chunk for outcome in outcomes for chunk in outcome.evidence.chunks]
    wrong = Counter(violation.kind for outcome in outcomes for violation in outcome.violations)
    happened = sum((outcome.happened for outcome in outcomes), Counter[str]())
    return [
        ("schedules", sum(len(outcome.seeds) for outcome in outcomes)),
        ("events delivered", sum(one.events for outcome in outcomes for one in outcome.played)),
        *sorted(happened.items()),
        ("chunks announced", sum(len(one.announced) for outcome in outcomes for one in outcome.played)),
        ("chunks archived", sum(chunk.state in SAFE for chunk in chunks)),
        ("... after a failure", sum(chunk.state in SAFE and chunk.rescues > 0 for chunk in chunks)),
        ("failed", _in(chunks, ChunkState.FAILED)),
        ("lost", _in(chunks, ChunkState.LOST)),
        *((f"violations: {kind}", wrong[kind]) for kind in Kind),
    ]


def report(outcome: Outcome) -> Iterator[str]:
    for violation in outcome.violations:
        seed = outcome.seed_of(violation)
        yield f"{f'seed {seed}: ' if seed is not None else ''}{violation.sentence}"
    if outcome.violations:
        first, number = outcome.seeds[0], len(outcome.seeds)
        seeds = sorted({seed for one in outcome.violations if (seed := outcome.seed_of(one)) is not None})
        alone = "".join(f"; alone: --seed {seed}" for seed in seeds)
        yield f"repeat with: python -m local.faults --from {first} --seeds {number}{alone}; logs: {outcome.logs}"


def _in(chunks: Sequence[Chunk], state: ChunkState) -> int:
    return sum(chunk.state is state for chunk in chunks)
