"""Digests of blocks and files: SHA-256 as evidence, and the checksum that Blob storage verifies on arrival.

All functions release the interpreter lock while hashing, so they may run in a thread beside the event loop.
"""

import hashlib
from dataclasses import dataclass
from enum import StrEnum

# Not anycrc, although it is a seventh of awscrt's size: it is up to four times slower and holds the interpreter lock
# (docs/bench.md, "The library for CRC64").
from awscrt import checksums

from shared.domain.files.payload import Payload

_CRC64_BYTES = 8


class ChecksumKind(StrEnum):
    """Kinds of checksum that Blob storage verifies."""

    CRC64 = "crc64"
    MD5 = "md5"


@dataclass(frozen=True, kw_only=True)
class Checksum:
    """A block's checksum in the form that Blob storage expects."""

    kind: ChecksumKind
    value: bytes

    @classmethod
    def of(cls, payload: Payload, kind: ChecksumKind) -> "Checksum":
        return cls(kind=kind, value=_crc64(payload) if kind is ChecksumKind.CRC64 else _md5(payload))


def sha256(payload: Payload) -> "hashlib._Hash":
    """A SHA-256 that was fed with these bytes. More bytes may follow."""
    digest = hashlib.sha256()
    feed(digest, payload)
    return digest


def feed(digest: "hashlib._Hash", payload: Payload) -> None:
    for piece in payload.pieces:
        digest.update(piece)


def _crc64(payload: Payload) -> bytes:
    # Azure Storage's CRC64 is CRC-64/NVME. awscrt computes it with carry-less multiplication, at the speed of memory.
    value = 0
    for piece in payload.pieces:
        value = checksums.crc64nvme(piece, value)
    return value.to_bytes(_CRC64_BYTES, "little")


def _md5(payload: Payload) -> bytes:
    digest = hashlib.md5(usedforsecurity=False)
    feed(digest, payload)
    return digest.digest()
