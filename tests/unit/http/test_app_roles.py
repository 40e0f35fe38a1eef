"""The app registration's roles are those that the app checks: a role that differs would lock everybody out."""

import json
import uuid
from pathlib import Path

from shared.http.access import Role

CHECKOUT = Path(__file__).parents[3]
APP_ROLES = json.loads((CHECKOUT / "infra" / "app-roles.json").read_text())


def test_the_registration_has_each_role_with_the_value_in_tokens():
    assert [one["value"] for one in APP_ROLES] == [role.value for role in Role]


def test_each_role_can_be_assigned_to_users_groups_and_applications():
    assert all(sorted(one["allowedMemberTypes"]) == ["Application", "User"] for one in APP_ROLES)
    assert all(one["isEnabled"] for one in APP_ROLES)


def test_each_role_has_a_unique_id():
    assert len({uuid.UUID(one["id"]) for one in APP_ROLES}) == len(APP_ROLES)


def test_the_docs_list_each_role():
    readme, interface, templates = (
        (CHECKOUT / name).read_text() for name in ("README.md", "docs/http.md", "docs/templates.md")
    )
    assert "--app-roles @infra/app-roles.json" in templates
    for role in Role:
        for page in (readme, interface, templates):
            assert f"\n| `{role}` | " in page
