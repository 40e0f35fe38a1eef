"""The figures of many batches as a table, and each violation with what repeats it."""

from collections.abc import Iterator, Sequence

from local.faults.batches import Outcome
from local.faults.invariants import Kind
from shared.records import Chunk
from shared.states import SAFE, ChunkState


def rows(outcomes: Sequence[Outcome]) -> list[tuple[str, int]]:
    """What is counted, in the order in which it happens."""
    chunks = [chunk for outcome in outcomes for chunk in outcome.evidence.chunks]
    wrong = [violation.kind for outcome in outcomes for violation in outcome.violations]
    return [
        ("schedules", sum(len(outcome.seeds) for outcome in outcomes)),
        ("events delivered", sum(one.events for outcome in outcomes for one in outcome.played)),
        ("faults injected", sum(outcome.faults for outcome in outcomes)),
        ("workers killed", sum(outcome.deaths for outcome in outcomes)),
        ("workers frozen", sum(outcome.freezes for outcome in outcomes)),
        ("chunks announced", sum(len(one.announced) for outcome in outcomes for one in outcome.played)),
        ("chunks archived", sum(chunk.state in SAFE for chunk in chunks)),
        ("... after a failure", sum(chunk.state in SAFE and chunk.rescues > 0 for chunk in chunks)),
        ("failed", _in(chunks, ChunkState.FAILED)),
        ("lost, source expired", _in(chunks, ChunkState.LOST)),
        ("duplicated", wrong.count(Kind.DUPLICATED)),
        ("deleted early", wrong.count(Kind.DELETED_EARLY)),
        ("bytes wrong", wrong.count(Kind.BYTES_WRONG)),
        (
            "other violations",
            sum(kind in {Kind.UNFINISHED, Kind.MISSING, Kind.DISAGREES, Kind.UNTOLD} for kind in wrong),
        ),
    ]


def complaints(outcome: Outcome) -> Iterator[str]:
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
