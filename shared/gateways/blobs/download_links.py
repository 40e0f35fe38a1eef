"""Links into the archive: each reads one file, for minutes, and tells a browser what to call it.

Signed by an account key where one is given, else by a user-delegation key, which an identity is lent for hours and
which is kept as long. A link is a key itself: it is handed to who asked and written down nowhere.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from azure.storage.blob import BlobSasPermissions, UserDelegationKey, generate_blob_sas
from azure.storage.blob.aio import BlobServiceClient

from shared.errors import DestinationForbidden
from shared.gateways.faults import storage_faults

_LENT_FOR = timedelta(hours=8)
_SKEW = timedelta(minutes=5)  # between our clock and the service's


@dataclass(frozen=True, kw_only=True)
class Presented:
    """What the answer to a link's request says of the file."""

    file_name: str
    content_type: str
    inline: bool

    @property
    def disposition(self) -> str:
        return f'{"inline" if self.inline else "attachment"}; filename="{self.file_name}"'


class DownloadLinks:
    """Signs links."""

    def __init__(self, service: BlobServiceClient, container: str) -> None:
        self._service, self._container = service, container
        self._borrowing = asyncio.Lock()
        self._lent: tuple[UserDelegationKey, datetime] | None = None

    @property
    def origin(self) -> str:
        """Scheme and host that links lead to, as a Content-Security-Policy names them."""
        parts = urlsplit(self._service.url)
        return f"{parts.scheme}://{parts.netloc}"

    async def sign(self, name: str, presented: Presented, *, now: datetime, until: datetime) -> str:
        """A link to a file. Raises DestinationForbidden where nothing that we have can sign one."""
        blob = self._service.get_blob_client(self._container, name)
        signature = generate_blob_sas(
            str(self._service.account_name),
            self._container,
            name,
            permission=BlobSasPermissions(read=True),
            expiry=until,
            protocol="https" if blob.url.startswith("https:") else None,
            content_disposition=presented.disposition,
            content_type=presented.content_type,
            cache_control="no-store",
            **await self._signed_by(now, until),
        )
        return f"{blob.url.partition('?')[0]}?{signature}"

    async def _signed_by(self, now: datetime, until: datetime) -> dict[str, Any]:
        credential: Any = self._service.credential
        if credential is None:
            raise DestinationForbidden(
                "ARCHIVE_STORAGE holds a shared access signature, which can't sign links: give a connection string "
                "with a key, or an identity"
            )
        if hasattr(credential, "account_key"):
            return {"account_key": credential.account_key}
        async with self._borrowing:
            if self._lent is None or self._lent[1] < until + _SKEW:
                with storage_faults("asking for a key to sign links with"):
                    ends = now + _LENT_FOR
                    self._lent = (await self._service.get_user_delegation_key(now - _SKEW, ends), ends)
            return {"user_delegation_key": self._lent[0]}
