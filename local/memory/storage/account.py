"""The account: what all services in memory share, and the one place where a test can interfere with an operation."""

import copy
import functools
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol, Self

from shared.domain.clock import Clock


class Service(StrEnum):
    TABLE = "table"
    QUEUE = "queue"
    BLOB = "blob"
    ACS = "acs"
    TOPIC = "topic"


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One request to a service.

    `target` is a table, a queue, a container with a blob's name, or a location. `writes` is False for a request that
    only reads. `is_retried` says whether the SDK sends the request again if the response is lost. `part`: the rows of a
    table that the request names, each as partition/row, or the filter of a query.
    """

    service: Service
    method: str
    target: str
    writes: bool
    is_retried: bool = True
    part: tuple[str, ...] = ()


@functools.lru_cache(10_000)
def operation_of(  # noqa: PLR0913, PLR0917 - as many as an operation has
    service: Service,
    method: str,
    target: str,
    writes: bool,  # noqa: FBT001 - keywords would make each call slower
    is_retried: bool,  # noqa: FBT001 - as above
    part: tuple[str, ...] = (),
) -> Operation:
    """The same object for equal operations, because a run asks for thousands."""
    return Operation(service=service, method=method, target=target, writes=writes, is_retried=is_retried, part=part)


class Turn(Protocol):
    """Every operation awaits this, and `apply` does the work. It can wait, fail, or apply the operation twice."""

    async def __call__[T](self, operation: Operation, apply: Callable[[], T], /) -> T: ...


async def apply_at_once[T](_: Operation, apply: Callable[[], T], /) -> T:
    return apply()


class Account:
    """The state of one storage account. Several clients, and so several processes, can share it.

    All ids and ETags come from `source`, and the time from `clock`, so that a run can be repeated.
    """

    def __init__(self, clock: Clock, source: random.Random | None = None) -> None:
        self.clock, self._source = clock, source or random.Random()  # noqa: S311 - no secrets
        self.turn: Turn = apply_at_once
        self.tables: dict[str, Any] = {}
        self.queues: dict[str, Any] = {}
        self.containers: dict[str, Any] = {}

    def seen_by(self, turn: Turn) -> Self:
        """The same account as one process reaches it: only that process's operations await `turn`."""
        seen = copy.copy(self)
        seen.turn = turn
        return seen

    def now(self) -> datetime:
        return self.clock.now()

    def new_id(self) -> str:
        return f"{self._source.getrandbits(64):016x}"


class Client:
    """What all clients have in common: they can be closed."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Holds nothing open."""


def check_options(given: dict[str, Any]) -> None:
    """Raises TypeError for a parameter that these clients don't implement."""
    if given:
        raise TypeError(f"not implemented in memory: {', '.join(sorted(given))}")
