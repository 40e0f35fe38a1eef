"""The description of the HTTP interface: on a route that it leaves out, or tells wrong, nobody can build."""

import json
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV2SpecValidator, OpenAPIV31SpecValidator, validate

from shared import __version__
from shared.errors import CallvaultError, ForeignPage, RoleRequired, SignInRequired
from shared.http.access import Role, access_to
from shared.http.openapi.operations import Operation, Security
from shared.http.openapi.served import OPENAPI, SWAGGER, described
from shared.http.openapi.table import OPERATIONS

CHECKOUT = Path(__file__).parents[3]
HERE = "https://contoso.azurewebsites.net/api"
NO_INTERFACE = {"show_page", "show_page_file"}  # what browsers load, and no program calls

named = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.function)


@pytest.fixture(scope="module")
def openapi() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(described(f"{HERE}/openapi.json?code=secret", OPENAPI))
    return found


@pytest.fixture(scope="module")
def swagger() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(described(f"{HERE}/swagger.json", SWAGGER))
    return found


def test_each_document_is_valid_in_its_version(openapi: dict[str, Any], swagger: dict[str, Any]):
    validate(openapi, cls=OpenAPIV31SpecValidator)
    validate(swagger, cls=OpenAPIV2SpecValidator)


def test_every_http_function_is_described_as_it_is_and_nothing_else_is(functions: list[dict[str, Any]]):
    """Whoever adds a route adds an Operation: see shared/http/openapi."""
    routes = {
        (function["name"], method.lower(), f"/{function['route']}", function["authLevel"])
        for function in functions
        for method in function["methods"]
        if function["name"] not in NO_INTERFACE
    }
    assert routes == {(one.function, one.method, one.path, _auth_level(one)) for one in OPERATIONS}


def _auth_level(operation: Operation) -> str:
    role = access_to(operation.method, operation.path[1:]).role
    assert (role is None) is (operation.security is not Security.KEY)
    return "ANONYMOUS" if role is None else "ADMIN" if role is Role.OPERATOR else "FUNCTION"


@pytest.fixture
def functions(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The HTTP triggers of function_app, by the worker library's own reading."""
    monkeypatch.setenv("ACS_ENDPOINT", "https://contoso.communication.azure.com")
    monkeypatch.setenv("AzureWebJobsStorage", "UseDevelopmentStorage=true")
    monkeypatch.delitem(sys.modules, "function_app", raising=False)  # an app gives its functions once
    import function_app  # noqa: PLC0415 - it reads the settings as it is imported

    triggers = [
        binding.get_dict_repr() | {"name": function.get_function_name()}
        for function in function_app.app.get_functions()
        for binding in function.get_bindings()
        if binding.type == "httpTrigger"
    ]
    return [{**one, "methods": [str(method.value) for method in one["methods"]]} for one in map(_plain, triggers)]


def _plain(trigger: dict[str, Any]) -> dict[str, Any]:
    return trigger | {"authLevel": getattr(trigger["authLevel"], "value", trigger["authLevel"]).upper()}


def test_a_status_that_is_an_answer_and_a_problem_is_described_as_both(
    openapi: dict[str, Any], swagger: dict[str, Any]
):
    found = openapi["paths"]["/health"]["get"]["responses"]["503"]["content"]
    assert list(found) == ["application/json", "application/problem+json"]
    assert "HealthView" in swagger["paths"]["/health"]["get"]["responses"]["503"]["schema"]["$ref"]


def test_the_documents_name_the_app_that_was_asked_and_no_key(openapi: dict[str, Any], swagger: dict[str, Any]):
    assert openapi["servers"] == [{"url": HERE}]
    assert (swagger["host"], swagger["basePath"], swagger["schemes"]) == (
        "contoso.azurewebsites.net",
        "/api",
        ["https"],
    )
    assert "secret" not in json.dumps(openapi)


@named
def test_each_example_is_what_its_model_makes_or_takes(operation: Operation):
    for reply in operation.replies.values():
        if reply.model is not None:
            made = reply.model.model_validate(_pythonic(reply.example)).model_dump(mode="json", by_alias=True)
            assert made == reply.example
    if operation.body is not None and operation.body.model is not None:
        operation.body.model.model_validate_json(json.dumps(operation.body.example))


def _pythonic(value: Any) -> Any:
    """Views are made from our names and written in the wire's."""
    if isinstance(value, list):
        return [_pythonic(item) for item in value]
    if isinstance(value, dict):
        return {
            re.sub("[A-Z]", lambda hump: f"_{hump[0].lower()}", name): item if name == "details" else _pythonic(item)
            for name, item in value.items()
        }
    return value


@named
def test_each_problem_that_may_come_is_told_under_its_status(operation: Operation, openapi: dict[str, Any]):
    responses = openapi["paths"][operation.path][operation.method]["responses"]
    for error in (*operation.problems, CallvaultError):
        content = responses[str(error.status)]["content"]["application/problem+json"]
        assert content["examples"][error.reason]["value"]["status"] == error.status


def test_what_is_refused_where_callers_sign_in_is_told_too(openapi: dict[str, Any]):
    responses = openapi["paths"]["/recordings/{recordingId}/stop"]["post"]["responses"]
    assert "foreign-page" in responses["403"]["content"]["application/problem+json"]["examples"]
    assert "sign-in-required" in responses["401"]["description"]
    assert "role-required" in responses["403"]["content"]["application/problem+json"]["examples"]
    of_health = openapi["paths"]["/health"]["get"]["responses"]["403"]["content"]["application/problem+json"]
    assert list(of_health["examples"]) == ["role-required"], "a page of another site may look"
    assert "403" not in openapi["paths"]["/openapi.json"]["get"]["responses"]


@pytest.mark.parametrize(
    ("method", "path", "role", "key"),
    [
        ("get", "/recordings/{recordingId}/timeline", "Reader", "functionKey"),
        ("post", "/recordings/{recordingId}/stop", "Recorder", "functionKey"),
        ("post", "/recordings/{recordingId}/replay", "Operator", "masterKey"),
        ("post", "/events", "Operator", "masterKey"),
    ],
)
def test_each_operation_says_which_role_and_which_key_it_requires(
    openapi: dict[str, Any], swagger: dict[str, Any], method: str, path: str, role: str, key: str
):
    operation = openapi["paths"][path][method]
    assert operation["security"] == [{key: []}, {f"{key}InQuery": []}, {"entraToken": [role]}]
    assert {key, f"{key}InQuery", "entraToken"} <= openapi["components"]["securitySchemes"].keys()
    for told in (operation, swagger["paths"][path][method]):
        assert f"the app role {role}" in told["description"]
        assert ("master key" in told["description"]) is (key == "masterKey")


def test_each_possible_problem_is_documented_with_what_to_do():
    page = (CHECKOUT / "docs" / "http.md").read_text()
    told = {reason for line in page.splitlines() for reason in re.findall(r"`([a-z-]+)`", line.partition(" | ")[2])}
    for operation in OPERATIONS:
        for error in (*operation.problems, SignInRequired, RoleRequired, ForeignPage):
            assert error.reason in told, (
                f"{operation.function} may answer {error.reason}, and docs/http.md doesn't say so"
            )


@named
def test_each_route_is_documented(operation: Operation):
    page = (CHECKOUT / "docs" / "http.md").read_text()
    assert f"| `{operation.method.upper()} /api{operation.path}` | " in page


def test_swagger_holds_nothing_that_its_version_has_no_word_for(swagger: dict[str, Any]):
    written = json.dumps(swagger)
    for word in ('"anyOf"', '"oneOf"', '"const"', '"null"', "#/components", '"callbackToken"', '"requestBody"'):
        assert word not in written


def test_the_version_that_is_told_is_the_project_s():
    assert tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["version"] == __version__
