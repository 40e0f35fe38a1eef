"""What is refused before a function runs: callers without a sign-in or a role, and pages of other sites."""

import pytest

from shared.errors import CallerError, ForeignPage, RoleRequired, SignInRequired
from shared.http.access import Access, Effect, Role, access_to
from shared.http.guard import Guard
from tests.principals import signed_in, without_roles

HERE = "https://contoso.azurewebsites.net/api/recordings"
OURS, THEIRS = "https://contoso.azurewebsites.net", "https://evil.example"
KEYS = Guard(authenticated=False, signs_in=False)
SIGN_IN = Guard(authenticated=True, signs_in=True)
BOTH = Guard(authenticated=True, signs_in=False)
ROUTES = {
    Role.READER: access_to("GET", "summary"),
    Role.RECORDER: access_to("POST", "recordings"),
    Role.OPERATOR: access_to("POST", "events"),
}
WRITE = ROUTES[Role.RECORDER]
AUDITED = access_to("GET", "recordings/{recordingId}/timeline")
NAVIGATION = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}


def refusal(guard: Guard, access: Access, **headers: str) -> CallerError | None:
    return guard.refusal(access, {name.replace("_", "-"): value for name, value in headers.items()}, url=HERE)


@pytest.mark.parametrize(
    ("role", "admitted"),
    [
        (Role.READER, {Role.READER}),
        (Role.RECORDER, {Role.READER, Role.RECORDER}),
        (Role.OPERATOR, {Role.READER, Role.RECORDER, Role.OPERATOR}),
    ],
)
def test_a_role_grants_its_own_routes_and_those_of_lesser_roles(role: Role, admitted: set[Role]):
    for needed, access in ROUTES.items():
        refused = SIGN_IN.refusal(access, signed_in(role), url=HERE)
        if needed in admitted:
            assert refused is None
        else:
            assert isinstance(refused, RoleRequired)
            assert (refused.status, refused.reason) == (403, "role-required")
            assert f"the app role {needed}" in str(refused)


def test_a_signed_in_caller_without_a_role_can_not_even_read():
    for headers in (signed_in(), without_roles(signed_in("Operator"))):
        assert isinstance(SIGN_IN.refusal(ROUTES[Role.READER], headers, url=HERE), RoleRequired)


def test_a_caller_without_an_id_is_refused_if_sign_in_replaces_the_key():
    principal = {k: v for k, v in signed_in("Operator").items() if k != "x-ms-client-principal-id"}
    for access in ROUTES.values():
        assert isinstance(SIGN_IN.refusal(access, principal, url=HERE), SignInRequired)


def test_a_forged_principal_has_no_effect_while_built_in_authentication_is_off():
    for headers in ({}, signed_in(), signed_in("Operator")):
        assert KEYS.refusal(ROUTES[Role.OPERATOR], headers, url=HERE) is None, "the host has checked the key"


def test_the_role_is_required_also_if_key_and_sign_in_are_both_required():
    assert isinstance(BOTH.refusal(ROUTES[Role.OPERATOR], signed_in("Reader"), url=HERE), RoleRequired)
    assert BOTH.refusal(ROUTES[Role.OPERATOR], signed_in("Operator"), url=HERE) is None


def test_an_open_route_accepts_every_caller():
    """ACS has no role, and a browser loads the page before anybody signed in."""
    for method, route in (("POST", "callbacks"), ("GET", "dashboard"), ("GET", "openapi.json")):
        assert SIGN_IN.refusal(access_to(method, route), {"origin": THEIRS}, url=HERE) is None


@pytest.mark.parametrize("guard", [KEYS, BOTH], ids=["keys", "both"])
@pytest.mark.parametrize(
    "headers",
    [
        {"origin": THEIRS},
        {"origin": "null"},
        {"origin": "NULL", "sec_fetch_site": "same-origin"},
        {"origin": ""},
        {"origin": "http://contoso.azurewebsites.net"},
        {"origin": "https://contoso.azurewebsites.net:8443"},
        {"origin": "https://contoso.azurewebsites.net.evil.example"},
        {"origin": "https://contoso.azurewebsites.net:port"},
        {"origin": "chrome-extension://contoso.azurewebsites.net"},
        {"origin": OURS, "sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"sec_fetch_site": "Cross-Site"},
        NAVIGATION | {"sec-fetch-dest": "document"},
    ],
)
def test_a_page_of_another_site_can_not_change_anything(guard: Guard, headers: dict[str, str]):
    refused = refusal(guard, WRITE, **headers)
    assert isinstance(refused, ForeignPage)
    assert (refused.status, refused.reason) == (403, "foreign-page")
    assert "Origin" in str(refused)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": OURS},
        {"origin": f"{OURS}:443".upper().replace("HTTPS", "https")},
        {"origin": OURS, "sec_fetch_site": "same-origin"},
        {"sec_fetch_site": "none"},
    ],
)
def test_pages_of_the_app_and_programs_can_make_changes(headers: dict[str, str]):
    assert refusal(KEYS, WRITE, **headers) is None


def test_behind_a_proxy_the_browser_s_same_origin_header_counts():
    """The app sees the address that the proxy calls, which is not the one that the page came from."""
    outside = {"origin": "https://recordings.contoso.example", "sec_fetch_site": "same-origin"}
    assert refusal(KEYS, WRITE, **outside) is None


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
@pytest.mark.parametrize("mode", ["no-cors", "cors", "same-origin", "websocket", ""])
def test_a_page_of_another_site_can_not_cause_an_audit_entry(site: str, mode: str):
    """An image in a mail would name its reader as someone who listened to a call."""
    refused = refusal(KEYS, AUDITED, sec_fetch_site=site, sec_fetch_mode=mode)
    assert isinstance(refused, ForeignPage)
    assert "Sec-Fetch-Site" in str(refused)


def test_a_link_can_be_opened_from_any_site_but_not_framed():
    for dest, is_link in (({}, True), ({"sec-fetch-dest": "document"}, True), ({"sec-fetch-dest": "iframe"}, False)):
        assert (refusal(KEYS, AUDITED, **NAVIGATION, **dest) is None) is is_link


def test_an_unaudited_read_is_allowed_from_any_site():
    assert refusal(KEYS, ROUTES[Role.READER], sec_fetch_site="cross-site", sec_fetch_mode="no-cors") is None


def test_every_route_that_returns_personal_data_is_an_audited_read():
    for rest in ("timeline", "archive", "chunks/{documentId}/content", "chunks/{documentId}/metadata"):
        assert access_to("GET", f"recordings/{{recordingId}}/{rest}").effect is Effect.AUDIT_ENTRY
    assert access_to("GET", "recordings").effect is Effect.AUDIT_ENTRY, "it may search by person"
