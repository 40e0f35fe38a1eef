"""Checks sign-in from outside: requests without sign-in, or with forged identity headers, must be refused."""

from http import HTTPStatus

from shared.gateways.own_address import FORGED, OwnAddress
from shared.operations.doctor.findings import Finding, Level, ok

CHECK = "sign-in"
_FIX = (
    "turn on App Service's built-in authentication, and have it require authentication and answer 401 "
    "(docs/templates.md#who-may-call); until then, set SIGN_IN_REPLACES_KEY to false"
)
_UNAUTHENTICATED: tuple[tuple[str, dict[str, str]], ...] = (
    ("a request without sign-in", {}),
    ("a request with forged X-MS-CLIENT-PRINCIPAL headers", FORGED),
)


async def check_sign_in(address: OwnAddress) -> list[Finding]:
    """Returns a failure for each such request that isn't answered with 401. Raises SourceUnavailable."""
    found = [(what, await address.status(headers)) for what, headers in _UNAUTHENTICATED]
    failures = [
        Finding(check=CHECK, level=Level.FAILURE, detail=f"{what} is answered with {status}, not 401", fix=_FIX)
        for what, status in found
        if status != HTTPStatus.UNAUTHORIZED
    ]
    return failures or [ok(CHECK, "refuses requests without sign-in and requests with forged identity headers")]
