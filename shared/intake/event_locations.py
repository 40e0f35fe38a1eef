"""The locations of a known chunk and those that an event names for it: which of them differ, and which are better.

A location that names the chunk's document is better than one that names another document. Of two events, the one with
the later eventTime is better. If a time is unknown, or both are the same, the event that was delivered later is.
"""

from enum import StrEnum
from urllib.parse import urlsplit

from pydantic.alias_generators import to_camel

from shared.domain.files.other_locations import Locations, other_locations, with_other
from shared.domain.files.source_locations import names_another
from shared.domain.records import Chunk
from shared.domain.states import ChunkState

_LONGEST = 2048  # characters of a location in the history; a row's text ends at 32,768


class Location(StrEnum):
    """The locations of a chunk."""

    CONTENT = "content_location"
    METADATA = "metadata_location"
    DELETE = "delete_location"

    def of(self, chunk: Chunk) -> str | None:
        match self:
            case Location.CONTENT:
                return chunk.content_location
            case Location.METADATA:
                return chunk.metadata_location
            case Location.DELETE:
                return chunk.delete_location


def moved_locations(current: Chunk, announced: Chunk) -> list[Location]:
    """The locations that differ in the event. A location that the event omits counts as unchanged."""
    return [location for location in Location if location.of(announced) not in (None, location.of(current))]


def is_newer(one: Chunk, other: Chunk) -> bool:
    """Whether the event of one is known to be newer than that of the other."""
    return one.locations_at is not None and other.locations_at is not None and one.locations_at > other.locations_at


def is_among_others(current: Chunk, announced: Chunk) -> bool:
    """Whether attempts try the event's locations already."""
    return any(one.names(Locations.of(announced)) for one in other_locations(current))


def replaces(location: Location, current: Chunk, announced: Chunk) -> bool:
    """Whether a location of the event replaces the chunk's own, as far as the two events show.

    An archived chunk that lacks a file, or has an unverified one, also gets the location of an older event.
    """
    known, said = location.of(current), location.of(announced)
    if known is None or said is None:
        return said is not None
    is_wrong, was_wrong = names_another(said, current), names_another(known, current)
    if is_wrong != was_wrong:
        return was_wrong
    return current.state is ChunkState.ARCHIVED or not is_newer(current, announced)


def relocated(chunk: Chunk, announced: Chunk, moved: list[Location]) -> Chunk:
    """The chunk with the event's locations, without the files from old ones: the next attempt checks the archive."""
    if not moved:
        return chunk
    old = Locations.of(chunk)
    if Location.CONTENT in moved:
        chunk = chunk.evolve(
            content_location=announced.content_location, blob_name=None, size=None, sha256=None, unverified=None
        )
    if Location.METADATA in moved:
        chunk = chunk.evolve(
            metadata_location=announced.metadata_location,
            metadata_blob_name=None,
            metadata_size=None,
            metadata_sha256=None,
        )
    if Location.DELETE in moved:
        chunk = chunk.evolve(delete_location=announced.delete_location)
    times = filter(None, (chunk.locations_at, announced.locations_at))
    return with_other(chunk.evolve(locations_at=max(times, default=None)), old)


def shown_locations(chunk: Chunk, locations: list[Location]) -> dict[str, str]:
    """The chunk's locations by their names in the event, without the parts that may hold a secret."""
    found = {to_camel(location): location.of(chunk) for location in locations}
    return {name: _without_secrets(location) for name, location in found.items() if location is not None}


def _without_secrets(location: str) -> str:
    """A location without user, query and fragment, any of which may hold a secret."""
    try:
        parts = urlsplit(location)
        return f"{parts.scheme}://{parts.hostname or ''}{parts.path}"[:_LONGEST]
    except ValueError:
        return "not a URL"
