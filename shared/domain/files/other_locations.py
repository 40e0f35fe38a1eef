"""The locations that events named for a chunk and that aren't in use, newest first. They are JSON in the chunk's row.

Event Grid delivers events in any order, so the event whose locations are in use may be the wrong one. An attempt that
can't read these locations tries the others. Only locations that name the chunk's document are kept, because other files
would not be the chunk's. Their number is bounded: a table property holds at most 32,768 characters.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from pydantic import TypeAdapter, ValidationError

from shared.domain.files.source_locations import origin_of
from shared.domain.records import Chunk

_MOST = 4
_LONGEST = 30_000  # characters of the JSON; three locations of the greatest length that an event may have fit


@dataclass(frozen=True, kw_only=True)
class Locations:
    """The locations that one event named."""

    content: str
    metadata: str | None = None
    delete: str | None = None

    @classmethod
    def of(cls, chunk: Chunk) -> Self:
        return cls(
            content=chunk.content_location, metadata=chunk.metadata_location or None, delete=chunk.delete_location
        )

    def names(self, other: "Locations") -> bool:
        """Whether it has all of the other's locations."""
        return (
            self.content == other.content
            and other.metadata in (None, self.metadata)
            and other.delete in (None, self.delete)
        )


_adapter = TypeAdapter(tuple[Locations, ...])


def other_locations(chunk: Chunk) -> tuple[Locations, ...]:
    """The chunk's other locations. JSON that can't be parsed counts as none: it must not stop the archiving."""
    try:
        return _adapter.validate_json(chunk.other_locations) if chunk.other_locations else ()
    except ValidationError:
        return ()


def with_other(chunk: Chunk, locations: Locations) -> Chunk:
    """The chunk with these locations among its others. Drops the oldest if there are too many.

    Locations that are in use, that are known, or that don't name the chunk's document aren't added.
    """
    kept = Locations(
        content=locations.content,
        metadata=_of_document(locations.metadata, chunk),
        delete=_of_document(locations.delete, chunk),
    )
    known = other_locations(chunk)
    if _of_document(kept.content, chunk) is None or any(one.names(kept) for one in (Locations.of(chunk), *known)):
        return chunk
    others = (kept, *known)[:_MOST]
    while others:
        text = _adapter.dump_json(others, exclude_none=True).decode()
        if len(text) <= _LONGEST:
            return chunk.evolve(other_locations=text)
        others = others[:-1]
    return chunk


def with_each_content(chunk: Chunk) -> Iterator[Chunk]:
    """The chunk, and the chunk with each of its other locations of media."""
    yield chunk
    seen = {chunk.content_location}
    for one in other_locations(chunk):
        if one.content not in seen:
            seen.add(one.content)
            yield chunk.evolve(content_location=one.content, delete_location=one.delete or chunk.delete_location)


def with_each_metadata(chunk: Chunk) -> Iterator[Chunk]:
    """The chunk, and the chunk with each of its other locations of metadata."""
    yield chunk
    seen = {chunk.metadata_location, None}
    for one in other_locations(chunk):
        if one.metadata not in seen:
            seen.add(one.metadata)
            yield chunk.evolve(metadata_location=one.metadata)


def at(chunk: Chunk, locations: Locations) -> Chunk:
    """The chunk with these locations in use, and those that it had among the others."""
    moved = chunk.evolve(
        content_location=locations.content,
        metadata_location=locations.metadata or chunk.metadata_location,
        delete_location=locations.delete or chunk.delete_location,
    )
    return with_other(moved, Locations.of(chunk))


def _of_document(location: str | None, chunk: Chunk) -> str | None:
    """The location, if it names the chunk's document."""
    return location if location and origin_of(location, chunk) is None else None
