"""Every call of every process to the outside: it waits here until the schedule picks it, and here it can fail.

`decide` is the loop's: it picks one waiting call, applies it with its fault if it has one, and answers it. After that,
`checked` is called, so that the invariants are checked after every step.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextvars import Context
from dataclasses import dataclass, field
from typing import Any

from azure.core.exceptions import HttpResponseError, ServiceRequestError, ServiceResponseError

from local.memory.storage.account import Operation, Service
from local.memory.storage.refusals import Refused, Response
from local.simulation.world.faults import Fault, Injected, Outage
from local.simulation.world.loop import VirtualLoop
from local.simulation.world.processes import Process
from local.simulation.world.trace import Trace

_SECONDS = 0.004  # that a call takes


@dataclass(eq=False, slots=True)
class Call:
    """A call that waits."""

    process: Process
    operation: Operation
    apply: Callable[[], Any]
    answer: Any
    delayed: bool = False  # its fault has been decided, and it is sent now
    task: asyncio.Task[Any] | None = None  # that waits for the answer


@dataclass
class Outside:
    """Waiting calls, and what becomes of them."""

    loop: VirtualLoop
    pick: Callable[[Sequence[Call]], int]
    trace: Trace
    faults: Mapping[int, Injected] = field(default_factory=dict)
    outages: Sequence[Outage] = ()
    seconds: float = _SECONDS
    count: int = 0
    waiting: list[Call] = field(default_factory=list)
    checked: Callable[[Call], None] = lambda _: None
    proceeds: Callable[[Call], None] = lambda _: None  # before a call is applied
    answered: Callable[[Call, object], None] = lambda _call, _answer: None  # with the answer that the process gets
    dies: Callable[[Process, bool], None] = lambda _process, _host: None

    def turn_of(self, process: Process) -> Any:
        """The `turn` of one process's account."""

        async def turn(operation: Operation, apply: Callable[[], Any], /) -> Any:
            answer = self.loop.create_future()
            self.waiting.append(Call(process, operation, apply, answer, task=asyncio.current_task()))
            try:
                return await answer
            finally:
                del answer  # or the traceback of its exception would be in a cycle with it, and keep the whole stack

        return turn

    def decide(self) -> bool:
        """Lets one waiting call proceed. False if none waits."""
        while self.waiting:
            call = self.waiting.pop(self.pick(self.waiting))
            if call.answer.cancelled():
                continue  # a cancelled request may or may not have been sent: this one wasn't
            if call.process.runs or call.delayed:
                self._proceed(call)
                return True
        return False

    def _proceed(self, call: Call) -> None:
        self.loop.spend(self.seconds)
        injected = None
        if not call.delayed:
            self.count += 1
            injected = self.faults.get(self.count)
            if injected is None and self.outages and self._is_away(call.operation.service):
                injected = Injected(call=self.count, fault=Fault.NOT_SENT)
        if injected is None:
            self._answer(call, self._applied(call))
        else:
            self._suffer(call, injected)

    def _is_away(self, service: Service) -> bool:
        now = self.loop.time()
        return any(one.service == service and one.begins <= now < one.ends for one in self.outages)

    def _suffer(self, call: Call, injected: Injected) -> None:  # noqa: C901 - one case for each fault
        lost = ServiceResponseError("answer lost")
        match injected.fault:
            case Fault.NOT_SENT:
                self._answer(call, ServiceRequestError("not sent"), injected)
            case Fault.REFUSED | Fault.THROTTLED:
                self._answer(call, _refusal(call.operation.service, injected.fault), injected)
            case Fault.REPEATED if call.operation.is_retried:
                self._applied(call)
                self._answer(call, self._applied(call), injected)
            case Fault.ANSWER_LOST | Fault.REPEATED:
                self._applied(call)
                self._answer(call, lost, injected)
            case Fault.LATE:
                late = Call(call.process, call.operation, call.apply, self.loop.create_future(), delayed=True)
                self._later(injected.seconds, lambda: self.waiting.append(late))
                self._answer(call, lost, injected)
            case Fault.SLOW:
                result = self._applied(call)
                self._later(injected.seconds, lambda: self._answer(call, result, injected))
            case Fault.DIES_BEFORE:
                self.trace.call(call, "never sent", injected)
                self.dies(call.process, False)  # noqa: FBT003 - whether the host dies, too
            case Fault.DIES_AFTER | Fault.HOST_STOPS:
                self.trace.call(call, self._applied(call), injected)
                self.dies(call.process, injected.fault is Fault.HOST_STOPS)
            case Fault.FREEZES_BEFORE:
                call.delayed = True
                self.trace.call(call, "not sent yet", injected)
                self.loop.freeze(call.process, injected.seconds)
                self._later(injected.seconds, lambda: self.waiting.append(call))
            case Fault.FREEZES_AFTER:
                self.loop.freeze(call.process, injected.seconds)
                self._answer(call, self._applied(call), injected)

    def _later(self, seconds: float, act: Callable[[], None]) -> None:
        self.loop.call_later(seconds, act, context=Context())

    def _applied(self, call: Call) -> Any:
        """The result, or the exception that the service answers with."""
        try:
            self.proceeds(call)
            result = call.apply()
        except (Refused, HttpResponseError) as refusal:
            result = refusal.with_traceback(None)  # the traceback would keep this frame, which keeps the exception
        self.checked(call)
        return result

    def _answer(self, call: Call, result: Any, injected: Injected | None = None) -> None:
        self.trace.call(call, result, injected)
        if call.answer.done():
            return
        self.answered(call, result)
        if isinstance(result, BaseException):
            call.answer.set_exception(result)
            call.answer.exception()  # marks it as retrieved: the answer of a call that was applied late has no reader
        else:
            call.answer.set_result(result)


def _refusal(service: Service, fault: Fault) -> Exception:
    headers = {"Retry-After": "7"} if fault is Fault.THROTTLED else {}
    if service in (Service.ACS, Service.TOPIC):
        status = 429 if fault is Fault.THROTTLED else 503
        return HttpResponseError(message=str(status), response=Response(status, headers))  # type: ignore[arg-type]
    return HttpResponseError(message="ErrorCode:ServerBusy", response=Response(503, headers))  # type: ignore[arg-type]
