"""What a process still knows: its tasks' stacks, and what the parts of its app keep.

An answer that is no longer on any stack, and in no part of the app, can't have an effect any more. So two processes with
equal memories go on in the same way, whatever happened before. A stack is read as the garbage collector reads it, with
its temporary values. Statistics are left out: nothing of a race reads them.
"""

import asyncio
import enum
import gc
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextvars import Context
from datetime import date, timedelta
from types import AsyncGeneratorType, CellType, CodeType, CoroutineType, FunctionType, GeneratorType, MethodType, ModuleType
from typing import Any

from local.memory.acs import MemoryAcs
from local.memory.clients import MemoryClients
from local.memory.storage.account import Account, Client
from shared.app import App

_WORLD = (Account, Client, MemoryAcs, MemoryClients, asyncio.AbstractEventLoop, Context, ModuleType, CodeType, type)
_STATISTICS = ("Tallies",)
_ATOMS = (type(None), bool, int, float, str, bytes, date, timedelta, enum.Enum)


def _is_world(thing: object) -> bool:
    if isinstance(thing, asyncio.Task):
        return False
    return isinstance(thing, _WORLD) or type(thing).__module__.startswith("local.simulation")


def parts_of_app(app: App) -> dict[int, Any]:
    """The objects that an app consists of from its beginning."""
    found, waiting = dict[int, Any](), list[Any]([app])
    while waiting:
        one = waiting.pop()
        is_part = type(one).__module__.startswith("shared.") and hasattr(one, "__dict__")
        if id(one) in found or _is_world(one) or not is_part or isinstance(one, enum.Enum):
            continue
        found[id(one)] = one
        waiting += vars(one).values()
    return found


class Memory:
    """Writes down what a process knows."""

    def __init__(self, parts: Mapping[int, Any]) -> None:
        self._parts = parts
        self._seen: dict[int, int] = {}
        self._kept: list[Any] = []  # so that no number is used twice

    def text(self, tasks: Iterable[asyncio.Task[Any]]) -> str:
        told = [
            " ".join((type(part).__name__, name, *self._told(value)))
            for part in self._parts.values()
            if type(part).__name__ not in _STATISTICS
            for name, value in vars(part).items()
            if id(value) not in self._parts and not _is_world(value)
        ]
        told += [" ".join(self._told(task)) for task in tasks if not task.done()]
        return "\n".join(told)

    def _told(self, thing: Any) -> Iterator[str]:  # noqa: C901 - one case for each kind of thing
        if isinstance(thing, _ATOMS):
            yield repr(thing)
            return
        if _is_world(thing) or id(thing) in self._parts:
            yield type(thing).__name__
            return
        if id(thing) in self._seen:
            yield f"#{self._seen[id(thing)]}"
            return
        self._seen[id(thing)] = len(self._seen)
        self._kept.append(thing)
        yield type(thing).__name__
        match thing:
            case Mapping():
                for key, value in thing.items():
                    yield from self._told(key)
                    yield from self._told(value)
            case list() | tuple() | deque():
                for one in thing:
                    yield from self._told(one)
            case set() | frozenset():
                yield from sorted(" ".join(self._told(one)) for one in thing)
            case CoroutineType() | GeneratorType() | AsyncGeneratorType():
                yield from self._stack(thing)
            case asyncio.Future():
                yield from self._future(thing)
            case FunctionType():
                yield thing.__qualname__
                yield from self._all((*(thing.__closure__ or ()), *(thing.__defaults__ or ())))
            case MethodType():
                yield thing.__qualname__
                yield from self._told(thing.__self__)
            case CellType():
                yield from self._all(gc.get_referents(thing))
            case BaseException():
                yield str(thing)
                yield from self._all(thing.args)
            case asyncio.TimerHandle():
                yield f"{thing.when()} {thing.cancelled()}"
            case _ if hasattr(thing, "__dict__"):
                for name, value in vars(thing).items():
                    yield name
                    yield from self._told(value)
            case _:
                yield str(getattr(thing, "__length_hint__", int)())
                yield from self._all(gc.get_referents(thing))

    def _all(self, things: Iterable[Any]) -> Iterator[str]:
        for one in things:
            yield from self._told(one)

    def _stack(self, thing: Any) -> Iterator[str]:
        frame = next(
            (getattr(thing, name) for name in ("cr_frame", "gi_frame", "ag_frame") if hasattr(thing, name)), None
        )
        yield f"{thing.__qualname__} {frame.f_lasti if frame else 'ended'}"
        if frame:
            yield from self._all(gc.get_referents(thing))

    def _future(self, thing: Any) -> Iterator[str]:
        if thing.cancelled():
            yield "cancelled"
        elif thing.done():
            error = thing.exception()
            yield from self._told(error if error is not None else thing.result())
        elif isinstance(thing, asyncio.Task):
            yield from self._told(thing.get_coro())
        else:
            yield from self._all(getattr(thing, "_children", ()))
