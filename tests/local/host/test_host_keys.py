"""Keys open as they open in Azure, oddly too: a caller that relies on it must not learn so in production."""

from local.host.keys import Keys, Level


def level(keys: Keys, code: str | None = None, *, name: str = "code", header: str | None = None) -> Level:
    headers = {} if header is None else {"x-functions-key": header}
    return keys.level(headers, {} if code is None else {name: code})


def test_a_key_opens_in_any_casing_once_it_has_been_used() -> None:
    keys = Keys(function="SecretKey")
    assert level(keys, "secretkey") is Level.ANONYMOUS
    assert level(keys, "SecretKey") is Level.FUNCTION
    assert level(keys, "secretkey") is level(keys, header="SECRETKEY") is Level.FUNCTION
    assert level(keys, "secretkeys") is Level.ANONYMOUS


def test_the_name_of_the_query_counts_in_any_casing() -> None:
    assert level(Keys(function="k"), "k", name="CODE") is Level.FUNCTION


def test_an_empty_header_beats_a_right_key_in_the_query() -> None:
    assert level(Keys(function="k"), "k", header="") is Level.ANONYMOUS
