"""Checks which document a chunk's locations name.

An event names the locations of the media and the metadata, and the location to delete. Events can be wrong or forged:
in Microsoft's own published sample, the delete location names another document. The module only compares: it makes no
requests and writes nothing.
"""

import functools
from collections.abc import Sequence
from urllib.parse import unquote, urlsplit

from shared.domain.keys import key_of
from shared.domain.records import Chunk

_KEPT = 256  # locations whose segments needn't be decoded again: each check of a chunk reads its three
_OBJECTS = "objects"  # in https://storage.asm.skype.com/v1/objects/{documentId}/content/video


def names_another(location: str, chunk: Chunk) -> bool:
    """Whether a location names another document than the chunk's, or is ambiguous."""
    segments, document_id = _segments_of(location), chunk.document_id.lower()
    if segments is None or segments.count(_OBJECTS) > 1:
        return True
    return _object_of(segments, document_id) not in (None, document_id)


def metadata_location_of(chunk: Chunk) -> str | None:
    """The location of the chunk's metadata. None if its event names none, or those of another document."""
    location = chunk.metadata_location
    return None if location is None or names_another(location, chunk) else location


def origin_of(location: str | None, chunk: Chunk) -> str | None:
    """A key of a location that doesn't name the chunk's document; None if it does.

    The key distinguishes files of such a location from those of a corrected event. It leaves out the query, which may
    change.
    """
    document_id = chunk.document_id.lower()
    if location is None or _object_of(_segments_of(location) or (), document_id) == document_id:
        return None
    return key_of(location.partition("?")[0].partition("#")[0])


def names_document(location: str, chunk: Chunk) -> bool:
    """Whether a location names the chunk's document, and no server can interpret it differently."""
    segments = None if "?" in location or "#" in location else _segments_of(location)
    document_id = chunk.document_id.lower()
    return segments is not None and _object_of(segments, document_id) == document_id


@functools.lru_cache(_KEPT)
def _segments_of(location: str) -> tuple[str, ...] | None:
    """The decoded segments of a location's path, in lower case. None if servers may interpret the path differently."""
    try:
        path = urlsplit(location).path
    except ValueError:
        return None
    segments = tuple(unquote(segment).lower() for segment in path.removesuffix("/").split("/")[1:])
    return segments if location.isascii() and all(map(_is_plain, segments)) else None


def _object_of(segments: Sequence[str], document_id: str) -> str | None:
    """The object that a path names. None if it names none, or more than one."""
    marks = [place for place, segment in enumerate(segments) if segment == _OBJECTS]
    if not marks:
        return document_id if document_id in segments else None
    if len(marks) > 1 or marks[0] + 1 >= len(segments):
        return None
    return segments[marks[0] + 1]


def _is_plain(segment: str) -> bool:
    """Whether every server takes this as one segment: not empty, not only dots, no separator, no escape."""
    return segment.isascii() and segment.isprintable() and segment.strip(". ") != "" and not set(segment) & set("/\\%;")
