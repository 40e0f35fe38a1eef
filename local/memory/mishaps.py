"""Operations that go wrong: each way in which a request can end that isn't its answer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from azure.core.exceptions import ServiceRequestError, ServiceResponseError

from local.memory.host import Crash
from local.memory.storage.account import Operation


class Mishap(StrEnum):
    NOT_SENT = "not sent"  # the request never arrives, however often the SDK sends it
    ANSWER_LOST = "answer lost"  # the operation is applied, and no response arrives
    REPEATED = "repeated"  # the operation is applied, its response is lost, and the SDK's retry is answered
    CRASH_BEFORE = "crash before"  # the process ends before the request is sent
    CRASH_AFTER = "crash after"  # the process ends when the operation is applied


@dataclass
class Mishaps:
    """A turn that lets operations go wrong, by their numbers in the run. `hits` are those that did."""

    plan: Mapping[int, Mishap]
    count: int = 0
    hits: list[Operation] = field(default_factory=list)

    async def __call__[T](self, operation: Operation, apply: Callable[[], T], /) -> T:
        mishap = self.plan.get(self.count)
        self.count += 1
        if mishap is None:
            return apply()
        self.hits.append(operation)
        return suffer(mishap, operation, apply)


def suffer[T](mishap: Mishap, operation: Operation, apply: Callable[[], T]) -> T:
    """Ends an operation by a mishap: raises, unless the SDK's retry is answered."""
    match mishap:
        case Mishap.NOT_SENT:
            raise ServiceRequestError("not sent")
        case Mishap.REPEATED if operation.is_retried:
            _attempt(apply)
            return apply()
        case Mishap.ANSWER_LOST | Mishap.REPEATED:
            _attempt(apply)
            raise ServiceResponseError("answer lost")
        case Mishap.CRASH_AFTER:
            _attempt(apply)
    raise Crash


def _attempt(apply: Callable[[], object]) -> None:
    try:
        apply()
    except Exception:  # noqa: BLE001 - a refusal, which nobody hears of
        return
