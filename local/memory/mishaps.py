"""One operation of a run goes wrong: each way in which a request can end that isn't its answer."""

from collections.abc import Callable
from enum import StrEnum

from azure.core.exceptions import ServiceRequestError, ServiceResponseError

from local.memory.account import Operation
from local.memory.host import Crash


class Mishap(StrEnum):
    NOT_SENT = "not sent"  # the request never arrives, however often the SDK sends it
    ANSWER_LOST = "answer lost"  # the operation is applied, and no response arrives
    REPEATED = "repeated"  # the operation is applied, its response is lost, and the SDK's retry is answered
    CRASH_BEFORE = "crash before"  # the process ends before the request is sent
    CRASH_AFTER = "crash after"  # the process ends when the operation is applied


class OneMishap:
    """A turn that lets one operation go wrong, by its number in the run. `hit` is that operation."""

    def __init__(self, mishap: Mishap, number: int) -> None:
        self._mishap, self._number = mishap, number
        self.count = 0
        self.hit: Operation | None = None
        self._has_ended = False

    async def __call__[T](self, operation: Operation, apply: Callable[[], T], /) -> T:
        if self._has_ended:
            raise Crash
        number, self.count = self.count, self.count + 1
        if number != self._number:
            return apply()
        self.hit = operation
        match self._mishap:
            case Mishap.NOT_SENT:
                raise ServiceRequestError("not sent")
            case Mishap.REPEATED if operation.is_retried:
                self._attempt(apply)
                return apply()
            case Mishap.ANSWER_LOST | Mishap.REPEATED:
                self._attempt(apply)
                raise ServiceResponseError("answer lost")
            case Mishap.CRASH_AFTER:
                self._attempt(apply)
        self._has_ended = True
        raise Crash

    @staticmethod
    def _attempt(apply: Callable[[], object]) -> None:
        try:
            apply()
        except Exception:  # noqa: BLE001 - a refusal, which nobody hears of
            return
