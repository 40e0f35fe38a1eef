"""Violations found in a run. Each has a sentence, a kind and, if it concerns one document, that document's id."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    UNFINISHED = "unfinished"
    GIVEN_UP = "given up"
    MISSING = "missing"
    DUPLICATED = "duplicated"
    DELETED_EARLY = "deleted early"
    BYTES_WRONG = "bytes wrong"
    DISAGREES = "disagrees"
    UNANNOUNCED = "unannounced"
    ANSWERED_WRONG = "answered wrong"
    UNAUDITED = "unaudited"


@dataclass(frozen=True, kw_only=True)
class Violation:
    kind: Kind
    document_id: str | None
    sentence: str


def violation(kind: Kind, document_id: str | None, sentence: str) -> Violation:
    about = f"document {document_id}: " if document_id else ""
    return Violation(kind=kind, document_id=document_id, sentence=f"{about}{sentence}")
