"""What is in storage, in ACS and in the topic at one moment: saved, restored and compared.

A content consists of parts: tables, queues, containers, ACS and the topic. A part is never changed. A call works on a
copy of what it writes, and that becomes a new part. Equal parts are the same object.
"""

from copy import copy
from dataclasses import dataclass, field
from typing import Any

from local.memory.storage.account import Account, Operation, Service
from local.memory.storage.entities import Key, Row
from local.memory.storage.queues import _Queue
from local.simulation.exploring.digests import SKIPPED, digest_of, joined, name_in
from local.simulation.judging.invariants import Invariants
from local.simulation.world.sources import SimulatedAcs
from local.simulation.world.topic import SimulatedTopic

_ARCHIVE = "recordings"
_NONE = frozenset[str]()

Place = tuple[str, str]  # a service, and a table, queue or container of it


@dataclass(frozen=True, eq=False)
class Part:
    """`entries`: a digest of each row or blob, and the name in its ETag."""

    number: int
    value: Any
    entries: tuple[tuple[bytes, str], ...]
    names: frozenset[str]
    shown: dict[frozenset[str], bytes] = field(default_factory=dict)

    def key(self, known: frozenset[str]) -> bytes:
        """Equal for parts that differ only in ETags whose names aren't known."""
        relevant = self.names & known
        if relevant not in self.shown:
            self.shown[relevant] = joined(
                sorted((digest, name if name in relevant else "") for digest, name in self.entries)
            )
        return self.shown[relevant]


@dataclass(frozen=True, eq=False)
class Content:
    """Everything that is outside the processes."""

    parts: tuple[Part, ...]

    def key(self, known: frozenset[str]) -> bytes:
        """Equal for contents that no task can tell apart. `known`: the names in ETags that some task knows.

        An ETag is only ever compared for equality, so one that no task knows may have any name. The order of messages
        and announcements is left out, and so are the ids of messages, which no call of a race uses.
        """
        return b"".join([one.key(known) if one.names else one.shown[_NONE] for one in self.parts])


class Outside:
    """The live storage, ACS and topic, which hold one content at a time."""

    def __init__(self, account: Account, acs: SimulatedAcs, topic: SimulatedTopic, invariants: Invariants) -> None:
        self._account, self._acs, self._topic, self._invariants = account, acs, topic, invariants
        self._parts: dict[bytes, Part] = {}
        self._digests: dict[int, tuple[Any, tuple[bytes, str]]] = {}
        places: list[Place] = [
            *((Service.TABLE, name) for name in account.tables),
            *((Service.QUEUE, name) for name in account.queues),
            *((Service.BLOB, name) for name in account.containers),
            (Service.ACS, ""),
            (Service.TOPIC, ""),
        ]
        self._places = {place: number for number, place in enumerate(places)}

    def saved(self) -> Content:
        """All that is there now."""
        return Content(tuple(self._saved(place) for place in self._places))

    def place_of(self, operation: Operation) -> int | None:
        """The part that an operation reads or writes. None if it doesn't exist, such as the poison queue."""
        is_stored = operation.service not in (Service.ACS, Service.TOPIC)
        return self._places.get((operation.service, operation.target.partition("/")[0] if is_stored else ""))

    def read_by(self, operation: Operation) -> tuple[int, ...]:
        """The parts that the effect of an operation depends on, and whether an invariant holds after it."""
        place = self.place_of(operation)
        catalogue, archive = self._places[Service.TABLE, _ARCHIVE], self._places[Service.BLOB, _ARCHIVE]
        if operation.writes and (operation.service is Service.ACS or place == catalogue):
            return catalogue, archive, self._places[Service.ACS, ""]
        return () if place is None else (place,)

    def versions(self, operation: Operation) -> list[str]:
        """The ETags of the rows that an operation names."""
        table = self._account.tables.get(operation.target)
        rows = [table.rows.get(tuple(one.split("/"))) for one in operation.part] if table else []
        return [row.etag for row in rows if row]

    def restore(self, content: Content, operation: Operation | None = None) -> None:
        """Makes a content the live one. Only what the operation writes may be changed then; without one, all."""
        written = None if operation is None else self.place_of(operation) if operation.writes else -1
        for (service, name), number in self._places.items():
            part = content.parts[number].value
            self._set(service, name, part, is_copied=written is None or written == number)
        if written is None:
            for name in self._account.queues.keys() - {
                name for service, name in self._places if service is Service.QUEUE
            }:
                del self._account.queues[name]
        self._invariants.resume(*self.judged(content))

    def judged(self, content: Content) -> tuple[dict[str, dict[Key, Row]], dict[str, bytes]]:
        """The tables, and the files of the archive, as the invariants compare them."""
        files = content.parts[self._places[Service.BLOB, _ARCHIVE]].value[0]
        tables = {
            name: content.parts[number].value[0]
            for (service, name), number in self._places.items()
            if service is Service.TABLE
        }
        return tables, {name: blob.data for name, blob in files.items()}

    def changed(self, before: Content, operation: Operation) -> Content:
        """The content after an operation on the restored content `before`."""
        number = self.place_of(operation)
        if number is None or not operation.writes:
            return before
        place = next(place for place, one in self._places.items() if one == number)
        after = self._saved(place)
        return Content((*before.parts[:number], after, *before.parts[number + 1 :]))

    def _set(self, service: str, name: str, value: Any, *, is_copied: bool) -> None:
        match service:
            case Service.TABLE:
                table = self._account.tables[name]
                table.rows, table._keys = (dict(value[0]), list(value[1])) if is_copied else value  # noqa: SLF001 - the state itself
            case Service.QUEUE:
                self._account.queues.setdefault(name, _Queue()).messages = [copy(one) for one in value]
            case Service.BLOB:
                container = self._account.containers[name]
                container._blobs, container._staged = map(dict, value) if is_copied else value  # noqa: SLF001 - as above
            case Service.ACS:
                source = self._acs.sources[0]
                source.is_deleted, source.deleted_at = bool(value), (value or (None,))[0]
                self._acs.deletions[:] = [source for _ in value]
            case _:
                self._topic.announced[:] = value.values()

    def _saved(self, place: Place) -> Part:
        service, name = place
        value: Any
        match service:
            case Service.TABLE:
                table = self._account.tables[name]
                value = (table.rows, table._keys)  # noqa: SLF001 - as above
                entries = [self._entry(key, row) for key, row in table.rows.items()]
            case Service.QUEUE:
                value = tuple(self._account.queues[name].messages)
                entries = [(joined(one.text, one.visible, one.dequeued), "") for one in value]
            case Service.BLOB:
                container = self._account.containers[name]
                value = (container._blobs, container._staged)  # noqa: SLF001 - as above
                entries = [self._entry(key, blob) for key, blob in value[0].items()]
                entries += [(digest_of(one), "") for one in value[1].items()]
            case Service.ACS:
                value = tuple(one.deleted_at for one in self._acs.deletions)
                entries = [(digest_of(value), "")]
            case _:
                value = {digest_of(one): one for one in self._topic.announced}
                entries = [(digest, "") for digest in value]
        entries.sort()
        digest = joined(place, entries)
        found = self._parts.get(digest)
        if found is None:
            names = frozenset(name for _, name in entries if name)
            found = self._parts[digest] = Part(len(self._parts), value, tuple(entries), names)
            found.key(_NONE)
        return found

    def _entry(self, key: object, one: Any) -> tuple[bytes, str]:
        """Digests each row or blob once."""
        known = self._digests.get(id(one))
        if known is None:
            fields = {name: value for name, value in vars(one).items() if name != "etag" and name not in SKIPPED}
            known = self._digests[id(one)] = one, (digest_of((key, fields)), name_in(one.etag))
        return known[1]
