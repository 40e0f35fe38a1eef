"""Route templates match as ASP.NET Core's do."""

import pytest

from local.host.errors import ConfigError
from local.host.routes import Route, normalised


@pytest.mark.parametrize(
    ("template", "path", "values"),
    [
        ("a/b", "/a/b", {}),
        ("a/b", "/A/B/", {}),
        ("a/b", "/a", None),
        ("a/b", "/a/b/c", None),
        ("a/{x}", "/a/1", {"x": "1"}),
        ("a/{x}", "/a", None),
        ("a/{x?}", "/a", {}),
        ("a/{x=7}", "/a", {"x": "7"}),
        ("a/{x:int}", "/a/12", {"x": "12"}),
        ("a/{x:int}", "/a/-12", {"x": "-12"}),
        ("a/{x:int}", "/a/99999999999", None),
        ("a/{x:long}", "/a/99999999999", {"x": "99999999999"}),
        ("a/{x:int?}", "/a", {}),
        ("a/{x:bool}", "/a/True", {"x": "True"}),
        ("a/{x:alpha}", "/a/b1", None),
        ("a/{x:guid}", "/a/CD2C1638-1638-72D5-1638-DEADBEEF1638", {"x": "CD2C1638-1638-72D5-1638-DEADBEEF1638"}),
        ("a/{x:guid}", "/a/no-guid", None),
        ("a/{x:min(5)}", "/a/4", None),
        ("a/{x:int:min(5)}", "/a/5", {"x": "5"}),
        ("a/{x:maxlength(3)}", "/a/four", None),
        ("a/{*rest}", "/a/b/c", {"rest": "b/c"}),
        ("a/{*rest}", "/a", {}),
        ("a/{**rest}", "/a/b%2Fc/d", {"rest": "b%2Fc/d"}),
        ("a/{name}.{kind}", "/a/file.json", {"name": "file", "kind": "json"}),
        ("a/{x}", "/a/%E4%BD%A0%20b%3A", {"x": "你 b:"}),
        ("a/{x}", "/a/b%2fc", {"x": "b%2fc"}),
        ("", "/", {}),
    ],
)
def test_a_path_gives_the_values_of_its_parameters(template: str, path: str, values: object) -> None:
    assert Route.parse(template).match(normalised(path)) == values


@pytest.mark.parametrize("template", ["a/{x:regex(^a$)}", "a/{x", "a/{x:nothing}"])
def test_a_template_that_is_not_supported_is_refused(template: str) -> None:
    with pytest.raises(ConfigError):
        Route.parse(template)
