"""Monitoring: telemetry and access logs go to a workspace that accepts only identities."""

import re
from collections.abc import Mapping

from tests.infra.policies.app import IDENTITY
from tests.infra.policies.storage import account_of
from tests.infra.product import app_settings
from tests.infra.templates import ACS, Templates, made, only

LOGS = "Microsoft.Insights/diagnosticSettings"
SAVED = "Microsoft.OperationalInsights/workspaces/savedSearches"
STORAGE = {"StorageRead", "StorageWrite", "StorageDelete"}
# Columns of StorageBlobLogs and StorageTableLogs, as Microsoft's reference of the tables has them.
COLUMNS = {
    *("TimeGenerated", "Category", "OperationName", "Uri", "StatusCode", "AuthenticationType", "AccountName"),
    *("RequesterObjectId", "RequesterUpn", "CallerIpAddress", "UserAgentHeader", "ResponseBodySize"),
}
_NOT_COLUMNS = {"StorageBlobLogs", "StorageTableLogs", "Path"}


def telemetry_accepts_only_identities(templates: Templates) -> None:
    deployment = templates.main()
    workspace, insights = (
        only(deployment, "Microsoft.OperationalInsights/workspaces"),
        only(deployment, "Microsoft.Insights/components"),
    )
    assert workspace.properties["features"]["disableLocalAuth"] is True
    assert insights.properties["DisableLocalAuth"] is True
    assert insights.properties["WorkspaceResourceId"] == workspace.id
    identity = only(deployment, IDENTITY)
    given = app_settings(templates)
    assert given["APPLICATIONINSIGHTS_AUTHENTICATION_STRING"] == (
        f"[format('ClientId={{0}};Authorization=AAD', {given['AZURE_CLIENT_ID'][1:-1]})]"
    )
    assert identity.gives(given["AZURE_CLIENT_ID"], "clientId")
    assert insights.gives(given["APPLICATIONINSIGHTS_CONNECTION_STRING"], "ConnectionString")


def reads_and_deletes_outside_the_app_are_logged(templates: Templates) -> None:
    """On by default, for the archive in either account: the app's own audit has only what went through the app."""
    assert not made(templates.main("quiet"), LOGS)
    assert not made(templates.main("quiet"), SAVED)
    for scenario in ("other", "onecool"):
        logged = _logged(templates, scenario)
        archive, host = (account_of(templates, one, scenario) for one in ("recordings", "deadletter"))
        topic = only(templates.main(), "Microsoft.EventGrid/systemTopics").name
        vault = only(templates.main(), "Microsoft.KeyVault/vaults").name
        assert logged == {
            f"{vault}/vaults": {"AuditEvent"},
            f"{archive}/default/blobServices": STORAGE,
            f"{host}/default/tableServices": STORAGE,
            f"{topic}/systemTopics": {"DeliveryFailures"},
            f"{ACS}/communicationServices": {"CallRecordingOperational", "CallRecordingSummary"},
        }
    announcing = only(templates.main("announce"), "Microsoft.EventGrid/topics").name
    published = _logged(templates, "announce")[f"{announcing}/topics"]
    assert published == {"DataPlaneRequests", "DeliveryFailures", "PublishFailures"}


def two_saved_queries_show_who_read_and_who_deleted(templates: Templates) -> None:
    deployment = templates.main()
    identity = only(deployment, IDENTITY).id
    saved = {one.properties["displayName"]: one.properties["query"] for one in made(deployment, SAVED)}
    assert saved.keys() == {"Who read this recording", "What was deleted outside Callvault"}
    for query in saved.values():
        assert query.endswith(f"'<object id of the app>', reference('{identity}', '2023-01-31').principalId)]")
        assert 'let app = "<object id of the app>";' in query, "the app's own requests are distinguished from others'"
        code = re.sub(r'"[^"]*"|//.*', "", query.replace("\\n", "\n").partition("', '<object id")[0])
        assert set(re.findall(r"\b[A-Z]\w+", code)) - _NOT_COLUMNS <= COLUMNS
    assert 'Category == "StorageRead"' in saved["Who read this recording"]
    assert 'Category == "StorageDelete"' in saved["What was deleted outside Callvault"]


def the_queries_cover_signed_links_and_batches(templates: Templates) -> None:
    """Storage logs neither who signed a link nor which rows a transaction deleted; the queries show both operations."""
    saved = {one.properties["displayName"]: one.properties["query"] for one in made(templates.main(), SAVED)}
    signer = '(OperationName == "GetUserDelegationKey" and RequesterObjectId != app)'
    assert signer in saved["Who read this recording"]
    deletes = 'Category == "StorageDelete" or OperationName == "EntityGroupTransaction"'
    assert deletes in saved["What was deleted outside Callvault"]


def _logged(templates: Templates, scenario: str) -> Mapping[str, set[str]]:
    """Log categories that go to the workspace, by the name and kind of their resource."""
    deployment = templates.main(scenario)
    workspace = only(deployment, "Microsoft.OperationalInsights/workspaces").id
    found = {}
    for setting in made(deployment, LOGS):
        assert setting.properties["workspaceId"] == workspace
        assert all(log["enabled"] is True for log in setting.properties["logs"])
        assert setting.scope is not None
        type_, name = setting.scope
        found[f"{name}/{type_.rpartition('/')[2]}"] = {log["category"] for log in setting.properties["logs"]}
    return found
