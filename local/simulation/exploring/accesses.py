"""What a call touches, and whether two calls can influence each other.

A call touches rows of a table, a queue, a blob, or ACS's files. What the invariants read when they check a call counts
as read by the call, because otherwise two orders with different verdicts could count as one. Sending an announcement
touches nothing: no call reads the topic, and the checks don't depend on the order of the announcements.
"""

import re
from collections.abc import Iterable

from local.memory.storage.account import Operation, Service

_PARTITION = re.compile(r"PartitionKey eq '([^']*)'")
_CATALOGUE = "recordings"  # the table, and the container

Thing = tuple[str, ...]  # a place, from the whole to its part
Access = tuple[Thing, bool]  # whether it is written

_ARCHIVE: Thing = (Service.BLOB, _CATALOGUE)
_FILES: Thing = (Service.ACS,)  # all files of one document are deleted together


def accesses(operation: Operation) -> frozenset[Access]:
    """All that a call touches, whether it succeeds or not."""
    match operation.service:
        case Service.TOPIC:
            return frozenset()
        case Service.ACS:
            checked = {((Service.TABLE, _CATALOGUE), False), (_ARCHIVE, False)} if operation.writes else set()
            return frozenset({(_FILES, operation.writes), *checked})
        case Service.BLOB:
            return frozenset({((operation.service, *operation.target.split("/", 1)), operation.writes)})
        case Service.TABLE:
            rows = {((Service.TABLE, operation.target, *_keys(one)), operation.writes) for one in operation.part}
            checked = {(_ARCHIVE, False)} if operation.writes and operation.target == _CATALOGUE else set()
            return frozenset(rows | checked)
        case _:
            return frozenset({((operation.service, operation.target), operation.writes)})


def _keys(part: str) -> Iterable[str]:
    """The partition and the row, or the partition that a query is about. Nothing for a query of the whole table."""
    if " " not in part:
        return part.split("/")
    found = _PARTITION.match(part)
    return found.groups() if found else ()


def depend(one: Access, other: Access) -> bool:
    """Whether the accesses are to the same thing, and one of them writes."""
    common = min(len(one[0]), len(other[0]))
    return (one[1] or other[1]) and one[0][:common] == other[0][:common]


class Footprints:
    """Sets of accesses as the bits of a number, so that they are compared at once."""

    def __init__(self) -> None:
        self._accesses: list[Access] = []
        self._places: dict[Access, int] = {}
        self._dependent: list[int] = []

    def of(self, operation: Operation) -> int:
        found = 0
        for access in accesses(operation):
            if access not in self._places:
                self._add(access)
            found |= 1 << self._places[access]
        return found

    def _add(self, access: Access) -> None:
        place = self._places[access] = len(self._accesses)
        self._accesses.append(access)
        self._dependent.append(0)
        for other, known in enumerate(self._accesses):
            if depend(access, known):
                self._dependent[place] |= 1 << other
                self._dependent[other] |= 1 << place

    def depend(self, some: int, others: int) -> bool:
        """Whether an access of the one set and an access of the other depend on each other."""
        while some and others:
            last = some & -some
            if self._dependent[last.bit_length() - 1] & others:
                return True
            some ^= last
        return False
