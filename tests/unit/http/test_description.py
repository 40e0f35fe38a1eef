"""How the app serves its API description: callers need the app's own address in it, and it must never contain a key."""

import json
from pathlib import Path
from typing import Any

import pytest

from shared.http.description import Document, described

FILES = Path(__file__).parents[3] / "shared" / "http"
HERE = "https://contoso.azurewebsites.net/api"


def served(document: Document, url: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(described(document, url=url))
    return found


def test_openapi_contains_the_address_that_was_requested():
    assert served(Document.OPENAPI, f"{HERE}/openapi.json")["servers"] == [{"url": HERE}]


def test_swagger_contains_the_address_that_was_requested():
    found = served(Document.SWAGGER, f"{HERE}/swagger.json")
    assert (found["host"], found["basePath"], found["schemes"]) == ("contoso.azurewebsites.net", "/api", ["https"])


def test_swagger_of_an_app_without_a_route_prefix_has_the_root_as_its_base_path():
    assert served(Document.SWAGGER, "http://localhost:7071/swagger.json")["basePath"] == "/"


@pytest.mark.parametrize("document", Document)
def test_a_key_in_the_requested_url_is_not_returned(document: Document):
    assert "secret" not in described(document, url=f"{HERE}/{document}?code=secret#secret")


@pytest.mark.parametrize("document", Document)
def test_each_caller_gets_the_address_that_it_requested(document: Document):
    hosts = ("one.example", "two.example", "one.example")
    found = [described(document, url=f"https://{host}/api/{document}") for host in hosts]
    assert ["one.example" in text for text in found] == [True, False, True]


@pytest.mark.parametrize("document", Document)
@pytest.mark.parametrize("host", ['a"b', "a\\b", 'a","paths":{},"x":"', "é", "\u2028"])
def test_an_address_can_not_change_the_rest_of_the_document(document: Document, host: str):
    found = served(document, f"https://{host}/api/{document}")
    address = found.pop("servers", None) or found.pop("host")
    assert address in (host, [{"url": f"https://{host}/api"}])
    for name in ("basePath", "schemes"):
        found.pop(name, None)
    assert found == json.loads((FILES / document).read_text())
