"""What a process still knows: its tasks' stacks, and what the parts of its app keep.

An answer that is no longer on any stack, and in no part of the app, can't have an effect any more. So two processes
with equal memories go on in the same way, whatever happened before. A stack is read as the garbage collector reads it,
with its temporary values. Statistics are left out: nothing of a race reads them.
"""

import asyncio
import enum
import gc
import random
from collections import deque
from collections.abc import Iterable, Mapping
from contextvars import Context
from datetime import date, timedelta
from types import (
    AsyncGeneratorType,
    CellType,
    CodeType,
    CoroutineType,
    FunctionType,
    GeneratorType,
    MethodType,
    ModuleType,
)
from typing import Any

from local.memory.acs import MemoryAcs
from local.memory.clients import MemoryClients
from local.memory.storage.account import Account, Client
from shared.app import App

_WORLD = (Account, Client, MemoryAcs, MemoryClients, asyncio.AbstractEventLoop, Context, ModuleType, CodeType, type)
_STATISTICS = ("Tallies",)
_FRAMES = ("cr_frame", "gi_frame", "ag_frame")
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
        self._written: list[str] = []
        self._kept: list[Any] = []  # so that no number is used twice

    def text(self, tasks: Iterable[asyncio.Task[Any]]) -> str:
        for part in self._parts.values():
            if type(part).__name__ in _STATISTICS:
                continue
            for name, value in vars(part).items():
                if id(value) not in self._parts and not _is_world(value):
                    self._written += (type(part).__name__, name)
                    self._write(value)
        for task in tasks:
            self._write(task)
        return " ".join(self._written)

    def _write(self, thing: Any) -> None:
        if isinstance(thing, _ATOMS):
            self._written.append(repr(thing))
        elif _is_world(thing) or id(thing) in self._parts:
            self._written.append(type(thing).__name__)
        elif id(thing) in self._seen:
            self._written.append(f"#{self._seen[id(thing)]}")
        else:
            self._seen[id(thing)] = len(self._seen)
            self._kept.append(thing)
            self._written.append(type(thing).__name__)
            self._write_parts(thing)

    def _write_parts(self, thing: Any) -> None:  # noqa: C901, PLR0912 - one case for each kind of thing
        match thing:
            case Mapping():
                for key, value in thing.items():
                    self._write(key)
                    self._write(value)
            case list() | tuple() | deque():
                self._write_all(thing)
            case set() | frozenset():
                self._write_all(sorted(thing, key=_order))
            case CoroutineType() | GeneratorType() | AsyncGeneratorType():
                self._write_stack(thing)
            case asyncio.Future():
                self._write_future(thing)
            case FunctionType():
                self._written.append(thing.__qualname__)
                self._write_all((*(thing.__closure__ or ()), *(thing.__defaults__ or ())))
            case MethodType():
                self._written.append(thing.__qualname__)
                self._write(thing.__self__)
            case CellType():
                self._write_all(gc.get_referents(thing))
            case BaseException():
                self._written.append(str(thing))
                self._write_all(thing.args)
            case random.Random():
                self._written.append(str(hash(thing.getstate())))
            case asyncio.TimerHandle():
                self._written.append(f"{thing.when()} {thing.cancelled()}")
            case _ if hasattr(thing, "__dict__"):
                for name, value in vars(thing).items():
                    self._written.append(name)
                    self._write(value)
            case _:
                self._written.append(str(getattr(thing, "__length_hint__", int)()))
                self._write_all(gc.get_referents(thing))

    def _write_all(self, things: Iterable[Any]) -> None:
        for one in things:
            self._write(one)

    def _write_stack(self, thing: Any) -> None:
        frame = next((getattr(thing, name) for name in _FRAMES if hasattr(thing, name)), None)
        self._written.append(f"{thing.__qualname__} {frame.f_lasti if frame else 'ended'}")
        if frame:
            self._write_all(gc.get_referents(thing))

    def _write_future(self, thing: Any) -> None:
        if thing.cancelled():
            self._written.append("cancelled")
        elif thing.done():
            error = thing.exception()
            self._write(error if error is not None else thing.result())
        elif isinstance(thing, asyncio.Task):
            self._write(thing.get_coro())
        else:
            self._write_all(getattr(thing, "_children", ()))


def _order(thing: object) -> tuple[str, str]:
    """The place of a set's member: tasks and futures are in the order in which they were made."""
    return type(thing).__name__, "" if isinstance(thing, asyncio.Future) else repr(thing)
