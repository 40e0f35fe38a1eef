"""docs/templates.md lists the templates' parameters and roles, with the templates' own descriptions."""

import json

from infra.package import CHECKOUT
from tests.infra.policies.roles import NAMES, grants
from tests.infra.templates import Templates

PAGE = (CHECKOUT / "docs" / "templates.md").read_text(encoding="utf-8")


def rows(header: str) -> list[list[str]]:
    lines = PAGE.partition(header)[2].partition("\n\n")[0].strip().splitlines()[1:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def test_every_parameter_stands_there_with_its_default_and_its_meaning():
    expected: list[list[str]] = []
    for name, one in Templates().compiled()["parameters"].items():
        default = f"`{as_bicep(one['defaultValue'])}`" if "defaultValue" in one else "required"
        expected.append([f"`{name}`", default, one["metadata"]["description"]])
    assert rows("| Parameter | Default | Meaning |") == expected


def as_bicep(value: object) -> str:
    match value:
        case str() if value.startswith("["):
            return value[1:-1]
        case str():
            return f"'{value}'"
    return json.dumps(value)


def test_every_role_that_someone_is_given_stands_there_with_its_reason():
    documented = rows("| Who | Role | On | Why |")
    who = {"app": "the app", "topic": "the system topic", "operator": "the operator, if named"}
    usual = grants(Templates(), "operator") | grants(Templates(), "announce")
    rebuilding = grants(Templates(), "rebuild")
    given = {(who[one], NAMES[role]) for one, role, _ in usual}
    given |= {("the operator, with `operatorMayRebuild`", NAMES[role]) for _, role, _ in rebuilding - usual}
    assert {(row[0], row[1]) for row in documented} == given
    assert all(row[3] for row in documented)
