"""The API description: callers can't use a route that is missing in it or described wrongly."""

import json
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV2SpecValidator, OpenAPIV31SpecValidator, validate

from infra.openapi.__main__ import main
from infra.openapi.files import outdated, write
from infra.openapi.operation import Operation, Security
from infra.openapi.operations import OPERATIONS
from infra.openapi.power_platform import title_of
from infra.openapi.texts import TEXTS, VALUES
from shared import __version__
from shared.errors import CallvaultError, ForeignPage, RoleRequired, SignInRequired
from shared.http.access import Role, access_to
from shared.http.description import Document, described

CHECKOUT = Path(__file__).parents[2]
HERE = "https://contoso.azurewebsites.net/api"
NO_INTERFACE = {"show_page", "show_page_file"}  # loaded by browsers, not called by programs

named = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.function)


@pytest.fixture(scope="module")
def openapi() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(described(Document.OPENAPI, url=f"{HERE}/openapi.json"))
    return found


@pytest.fixture(scope="module")
def swagger() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(described(Document.SWAGGER, url=f"{HERE}/swagger.json"))
    return found


def test_the_files_in_the_checkout_are_current():
    assert outdated() == [], "run `make openapi` and commit the result"


@pytest.mark.parametrize("name", ["openapi.json", "swagger.json"])
def test_a_file_that_is_missing_or_outdated_fails_the_check_and_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
):
    (tmp_path / "shared" / "http").mkdir(parents=True)
    assert outdated(tmp_path) == ["shared/http/openapi.json", "shared/http/swagger.json"]
    write(tmp_path)
    assert outdated(tmp_path) == []
    file = tmp_path / "shared" / "http" / name
    file.write_text(file.read_text().replace("Start a recording", "Begin a recording"))
    monkeypatch.setattr("infra.openapi.__main__.outdated", lambda: outdated(tmp_path))
    monkeypatch.setattr("sys.argv", ["infra.openapi", "--check"])
    assert main() == 1
    assert capsys.readouterr().out == f"Out of date: shared/http/{name}. Run `make openapi` and commit the result.\n"


def test_each_document_is_valid_in_its_version(openapi: dict[str, Any], swagger: dict[str, Any]):
    validate(openapi, cls=OpenAPIV31SpecValidator)
    validate(swagger, cls=OpenAPIV2SpecValidator)


def test_every_http_function_is_described_as_it_is_and_nothing_else_is(functions: list[dict[str, Any]]):
    """For each new route, add an Operation: see infra/openapi."""
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


@named
def test_each_example_matches_its_model(operation: Operation):
    for reply in operation.replies.values():
        if reply.model is not None:
            made = reply.model.model_validate(_pythonic(reply.example)).model_dump(mode="json", by_alias=True)
            assert made == reply.example
    if operation.body is not None and operation.body.model is not None:
        operation.body.model.model_validate_json(json.dumps(operation.body.example))


def _pythonic(value: Any) -> Any:
    """The example with the Python names of its fields: a view is built from them and written with the JSON names."""
    if isinstance(value, list):
        return [_pythonic(item) for item in value]
    if isinstance(value, dict):
        return {
            re.sub("[A-Z]", lambda hump: f"_{hump[0].lower()}", name): item if name == "details" else _pythonic(item)
            for name, item in value.items()
        }
    return value


@named
def test_each_possible_problem_is_described_under_its_status(operation: Operation, openapi: dict[str, Any]):
    responses = openapi["paths"][operation.path][operation.method]["responses"]
    for error in (*operation.problems, CallvaultError):
        content = responses[str(error.status)]["content"]["application/problem+json"]
        assert content["examples"][error.reason]["value"]["status"] == error.status


def test_refusals_of_callers_who_sign_in_are_described_too(openapi: dict[str, Any]):
    responses = openapi["paths"]["/recordings/{recordingId}/stop"]["post"]["responses"]
    assert "foreign-page" in responses["403"]["content"]["application/problem+json"]["examples"]
    assert "sign-in-required" in responses["401"]["description"]
    assert "role-required" in responses["403"]["content"]["application/problem+json"]["examples"]
    of_health = openapi["paths"]["/health"]["get"]["responses"]["403"]["content"]["application/problem+json"]
    assert list(of_health["examples"]) == ["role-required"], "pages of other sites may read it"
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
    for described_operation in (operation, swagger["paths"][path][method]):
        assert f"the app role {role}" in described_operation["description"]
        assert ("master key" in described_operation["description"]) is (key == "masterKey")


def test_each_possible_problem_is_documented_with_what_to_do():
    page = (CHECKOUT / "docs" / "http.md").read_text()
    documented = {
        reason for line in page.splitlines() for reason in re.findall(r"`([a-z-]+)`", line.partition(" | ")[2])
    }
    for operation in OPERATIONS:
        for error in (*operation.problems, SignInRequired, RoleRequired, ForeignPage):
            assert error.reason in documented, (
                f"{operation.function} may answer {error.reason}, and docs/http.md doesn't say so"
            )


@named
def test_each_route_is_documented(operation: Operation):
    page = (CHECKOUT / "docs" / "http.md").read_text()
    assert f"| `{operation.method.upper()} /api{operation.path}` | " in page


def test_swagger_uses_nothing_that_its_version_does_not_support(swagger: dict[str, Any]):
    written = json.dumps(swagger)
    for word in ('"anyOf"', '"oneOf"', '"const"', '"null"', "#/components", '"callbackToken"', '"requestBody"'):
        assert word not in written


def test_each_schema_property_and_parameter_has_a_description(openapi: dict[str, Any], swagger: dict[str, Any]):
    """Power Platform and Swagger UI show it. Add it to the model, or to infra/openapi/texts.py."""
    lacking = []
    for name, schema in openapi["components"]["schemas"].items():
        lacking += [name] if "description" not in schema else []
        for variant in (schema, *schema.get("oneOf", ())):
            fields = variant.get("properties", {}).items()
            lacking += [f"{name}.{field}" for field, item in fields if not item.get("description")]
    for document in (openapi, swagger):
        for path, item in document["paths"].items():
            for method, operation in item.items():
                given = operation["parameters"]
                lacking += [f"{method} {path} {one['name']}" for one in given if not one.get("description")]
    assert lacking == []


@pytest.mark.parametrize(
    ("schema", "name", "value"),
    [
        ("RecordingView", "state", "archiving"),
        ("ListedRecording", "state", "unknown"),
        ("ChunkView", "state", "released"),
        ("ChunkView", "fault", "source"),
        ("Problem", "fault", "caller"),
        ("SubmittedEventView", "outcome", "queued"),
        ("EventOutcomes", "outcomes", "quarantined"),
    ],
)
def test_properties_with_a_closed_set_of_values_list_them(openapi: dict[str, Any], schema: str, name: str, value: str):
    assert f'"{value}"' in json.dumps(openapi["components"]["schemas"][schema]["properties"][name])


def test_no_text_belongs_to_a_property_that_no_longer_exists(openapi: dict[str, Any]):
    written = json.dumps(openapi)
    schemas = openapi["components"]["schemas"] | {one.query.__name__: {} for one in OPERATIONS if one.query}
    for name in {*TEXTS, *VALUES}:
        model, _, field = name.rpartition(".")
        assert f'"{field or name}"' in written, name
        assert model in {*schemas, ""}, name
    assert all(text in written for text in TEXTS.values() if '"' not in text)


def test_power_platform_gets_a_title_for_each_field_and_parameter(swagger: dict[str, Any]):
    for item in swagger["paths"].values():
        for operation in item.values():
            for parameter in operation["parameters"]:
                assert parameter["x-ms-summary"], parameter
    properties = swagger["definitions"]["StartRecording"]["properties"]
    assert {"serverCallId", "callConnectionId", "groupCallId", "roomId", "content"} <= properties.keys()
    assert properties["serverCallId"]["x-ms-summary"] == "Server call ID"
    assert properties["serverCallId"]["x-ms-visibility"] == "important"
    assert properties["stateCallbackUrl"]["x-ms-visibility"] == "advanced"
    assert "required" not in swagger["definitions"]["StartRecording"], "any of the four names the call"
    assert swagger["paths"]["/recordings"]["post"]["x-ms-visibility"] == "important"
    assert swagger["paths"]["/openapi.json"]["get"]["x-ms-visibility"] == "internal"
    assert swagger["paths"]["/health"]["get"]["summary"] == "Check health"


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("recordingId", "Recording ID"),
        ("metadataSha256", "Metadata SHA-256"),
        ("durationMs", "Duration (ms)"),
        ("Idempotency-Key", "Idempotency key"),
        ("acsState", "ACS state"),
        ("from", "First day"),
    ],
)
def test_titles_read_as_people_write_them(name: str, title: str):
    assert title_of(name) == title


def test_the_described_version_is_the_project_s():
    assert tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["version"] == __version__
