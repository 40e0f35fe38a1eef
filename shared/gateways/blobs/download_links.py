"""Download links: each grants read access to one file for some minutes, and sets the file name for the browser.

A link is signed with the account key if the settings have one, else with a user-delegation key. That key is requested
with the managed identity, is valid for hours, and is cached. A link is a credential: it is returned to the caller, and
never stored or logged.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from azure.storage.blob import BlobSasPermissions, UserDelegationKey, generate_blob_sas
from azure.storage.blob.aio import BlobServiceClient

from shared.domain.files.download_names import disposition_of
from shared.errors import DestinationForbidden
from shared.gateways.faults import storage_faults

_KEY_LIFETIME = timedelta(hours=8)
_SKEW = timedelta(minutes=5)  # between our clock and the service's


@dataclass(frozen=True, kw_only=True)
class Presented:
    """Headers of the answer when a link is opened."""

    file_name: str
    content_type: str
    inline: bool

    @property
    def disposition(self) -> str:
        return disposition_of("inline" if self.inline else "attachment", self.file_name)


@dataclass(frozen=True, kw_only=True)
class _DelegationKey:
    key: UserDelegationKey
    ends: datetime


class DownloadLinks:
    """Creates and signs links."""

    def __init__(self, service: BlobServiceClient, container: str) -> None:
        self._service, self._container = service, container
        self._requesting = asyncio.Lock()
        self._delegation_key: _DelegationKey | None = None

    @property
    def origin(self) -> str:
        """Scheme and host of all links, for a Content-Security-Policy."""
        parts = urlsplit(self._service.url)
        return f"{parts.scheme}://{parts.netloc}"

    async def sign(self, name: str, presented: Presented, *, now: datetime, until: datetime) -> str:
        """A link to a file. Raises DestinationForbidden if the app has no key that can sign links."""
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
                "ARCHIVE_STORAGE has a shared access signature, which can't sign links: use a connection string "
                "with an account key, or a managed identity"
            )
        if hasattr(credential, "account_key"):
            return {"account_key": credential.account_key}
        async with self._requesting:
            if self._delegation_key is None or self._delegation_key.ends < until + _SKEW:
                with storage_faults("requesting a key to sign links"):
                    ends = now + _KEY_LIFETIME
                    key = await self._service.get_user_delegation_key(now - _SKEW, ends)
                    self._delegation_key = _DelegationKey(key=key, ends=ends)
            return {"user_delegation_key": self._delegation_key.key}
