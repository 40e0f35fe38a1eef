"""Turns: every contestant once per round, in alternating order, so that drift affects all equally."""

from collections.abc import Iterator, Sequence


def turns[T](contestants: Sequence[T], rounds: int) -> Iterator[tuple[int, T]]:
    for number in range(rounds):
        for one in contestants if number % 2 == 0 else reversed(contestants):
            yield number, one
