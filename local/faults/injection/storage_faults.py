"""Faults between the app and its storage account: their kinds, and rules for when they happen.

Azure Storage has every fault here: it can refuse a request, carry it out and lose the response, carry it out late, or
take long. A rule applies for a time, to some operations, with a probability.
"""

import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class StorageFault(StrEnum):
    LOST_ANSWER = "lost answer"  # carried out, then the connection is cut
    ERROR_AFTER = "error after"  # carried out, then answered with 500
    BUSY_AFTER = "busy after"  # carried out, then answered with 503
    BUSY = "busy"  # answered with 503
    LATE = "late"  # the connection is cut, and the request is carried out afterwards
    SLOW = "slow"  # carried out after a while
    FULL = "full"  # a full disk: answered with 507
    OUTAGE = "outage"  # the connection is cut
    MESSAGE_LOST = "message lost"  # a queued message is gone
    MESSAGE_TWICE = "message twice"


MESSAGES = frozenset({StorageFault.MESSAGE_LOST, StorageFault.MESSAGE_TWICE})
_WRITES_ONLY = frozenset(
    {StorageFault.LOST_ANSWER, StorageFault.ERROR_AFTER, StorageFault.BUSY_AFTER, StorageFault.LATE, StorageFault.FULL}
)


@dataclass(frozen=True, kw_only=True)
class Operation:
    service: str  # blob, queue or table
    method: str
    path: str  # without the account
    query: str = ""

    @property
    def writes(self) -> bool:
        """Whether it changes the app's data. Receiving and completing messages doesn't count: the host does that."""
        if self.service == "queue":
            return self.sends
        return self.method not in ("GET", "HEAD")

    @property
    def sends(self) -> bool:
        return self.service == "queue" and self.method == "POST" and self.path.endswith("/messages")


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Times are in real seconds after the start of the faults."""

    fault: StorageFault
    begins: float
    ends: float
    probability: float = 1.0
    services: frozenset[str] = frozenset({"blob", "queue", "table"})
    seconds: float = 0.0  # of a delay

    def applies(self, operation: Operation, at: float) -> bool:
        if not self.begins <= at < self.ends or operation.service not in self.services:
            return False
        if self.fault in MESSAGES:
            return operation.sends
        if self.fault is StorageFault.FULL:
            return operation.writes and operation.service == "blob"
        return operation.writes or self.fault not in _WRITES_ONLY


class StorageFaults:
    """Decides what happens to each request, from the start until the faults end."""

    def __init__(self, rules: Sequence[Rule], rng: random.Random) -> None:
        self._rules, self._rng = rules, rng
        self._began: float | None = None
        self.fired: Counter[StorageFault] = Counter()

    def begin(self) -> None:
        self._began = time.monotonic()

    def end(self) -> None:
        self._began = None

    def rule_for(self, operation: Operation) -> Rule | None:
        if self._began is None:
            return None
        at = time.monotonic() - self._began
        for rule in self._rules:
            if rule.applies(operation, at) and self._rng.random() < rule.probability:
                self.fired[rule.fault] += 1
                return rule
        return None
