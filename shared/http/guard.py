"""Refuses requests before they reach a function: no sign-in, a page of another site, or a missing app role.

The host checks the key where a key is required. Where signing in replaces the key, the guard checks the caller's app
role; where the app requires both, the guard checks the role in addition to the key. A page of another site can neither
change anything nor cause an audit entry that names the person whose browser shows the page.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from shared.errors import CallerError, ForeignPage, RoleRequired, SignInRequired
from shared.http.access import Access, Effect
from shared.http.caller import is_signed_in, roles_of

_SIGN_IN = "sign in: send an Entra ID access token for this app in the header Authorization: Bearer …"
_WRITE = (
    "Origin, Sec-Fetch-Site: a page of another site, or a page without an origin, sent this request. Send it from a "
    "page of this app, or from a program that isn't a browser"
)
_READ = (
    "Sec-Fetch-Site: a page of another site sent this request in the background, and the read would leave an audit "
    "entry. Open the address as a link, or send the request from a page of this app"
)
_OUR_OWN = frozenset({"same-origin", "none"})  # a page of this app, or an address that the user typed
_DEFAULT_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, kw_only=True)
class Guard:
    """Checks requests. `authenticated`: built-in authentication is on. `signs_in`: signing in replaces the key."""

    authenticated: bool
    signs_in: bool

    def refusal(self, access: Access, headers: Mapping[str, str], *, url: str) -> CallerError | None:
        """The reason to refuse the request to `url`; None if it is allowed."""
        if access.role is None:
            return None
        given = {name.lower(): value for name, value in headers.items()}
        # The platform rejects callers who haven't signed in. The app checks again, because platform and host may
        # parse the path of a URL differently.
        if self.signs_in and not is_signed_in(given):
            return SignInRequired(_SIGN_IN)
        if (foreign := _foreign_page(access.effect, given, url)) is not None:
            return foreign
        if self.authenticated and is_signed_in(given) and not roles_of(given) & access.role.sufficient:
            return RoleRequired.of(access.role)
        return None


def _foreign_page(effect: Effect, given: Mapping[str, str], url: str) -> ForeignPage | None:
    """A browser sends its session cookie for any page. Callers other than browsers send none of these headers."""
    site = given.get("sec-fetch-site", "none").strip().lower()
    match effect:
        case Effect.CHANGE if site not in _OUR_OWN or not _is_our_origin(given.get("origin"), site, url):
            return ForeignPage(_WRITE)
        case Effect.AUDIT_ENTRY if site not in _OUR_OWN and not _is_opened_link(given):
            return ForeignPage(_READ)
        case _:
            return None


def _is_our_origin(origin: str | None, site: str, url: str) -> bool:
    """Whether the request's origin is the app's own.

    Behind a proxy the app doesn't know its own address, but the browser does and sends `same-origin`.

    An opaque origin, `null`, belongs to a sandboxed page or a local file and is never ours.
    """
    if origin is None:
        return True
    if origin.strip().lower() == "null":
        return False
    ours = _origin_of(url)
    return site == "same-origin" or (ours is not None and _origin_of(origin) == ours)


def _origin_of(url: str) -> tuple[str, str, int | None] | None:
    try:
        found = urlsplit(url.strip())
        return found.scheme, found.hostname or "", found.port or _DEFAULT_PORTS.get(found.scheme)
    except ValueError:
        return None


def _is_opened_link(given: Mapping[str, str]) -> bool:
    """Whether a person opened a link. A frame in another page also navigates, but without the person's intent."""
    return given.get("sec-fetch-mode") == "navigate" and given.get("sec-fetch-dest", "document") == "document"
