"""Route templates match as in ASP.NET Core."""

import pytest

from local.host.errors import ConfigError
from local.host.http.routes import Route, normalised


@pytest.mark.parametrize(
    ("template", "path", "values"),
    [
        ("a/b", "/a/b", {}),
        ("a/b", "/A/B/", {}),
        ("a/b", "/a", None),
        ("a/b", "/a/b/c", None),
        ("a/{x}", "/a/1", {"x": "1"}),
        ("a/{x}", "/a", None),
        ("a/{x}/b", "/a//b", None),
        ("a/{x}/b", "/a/1/B", {"x": "1"}),
        ("a/{x}", "/a/%E4%BD%A0%20b%3A", {"x": "你 b:"}),
        ("a/{x}", "/a/b%2fc", {"x": "b%2fc"}),
        ("", "/", {}),
    ],
)
def test_a_path_gives_the_values_of_its_parameters(template: str, path: str, values: object) -> None:
    assert Route.parse(template).match(normalised(path)) == values


@pytest.mark.parametrize("template", ["a/{x:int}", "a/{x", "a/{x?}", "a/{x=7}", "a/{*rest}", "a/{name}.{kind}"])
def test_a_template_that_is_not_supported_is_refused(template: str) -> None:
    with pytest.raises(ConfigError):
        Route.parse(template)
