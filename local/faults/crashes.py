"""Makes a worker die, or freeze, at a durable step: wraps the gateways' methods in the worker's own process.

Death is SIGKILL from inside, so nothing of the process runs after the step: no `finally`, no flush, no answer. A freeze
blocks the event loop, as a virtual machine does that is paused: leases run out meanwhile.
"""

import functools
import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from local.faults.orders import OrderBook
from local.faults.points import POINTS, Moment, Scene, Step
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

Told = Callable[..., tuple[str | None, str]]  # a call's arguments: which of its kind it is, and what it is about


class Obedience:
    """Carries out the orders that a step meets."""

    def __init__(self, book: OrderBook) -> None:
        self._book = book
        self._met: Counter[str] = Counter()

    def at(self, step: Step, moment: Moment) -> None:
        for order in self._book.armed():
            concerned = not order.about or any(word in step.about for word in order.about)
            if not concerned or not POINTS[order.point].meets(step, moment):
                continue
            self._met[order.order_id] += 1
            if self._met[order.order_id] > order.skip and self._book.take(order):
                if order.freeze is None:
                    os.kill(os.getpid(), signal.SIGKILL)
                else:
                    time.sleep(order.freeze)


def install(book: OrderBook) -> None:
    """From now on every gateway of this process obeys the book."""
    obedience = Obedience(book)
    for owner, method, told in (
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
        (Topic, "publish", lambda told, *_: (None, " ".join(one.subject for one in told))),
    ):
        _watch(owner, method, told, obedience)
    for method in ("put", "stage", "commit", "write_digest"):
        _watch_file(method, obedience)
    for use_case, method, scene in (
        (Intake, "receive", Scene.INTAKE),
        (Archiving, "handle", Scene.ARCHIVING),
        (Sweep, "run", Scene.SWEEP),
        (AutoRecording, "consider", Scene.CALLING),
    ):
        _set(use_case, method, scene)


def _watch(owner: type, method: str, told: Told, obedience: Obedience) -> None:
    original = getattr(owner, method)

    @functools.wraps(original)
    async def watched(self: Any, *args: Any, **kwargs: Any) -> Any:
        trait, about = told(*args, **kwargs)
        step = Step(scene=_scene.get(), call=f"{owner.__name__}.{method}", trait=trait, about=about)
        obedience.at(step, Moment.BEFORE)
        result = await original(self, *args, **kwargs)
        obedience.at(step, Moment.AFTER)
        return result

    setattr(owner, method, watched)


def _watch_file(method: str, obedience: Obedience) -> None:
    original = getattr(ArchiveFile, method)

    @functools.wraps(original)
    async def watched(self: Any, *args: Any, **kwargs: Any) -> Any:
        name: str = self._blob.blob_name
        kind = "metadata" if name.endswith(".metadata.json") else "media"
        step = Step(scene=_scene.get(), call=f"ArchiveFile.{method}", trait=kind, about=name)
        obedience.at(step, Moment.BEFORE)
        result = await original(self, *args, **kwargs)
        obedience.at(step, Moment.AFTER)
        return result

    setattr(ArchiveFile, method, watched)


def _set(use_case: type, method: str, scene: Scene) -> None:
    """What a use case calls, in tasks of its own too, is called on its behalf."""
    original = getattr(use_case, method)

    @functools.wraps(original)
    async def staged(self: Any, *args: Any, **kwargs: Any) -> Any:
        token = _scene.set(scene)
        try:
            return await original(self, *args, **kwargs)
        finally:
            _scene.reset(token)

    setattr(use_case, method, staged)
