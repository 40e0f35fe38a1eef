"""Keys are accepted as in Azure, with its oddities. Otherwise callers would notice them only in production."""

from local.host.configuration.keys import Keys, Level


def level(keys: Keys, code: str | None = None, *, name: str = "code", header: str | None = None) -> Level:
    headers = {} if header is None else {"x-functions-key": header}
    return keys.level(headers, {} if code is None else {name: code})


def test_a_key_is_accepted_in_any_casing_once_it_was_used() -> None:
    keys = Keys(function="SecretKey")
    assert level(keys, "secretkey") is Level.ANONYMOUS
    assert level(keys, "SecretKey") is Level.FUNCTION
    assert level(keys, "secretkey") is level(keys, header="SECRETKEY") is Level.FUNCTION
    assert level(keys, "secretkeys") is Level.ANONYMOUS


def test_the_query_parameter_is_accepted_in_any_casing() -> None:
    assert level(Keys(function="k"), "k", name="CODE") is Level.FUNCTION


def test_an_empty_header_overrides_a_valid_key_in_the_query() -> None:
    assert level(Keys(function="k"), "k", header="") is Level.ANONYMOUS
