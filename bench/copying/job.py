"""The job of a contestant, passed as JSON on its command line."""

import json
from dataclasses import asdict, dataclass
from typing import Self

from shared.domain.files.checksums import ChecksumKind

MEDIA_HOST = "storage.asm.skype.com"  # a host to which ACS's SDK sends credentials
# Signs requests to a source that accepts any signature. It isn't a secret.
ACS = "endpoint=https://callvault.communication.azure.com/;accesskey=c2VjcmV0"


@dataclass(frozen=True, kw_only=True)
class CopyJob:
    """One file to copy from `url`, which resolves to `address` with the CA `ca`, to a blob."""

    url: str
    address: str  # 127.0.0.1:port
    ca: str
    size: int  # bytes
    storage: str  # connection string of the sink
    container: str
    blob: str
    sas: str  # of the container, for contestants that can't sign
    block_size: int
    in_flight: int
    checksum: ChecksumKind  # of each block
    keeps: bool  # whether the sink stores blobs
    profile: bool = False

    def as_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        fields = json.loads(text)
        return cls(**fields | {"checksum": ChecksumKind(fields["checksum"])})

    @property
    def blob_url(self) -> str:
        endpoint = dict(part.partition("=")[::2] for part in self.storage.split(";"))["BlobEndpoint"]
        return f"{endpoint}/{self.container}/{self.blob}"

    @property
    def ranges(self) -> list[tuple[int, int]]:
        """First and last byte of each block."""
        return [(at, min(at + self.block_size, self.size) - 1) for at in range(0, self.size, self.block_size)]
