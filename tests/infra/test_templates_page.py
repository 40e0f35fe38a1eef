"""docs/templates.md says what the templates take and what they grant, in the templates' own words."""

from infra.check.syntax import literal, read, text
from infra.package import CHECKOUT
from tests.infra.policies.roles import NAMES, grants
from tests.infra.templates import INFRA, Templates

PAGE = (CHECKOUT / "docs" / "templates.md").read_text(encoding="utf-8")


def rows(header: str) -> list[list[str]]:
    lines = PAGE.partition(header)[2].partition("\n\n")[0].strip().splitlines()[1:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def test_every_parameter_stands_there_with_its_default_and_its_meaning():
    expected: list[list[str | None]] = []
    for name, one in read((INFRA / "main.bicep").resolve()).params.items():
        described = one.decorators["description"]
        assert described is not None
        default = "required" if one.value is None else f"`{text(one.value)}`"
        expected.append([f"`{name}`", default, literal(described)])
    assert rows("| Parameter | Default | Meaning |") == expected


def test_every_role_that_someone_is_given_stands_there_with_its_reason():
    documented = rows("| Who | Role | On | Why |")
    who = {"app": "the app", "topic": "the system topic", "operator": "the operator, if named"}
    usual = grants(Templates(), operatorPrincipalId="operator", announce=True)
    rebuilding = grants(Templates(), operatorPrincipalId="operator", announce=True, operatorMayRebuild=True)
    given = {(who[one], NAMES[role]) for one, role, _ in usual}
    given |= {("the operator, with `operatorMayRebuild`", NAMES[role]) for _, role, _ in rebuilding - usual}
    assert {(row[0], row[1]) for row in documented} == given
    assert all(row[3] for row in documented)
