"""Kills or freezes a worker at a durable step, by wrapping the gateways' methods in the worker's own process.

The process sends SIGKILL to itself, so nothing runs after the step: no `finally`, no flush, no response. A freeze
blocks the event loop like a paused virtual machine, so leases expire meanwhile.
"""

import functools
import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from local.faults.injection.crash_orders import OrderBook
from local.faults.injection.crash_points import POINTS, Moment, Scene, Step
from shared.archiving.pipeline import Archiving
from shared.gateways.acs.media import MediaSource
from shared.gateways.acs.recorder import CallRecorder
from shared.gateways.blobs.archive import ArchiveFile
from shared.gateways.queue import JobQueue
from shared.gateways.tables.catalogue import Catalogue
from shared.gateways.tables.claims import Claims
from shared.gateways.tables.worklist import Worklist
from shared.gateways.topic import Topic
from shared.intake.intake import Intake
from shared.recording.automatic import AutoRecording
from shared.recovery.sweep import Sweep

_scene: ContextVar[Scene | None] = ContextVar("scene", default=None)

Describe = Callable[..., tuple[str | None, str]]  # from a call's arguments: the trait and the subject of its Step


class Executor:
    """Carries out the orders that match a step."""

    def __init__(self, book: OrderBook) -> None:
        self._book = book
        self._matched: Counter[str] = Counter()

    def at(self, step: Step, moment: Moment) -> None:
        for order in self._book.armed():
            is_concerned = not order.about or any(word in step.about for word in order.about)
            if not is_concerned or not POINTS[order.point].matches(step, moment):
                continue
            self._matched[order.order_id] += 1
            if self._matched[order.order_id] > order.skip and self._book.take(order):
                if order.freeze is None:
                    os.kill(os.getpid(), signal.SIGKILL)
                else:
                    time.sleep(order.freeze)


def install(book: OrderBook) -> None:
    """Makes every gateway of this process carry out the orders in the book."""
    executor = Executor(book)
    for owner, method, describe in (
        (Catalogue, "add_chunks", lambda recording, *_: (None, recording.recording_key)),
        (Catalogue, "replace", lambda chunk, *_: (str(chunk.state), f"{chunk.recording_key} {chunk.chunk_key}")),
        (Catalogue, "merge", lambda recording, *_: (None, recording.recording_key)),
        (Claims, "begin", lambda claim: (None, claim.call_key)),
        (Claims, "write", lambda claim: (None, claim.call_key)),
        (CallRecorder, "start", lambda *_: (None, "")),
        (
            Worklist,
            "add",
            lambda item, *_: ("call" if item.call_key else None, f"{item.recording_key} {item.chunk_key}"),
        ),
        (Worklist, "remove", lambda item, *_: (None, f"{item.recording_key} {item.chunk_key}")),
        (JobQueue, "send", lambda job, delay=0: ("later" if delay else "now", f"{job.recordingKey} {job.chunkKey}")),
        (MediaSource, "delete", lambda location, *_: (None, location)),
        (Topic, "publish", lambda announcements, *_: (None, " ".join(one.subject for one in announcements))),
    ):
        _wrap(owner, method, describe, executor)
    for method in ("put", "stage", "commit", "write_digest"):
        _wrap_file(method, executor)
    for use_case, method, scene in (
        (Intake, "receive", Scene.INTAKE),
        (Archiving, "handle", Scene.ARCHIVING),
        (Sweep, "run", Scene.SWEEP),
        (AutoRecording, "consider", Scene.CALLING),
    ):
        _set(use_case, method, scene)


def _wrap(owner: type, method: str, describe: Describe, executor: Executor) -> None:
    original = getattr(owner, method)

    @functools.wraps(original)
    async def wrapped(self: Any, *args: Any, **kwargs: Any) -> Any:
        trait, about = describe(*args, **kwargs)
        step = Step(scene=_scene.get(), call=f"{owner.__name__}.{method}", trait=trait, about=about)
        executor.at(step, Moment.BEFORE)
        result = await original(self, *args, **kwargs)
        executor.at(step, Moment.AFTER)
        return result

    setattr(owner, method, wrapped)


def _wrap_file(method: str, executor: Executor) -> None:
    original = getattr(ArchiveFile, method)

    @functools.wraps(original)
    async def wrapped(self: Any, *args: Any, **kwargs: Any) -> Any:
        name: str = self._blob.blob_name
        kind = "metadata" if name.endswith(".metadata.json") else "media"
        step = Step(scene=_scene.get(), call=f"ArchiveFile.{method}", trait=kind, about=name)
        executor.at(step, Moment.BEFORE)
        result = await original(self, *args, **kwargs)
        executor.at(step, Moment.AFTER)
        return result

    setattr(ArchiveFile, method, wrapped)


def _set(use_case: type, method: str, scene: Scene) -> None:
    """Sets the scene for everything that a use case calls, also in tasks that it starts."""
    original = getattr(use_case, method)

    @functools.wraps(original)
    async def staged(self: Any, *args: Any, **kwargs: Any) -> Any:
        token = _scene.set(scene)
        try:
            return await original(self, *args, **kwargs)
        finally:
            _scene.reset(token)

    setattr(use_case, method, staged)
