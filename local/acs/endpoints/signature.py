"""ACS's HMAC authentication, verified as the service does.

A request is accepted only if its date is within fifteen minutes, its content hash matches the body, and its signature
with the resource's access key covers the method, the path with query, the date, the ACS host and the content hash.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from local.acs.certificates import ACS_HOST
from local.acs.errors import denied
from local.acs.times import now

CLOCK_SKEW = timedelta(minutes=15)
SCHEME = re.compile(r"HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature=(?P<signature>\S+)")


@dataclass(frozen=True, kw_only=True)
class SignedRequest:
    method: str
    target: str
    """Path and query exactly as in the request line."""
    headers: Mapping[str, str]
    body: bytes


def verify(request: SignedRequest, access_key: bytes) -> None:
    """Raises ACS's 401 unless the request was signed with this key."""
    given = _signature(request.headers)
    date = request.headers.get("x-ms-date", "")
    _check_date(date)
    host = request.headers.get("x-ms-host") or request.headers.get("Host", "")
    if host.lower() != ACS_HOST:
        raise denied(f"signed for the host {host!r}, which isn't this resource's host")
    content_hash = base64.b64encode(hashlib.sha256(request.body).digest()).decode()
    if request.headers.get("x-ms-content-sha256") != content_hash:
        raise denied("x-ms-content-sha256 doesn't match the body")
    text = f"{request.method}\n{request.target}\n{date};{host};{content_hash}"
    expected = hmac.new(access_key, text.encode(), hashlib.sha256).digest()
    if not hmac.compare_digest(expected, given):
        raise denied("the signature is wrong")


def _signature(headers: Mapping[str, str]) -> bytes:
    authorization = headers.get("Authorization")
    if authorization is None:
        raise denied("no Authorization")
    match = SCHEME.fullmatch(authorization)
    if match is None:
        raise denied("the Authorization isn't ACS's HMAC-SHA256")
    try:
        return base64.b64decode(match["signature"], validate=True)
    except binascii.Error as error:
        raise denied("the signature isn't base64") from error


def _check_date(date: str) -> None:
    try:
        moment = datetime.strptime(date, "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC)
    except ValueError as error:
        raise denied("x-ms-date is missing or invalid") from error
    if abs(now() - moment) > CLOCK_SKEW:
        raise denied("x-ms-date is more than fifteen minutes off")
