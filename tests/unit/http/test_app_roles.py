"""The app registration's roles are those that the app checks: a role that differs would lock everybody out."""

import json
import uuid
from pathlib import Path

from shared.http.access import Role

CHECKOUT = Path(__file__).parents[3]
APP_ROLES = json.loads((CHECKOUT / "infra" / "app-roles.json").read_text())


def test_the_registration_has_each_role_by_the_value_that_a_token_carries():
    assert [one["value"] for one in APP_ROLES] == [role.value for role in Role]


def test_people_groups_and_services_can_have_each_role():
    assert all(sorted(one["allowedMemberTypes"]) == ["Application", "User"] for one in APP_ROLES)
    assert all(one["isEnabled"] for one in APP_ROLES)


def test_each_role_has_an_id_of_its_own():
    assert len({uuid.UUID(one["id"]) for one in APP_ROLES}) == len(APP_ROLES)


def test_the_docs_say_what_each_role_may_do():
    readme, interface, templates = (
        (CHECKOUT / name).read_text() for name in ("README.md", "docs/http.md", "docs/templates.md")
    )
    assert "--app-roles @infra/app-roles.json" in templates
    for role in Role:
        for page in (readme, interface, templates):
            assert f"\n| `{role}` | " in page
