"""Whether a chunk's source may be deleted: the locations must prove that it is what was archived.

The event says where the media, the metadata and the source to delete are, and events can be wrong or forged:
Microsoft's own published sample deletes another document than it announces. Nothing is requested and nothing is written
here. If this module can't decide, the source is kept: ACS deletes it on its own a day or two later.
"""

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from shared.records import Chunk

_OBJECTS = "objects"  # in https://storage.asm.skype.com/v1/objects/{documentId}/content/video


@dataclass(frozen=True, kw_only=True)
class Keep:
    """Why a source is kept: a stable slug, a sentence, and whether a person must look at it."""

    reason: str
    detail: str
    alerts: bool = True


def reason_to_keep(chunk: Chunk) -> Keep | None:
    """Why the source of an archived chunk must not be deleted; None if it may be."""
    if chunk.unverified is not None:
        return Keep(reason="unverified-file", detail=f"the archived file is not verified: {chunk.unverified}")
    if not _is_one_document(chunk):
        return Keep(reason="locations-differ", detail="the event's locations and documentId don't name one document")
    if chunk.metadata_location is None:
        return Keep(reason="no-metadata-location", detail="the event names no metadata, so only the media are archived")
    if chunk.delete_location is None:
        return Keep(reason="no-delete-location", detail="the event names nothing to delete", alerts=False)
    return None


def _is_one_document(chunk: Chunk) -> bool:
    """Whether every location that the event gave names the chunk's document, and can mean no other."""
    given = [chunk.content_location, chunk.metadata_location, chunk.delete_location]
    named = {_object_of(location, chunk.document_id) for location in given if location is not None}
    return named == {chunk.document_id.lower()}


def _object_of(location: str, document_id: str) -> str | None:
    """The object that a location names, in lower case; None if that is open to doubt."""
    try:
        parts = urlsplit(location)
    except ValueError:
        return None
    if "?" in location or "#" in location or not location.isascii():
        return None
    segments = [unquote(segment).lower() for segment in parts.path.removesuffix("/").split("/")[1:]]
    if not all(_is_plain(segment) for segment in segments):
        return None
    marks = [place for place, segment in enumerate(segments) if segment == _OBJECTS]
    if not marks:
        return document_id.lower() if document_id.lower() in segments else None
    if len(marks) > 1 or marks[0] + 1 >= len(segments):
        return None
    return segments[marks[0] + 1]


def _is_plain(segment: str) -> bool:
    """Whether a decoded segment is one segment to every server: no empty or dot segment, no separator, no escape."""
    return segment.isascii() and segment.isprintable() and segment.strip(". ") != "" and not set(segment) & set("/\\%;")
