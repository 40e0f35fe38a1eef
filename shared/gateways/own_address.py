"""Requests to the app's own public address, over the network and without a credential, for the doctor."""

import base64
import json
from typing import Final

import aiohttp

from shared.errors import SourceUnavailable

_PATIENCE = aiohttp.ClientTimeout(total=20)
_CLAIMS = {
    "auth_typ": "aad",
    "name_typ": "name",
    "role_typ": "roles",
    "claims": [
        {"typ": "name", "val": "callvault-doctor"},
        {"typ": "http://schemas.microsoft.com/identity/claims/objectidentifier", "val": "callvault-doctor"},
        *({"typ": "roles", "val": role} for role in ("Reader", "Recorder", "Operator")),
    ],
}
# Headers that only the platform may set, forged by the caller.
FORGED: Final = {
    "X-MS-CLIENT-PRINCIPAL": base64.b64encode(json.dumps(_CLAIMS).encode()).decode(),
    "X-MS-CLIENT-PRINCIPAL-ID": "callvault-doctor",
    "X-MS-CLIENT-PRINCIPAL-NAME": "callvault-doctor",
    "X-MS-CLIENT-PRINCIPAL-IDP": "aad",
}


class OwnAddress:
    """The route /api/health: it requires sign-in and changes nothing."""

    def __init__(self, http: aiohttp.ClientSession, origin: str) -> None:
        self._http, self._url = http, f"{origin}/api/health"

    async def status(self, headers: dict[str, str]) -> int:
        """The status of the answer, without following a redirect. Raises SourceUnavailable."""
        try:
            async with self._http.get(self._url, headers=headers, allow_redirects=False, timeout=_PATIENCE) as answer:
                return answer.status
        except (aiohttp.ClientError, TimeoutError):
            raise SourceUnavailable("the app's own address didn't answer") from None
