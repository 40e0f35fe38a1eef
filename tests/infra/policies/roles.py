"""Roles: exactly these, each with the smallest possible scope."""

import re

from tests.infra.policies.app import IDENTITY
from tests.infra.policies.storage import account_of
from tests.infra.templates import ACS, Templates, made, only

ASSIGNMENT = "Microsoft.Authorization/roleAssignments"

OWNER_OF_BLOBS = "b7e6dc6d-f1e8-4753-8033-0f276bb0955b"
WRITER_OF_BLOBS = "ba92f5b4-2d11-453d-a403-e96b0029c9fe"
SIGNER_OF_LINKS = "db58b8e5-c6ad-4a2a-8342-4190687cbf4a"
WRITER_OF_QUEUES = "974c5e8b-45b9-4653-ba55-5f855dd0fb88"
READER_OF_TABLES = "76199698-9eea-4c19-bc75-cec21354c6b6"
WRITER_OF_TABLES = "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3"
SENDER_OF_METRICS = "3913510d-42f4-4e42-8a64-420c390055eb"
SENDER_OF_EVENTS = "d5a91429-5739-47e2-a06b-3470a27159e7"
READER_OF_SECRETS = "4633458b-17de-408a-874b-0445c86b69e6"
OWNER_OF_COMMUNICATION = "09976791-48a7-449e-bb21-39d1a415f350"

NAMES = {
    OWNER_OF_BLOBS: "Storage Blob Data Owner",
    WRITER_OF_BLOBS: "Storage Blob Data Contributor",
    SIGNER_OF_LINKS: "Storage Blob Delegator",
    WRITER_OF_QUEUES: "Storage Queue Data Contributor",
    READER_OF_TABLES: "Storage Table Data Reader",
    WRITER_OF_TABLES: "Storage Table Data Contributor",
    SENDER_OF_EVENTS: "EventGrid Data Sender",
    SENDER_OF_METRICS: "Monitoring Metrics Publisher",
    READER_OF_SECRETS: "Key Vault Secrets User",
    OWNER_OF_COMMUNICATION: "Communication and Email Service Owner",
}

OPERATOR_ID = "00000000-0000-0000-0000-000000000003"

type Grant = tuple[str, str, str]  # who, which role, on what


def roles_are_exactly_these(templates: Templates) -> None:
    host, archive = account_of(templates, "deadletter"), account_of(templates, "recordings")
    assert grants(templates) == {
        ("app", OWNER_OF_BLOBS, host),
        ("app", WRITER_OF_QUEUES, host),
        ("app", WRITER_OF_TABLES, host),
        ("app", WRITER_OF_BLOBS, f"{archive}/default/recordings"),
        ("app", WRITER_OF_BLOBS, f"{archive}/default/quarantine"),
        ("app", SIGNER_OF_LINKS, archive),
        ("app", SENDER_OF_METRICS, only(templates.main(), "Microsoft.Insights/components").name),
        ("app", OWNER_OF_COMMUNICATION, ACS),
        ("app", READER_OF_SECRETS, only(templates.main(), "Microsoft.KeyVault/vaults").name),
        ("topic", WRITER_OF_BLOBS, f"{host}/default/deadletter"),
    }


def the_app_may_only_send_to_the_topic(templates: Templates) -> None:
    topic = only(templates.main("announce"), "Microsoft.EventGrid/topics")
    assert grants(templates, "announce") - grants(templates) == {("app", SENDER_OF_EVENTS, topic.name)}


def a_named_operator_has_the_roles_that_the_commands_need(templates: Templates) -> None:
    host, archive = account_of(templates, "deadletter"), account_of(templates, "recordings")
    with_operator = grants(templates, "operator")
    assert with_operator - grants(templates) == {
        ("operator", WRITER_OF_QUEUES, host),
        ("operator", READER_OF_TABLES, host),
        ("operator", WRITER_OF_BLOBS, f"{host}/default/deadletter"),
        ("operator", WRITER_OF_BLOBS, f"{archive}/default/recordings"),
        ("operator", WRITER_OF_BLOBS, f"{archive}/default/quarantine"),
        ("operator", SIGNER_OF_LINKS, archive),
        ("operator", OWNER_OF_COMMUNICATION, ACS),
        ("operator", READER_OF_SECRETS, only(templates.main(), "Microsoft.KeyVault/vaults").name),
    }


def an_operator_may_write_tables_only_to_rebuild(templates: Templates) -> None:
    host = account_of(templates, "deadletter")
    usual = grants(templates, "operator")
    rebuilding = grants(templates, "rebuild") - grants(templates, "announce") | grants(templates)
    assert usual - rebuilding == {("operator", READER_OF_TABLES, host)}
    assert rebuilding - usual == {("operator", WRITER_OF_TABLES, host)}


def every_role_assignment_states_its_reason(templates: Templates) -> None:
    """A comment precedes the assignment, or the module that contains it."""
    lines = (templates.folder / "main.bicep").read_text(encoding="utf-8").splitlines()
    given = [index for index, line in enumerate(lines) if re.search(r"[ :[]roles\.\w", line)]
    assert len(given) >= len(grants(templates)) - 1, "two containers share one"
    for index in given:
        module = max(line for line in range(index) if lines[line].startswith("module "))
        assert any(lines[line - 1].strip().startswith("//") for line in (index, module)), lines[index]


def no_role_is_assigned_on_a_resource_group(templates: Templates) -> None:
    for scenario in ("operator", "onecool"):
        deployment = templates.main(scenario)
        assert all(one.scope is not None for one in made(deployment, ASSIGNMENT))
        assert not made(deployment, "Microsoft.Authorization/roleDefinitions")


def grants(templates: Templates, scenario: str = "default") -> set[Grant]:
    deployment = templates.main(scenario)
    topic = only(deployment, "Microsoft.EventGrid/systemTopics")
    identity = only(deployment, IDENTITY)
    who = {OPERATOR_ID: "operator"}
    found = set()
    for assignment in made(deployment, ASSIGNMENT):
        principal = assignment.properties["principalId"]
        if identity.gives(principal, "principalId"):
            who[principal] = "app"
        if topic.gives(principal, "identity.principalId"):
            who[principal] = "topic"
        role = assignment.properties["roleDefinitionId"].rpartition("/")[2]
        found.add((who.get(principal, principal), role, assignment.scope[1] if assignment.scope else "everything"))
    return found
