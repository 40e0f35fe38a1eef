"""Runs a function, in the same way for every trigger.

The trigger gets the outcome or InvocationFailed. An error in the function is logged here, with its traceback, and
nowhere else.
"""

import asyncio
import logging
import secrets
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from local.host.bindings import Function
from local.host.errors import InvocationFailed
from local.host.worker.instances import Instance, Instances
from local.host.worker.protocol import Call, Outcome, Typed

logger = logging.getLogger("host.invocations")


@dataclass(frozen=True, kw_only=True)
class Cause:
    """The input of one invocation, from its trigger."""

    data: Typed
    metadata: Mapping[str, Typed] = field(default_factory=dict)
    trace_parent: str = ""
    trace_state: str = ""


class Invocations:
    def __init__(self, instances: Instances) -> None:
        self._instances = instances
        self._running = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def idle(self) -> None:
        """Waits until no invocation is running."""
        await self._idle.wait()

    async def run(self, function: Function, cause: Cause, instance: Instance | None = None) -> Outcome:
        """Runs the function on the given instance, or on the next one in turn. Raises InvocationFailed."""
        call = Call(
            id=str(uuid.uuid4()),
            function_id=function.id,
            trigger=function.trigger.parameter,
            data=cause.data,
            metadata=cause.metadata,
            trace_parent=cause.trace_parent or f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-00",
            trace_state=cause.trace_state,
        )
        about: dict[str, str | float] = {"function": function.name, "invocation": call.id}
        began = time.monotonic()
        self._running += 1
        self._idle.clear()
        logger.info("executing", extra=about)
        try:
            outcome = await (instance or self._instances.pick()).call(call)
        except InvocationFailed as error:
            about |= {"seconds": round(time.monotonic() - began, 3), "exception": error.traceback}
            logger.error("failed: %s", error, extra=about)  # noqa: TRY400 - the traceback that counts is the worker's
            raise
        else:
            logger.info("succeeded", extra={**about, "seconds": round(time.monotonic() - began, 3)})
            return outcome
        finally:
            self._running -= 1
            if not self._running:
                self._idle.set()
