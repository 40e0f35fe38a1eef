"""Makes and verifies the URLs of callbacks. Each URL has a signature that only this deployment can make.

A token of ACS proves that ACS sent a callback, but not to which URL. Someone who receives callbacks of the same ACS
resource at their own URL could send their token here with another body. So the URL of a start has an HMAC of the
start's id, and the callback's URL must contain it. Other code that makes or answers calls uses one signed URL for all
calls: `python -m shared.callbackurls` prints it.
"""

import base64
import hashlib
import hmac
import re
import sys
from urllib.parse import urlencode

from shared.errors import CallbackRefused, CallvaultError
from shared.settings.settings import Settings, load_settings

START, SIGNATURE = "start", "sig"  # the URL's query parameters
_START_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)
_ANY_CALL = "calls"  # signed instead of a start's id; an id is hexadecimal, so no start has this one
_UNSIGNED = (
    "the callback's URL has no valid signature: Callvault signs the URLs of recordings that it starts; for calls that "
    "other code makes or answers, use the URL that `python -m shared.callbackurls` prints"
)


class CallbackUrls:
    """Makes and verifies the URLs of one deployment."""

    def __init__(self, settings: Settings) -> None:
        self._url, self._secret = settings.callback_url, settings.callback_secret

    def of_start(self, start_id: str) -> str | None:
        """The URL for callbacks of one start; None if CALLBACK_URL isn't set."""
        return None if self._url is None else self._with({START: start_id}, start_id)

    def of_any_call(self) -> str | None:
        """The URL for calls and recordings that other code starts; None if CALLBACK_URL isn't set."""
        return None if self._url is None else self._with({}, _ANY_CALL)

    def verified(self, start_id: str | None, signature: str | None) -> str | None:
        """The id of the start that a callback's URL names, or None. Raises CallbackRefused for a wrong signature.

        Without CALLBACK_SECRET, URLs have no signature and none is checked.
        """
        named = start_id if start_id and _START_ID.fullmatch(start_id) else None
        if self._secret is None:
            return named
        expected = _signature(self._secret, _ANY_CALL if start_id is None else start_id)
        if not hmac.compare_digest(expected.encode(), (signature or "").encode(errors="replace")):
            raise CallbackRefused(_UNSIGNED)
        return named

    def _with(self, parameters: dict[str, str], signed: str) -> str:
        if self._secret is not None:
            parameters = {**parameters, SIGNATURE: _signature(self._secret, signed)}
        return f"{self._url}?{urlencode(parameters)}" if parameters else str(self._url)


def _signature(secret: str, signed: str) -> str:
    """HMAC-SHA256 in base64url without padding, which needs no escaping in a URL."""
    digest = hmac.digest(secret.encode(), signed.encode(errors="replace"), hashlib.sha256)
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def main() -> int:
    try:
        url = CallbackUrls(load_settings()).of_any_call()
    except CallvaultError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if url is None:
        sys.stderr.write(
            "CALLBACK_URL is not set: Callvault receives no callbacks. Set it to "
            "https://<app>.azurewebsites.net/api/callbacks, then run this command again.\n"
        )
        return 1
    sys.stdout.write(f"{url}\n")
    return 0
