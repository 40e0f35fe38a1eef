"""Who called, as the audit will name them for good: believed only where the platform vouches."""

from shared.caller import caller_of, stranger

SIGNED_IN = {"X-MS-CLIENT-PRINCIPAL-NAME": "ada@contoso.example", "x-ms-client-principal-id": "7a1b"}


def test_while_built_in_authentication_is_off_nobody_can_call_himself_what_he_likes():
    assert caller_of(SIGNED_IN, authenticated=False) == "function key"


def test_who_signed_in_is_named_with_the_id_that_a_namesake_does_not_have():
    assert caller_of(SIGNED_IN, authenticated=True) == "ada@contoso.example (7a1b)"


def test_an_application_has_an_id_and_perhaps_no_name():
    assert caller_of({"x-ms-client-principal-id": "7a1b"}, authenticated=True) == "7a1b"
    assert caller_of({}, authenticated=True) == "function key"


def test_a_name_is_printable_and_bounded_whatever_it_was():
    told = caller_of({"x-ms-client-principal-name": "a\nb\x1b" + "c" * 1000}, authenticated=True)
    assert told == "ab" + "c" * 254


def test_only_whom_the_platform_names_is_no_stranger():
    assert stranger(SIGNED_IN, "GET") is None
    refused = stranger({"x-ms-client-principal-name": "ada@contoso.example"}, "GET")
    assert refused is not None
    assert (refused.status, refused.reason) == (401, "sign-in-required")


def test_a_page_of_another_site_may_look_and_not_act():
    from_elsewhere = SIGNED_IN | {"Sec-Fetch-Site": "cross-site"}
    assert stranger(from_elsewhere, "GET") is None
    refused = stranger(from_elsewhere, "POST")
    assert refused is not None
    assert (refused.status, refused.reason) == (403, "foreign-page")
    assert stranger(SIGNED_IN | {"Sec-Fetch-Site": "same-origin"}, "POST") is None
