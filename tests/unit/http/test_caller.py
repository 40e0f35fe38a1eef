"""The caller and its roles: the audit keeps the name forever, so the app believes only the platform."""

import base64
import json

import pytest

from shared.http.access import Role
from shared.http.caller import MASTER_KEY, caller_of, is_signed_in, roles_of
from tests.principals import MAPPED_ROLE_CLAIM, signed_in, with_principal

SIGNED_IN = {"X-MS-CLIENT-PRINCIPAL-NAME": "ada@contoso.example", "x-ms-client-principal-id": "7a1b"}


def test_identity_headers_are_ignored_while_built_in_authentication_is_off():
    assert caller_of(SIGNED_IN, authenticated=False) == "function key"


def test_a_signed_in_caller_is_recorded_with_name_and_id():
    assert caller_of(SIGNED_IN, authenticated=True) == "ada@contoso.example (7a1b)"


def test_an_application_may_have_an_id_without_a_name():
    assert caller_of({"x-ms-client-principal-id": "7a1b"}, authenticated=True) == "7a1b"
    assert caller_of({}, authenticated=True) == "function key"
    assert caller_of({}, authenticated=False, key=MASTER_KEY) == "master key"


def test_a_name_is_reduced_to_printable_characters_and_truncated():
    named = caller_of({"x-ms-client-principal-name": "a\nb\x1b" + "c" * 1000}, authenticated=True)
    assert named == "ab" + "c" * 254


def test_a_caller_without_an_id_has_not_signed_in():
    assert is_signed_in(SIGNED_IN)
    assert not is_signed_in({"x-ms-client-principal-name": "ada@contoso.example"})
    assert not is_signed_in({"X-MS-CLIENT-PRINCIPAL-ID": " "})


@pytest.mark.parametrize("claim", ["roles", MAPPED_ROLE_CLAIM])
def test_a_role_is_read_from_both_names_of_its_claim(claim: str):
    assert roles_of(signed_in("Reader", "Operator", claim=claim)) == {Role.READER, Role.OPERATOR}


def test_a_principal_can_set_the_name_of_the_role_claim():
    assert roles_of(signed_in("Recorder", claim="app-role", role_typ="app-role")) == {Role.RECORDER}
    assert roles_of(signed_in("Recorder", claim="app-role")) == frozenset()


def test_other_claims_grant_no_role():
    """A person chooses their own name, and a group's is no role."""
    for claim in ("name", "groups", "scp", "role"):
        assert roles_of(signed_in("Operator", claim=claim)) == frozenset()


def test_only_the_exact_name_grants_a_role():
    assert roles_of(signed_in("operator", "Operator ", "Reader,Operator", "Custodian")) == frozenset()


@pytest.mark.parametrize(
    "principal",
    [
        None,
        [],
        {"claims": None},
        {"claims": "Operator"},
        {"claims": [None, {"typ": "roles"}, {"typ": "roles", "val": ["Operator"]}, ["roles", "Operator"]]},
        {"claims": [{"typ": ["roles"], "val": "Operator"}], "role_typ": ["roles"]},
    ],
)
def test_a_malformed_principal_has_no_roles(principal: object):
    assert roles_of(with_principal(principal)) == frozenset()


@pytest.mark.parametrize(
    "header", ["", "%", "bm8ganNvbg==", "/w==", "W" * 99, base64.b64encode(b"[" * 100_000).decode()]
)
def test_an_unreadable_principal_has_no_roles(header: str):
    assert roles_of({"x-ms-client-principal": header}) == frozenset()


def test_two_principals_in_one_header_have_no_roles():
    """As the worker joins a header that is there twice."""
    one = base64.b64encode(json.dumps({"claims": [{"typ": "roles", "val": "Operator"}]}).encode()).decode()
    assert roles_of({"x-ms-client-principal": f"{one},{one}"}) == frozenset()
