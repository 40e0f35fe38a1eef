"""Decides whether the source of an archived chunk may be deleted.

If the rule can't decide, the source is kept, and ACS deletes it a day or two later. The rule only compares: it makes no
requests and writes nothing. shared.archiving.release also checks the archive before it deletes.
"""

from dataclasses import dataclass

from shared.domain.failure import Failure
from shared.domain.files.source_locations import names_another, names_document
from shared.domain.records import Chunk
from shared.errors import Fault


@dataclass(frozen=True, kw_only=True)
class Keep:
    """Why a source is kept, and whether this raises an alert."""

    failure: Failure
    alerts: bool = True


def reason_to_keep(chunk: Chunk) -> Keep | None:
    """Why the source of an archived chunk must not be deleted; None if it may be."""
    if not _is_one_document(chunk):
        return _keep("locations-differ", "the event's locations and documentId don't all name the same document")
    if chunk.unverified is not None:
        return _keep("unverified-file", f"the archived file is not verified: {chunk.unverified}")
    if chunk.metadata_location is None:
        return _keep("no-metadata-location", "the event has no metadata location, so only the media are archived")
    if not chunk.delete_location:
        return _keep("no-delete-location", "the event has no delete location", alerts=False)
    return None


def _keep(reason: str, detail: str, *, alerts: bool = True) -> Keep:
    return Keep(failure=Failure(fault=Fault.SOURCE, reason=reason, detail=detail), alerts=alerts)


def _is_one_document(chunk: Chunk) -> bool:
    """Whether every location of the event names the chunk's document unambiguously.

    If there is no delete location, it is enough that no location names another document.
    """
    given = [chunk.content_location, chunk.metadata_location, chunk.delete_location]
    if not chunk.delete_location:
        return not any(names_another(location, chunk) for location in given if location)
    return all(names_document(location, chunk) for location in given if location is not None)
