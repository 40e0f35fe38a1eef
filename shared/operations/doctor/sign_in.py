"""Whether sign-in holds, seen from outside: strangers are turned away, and forged identity headers are not believed."""

from http import HTTPStatus

from shared.gateways.front_door import FORGED, FrontDoor
from shared.operations.doctor.findings import Finding, Level, ok

CHECK = "sign-in"
_MEND = (
    "see that App Service's built-in authentication is on, requires authentication and answers 401 (docs/deploy.md); "
    "until then set SIGN_IN_REPLACES_KEY to false"
)
_STRANGERS: tuple[tuple[str, dict[str, str]], ...] = (
    ("a request without sign-in", {}),
    ("a request with forged X-MS-CLIENT-PRINCIPAL headers", FORGED),
)


async def looked(door: FrontDoor) -> list[Finding]:
    """A failure for each stranger who gets any other answer than 401. Raises SourceUnavailable."""
    found = [(who, await door.status(headers)) for who, headers in _STRANGERS]
    failures = [
        Finding(check=CHECK, level=Level.FAILURE, detail=f"{who} is answered {status} and not 401", mend=_MEND)
        for who, status in found
        if status != HTTPStatus.UNAUTHORIZED
    ]
    return failures or [ok(CHECK, "turns away who hasn't signed in, and who claims so in forged headers")]
