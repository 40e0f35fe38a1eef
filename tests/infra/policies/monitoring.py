"""Watching: telemetry goes to a workspace that is entered by identity alone."""

from tests.infra.policies.app import IDENTITY
from tests.infra.product import app_settings
from tests.infra.templates import Templates, only


def telemetry_is_sent_and_read_by_identity_alone(templates: Templates) -> None:
    deployment = templates.main()
    workspace, insights = (
        only(deployment, "Microsoft.OperationalInsights/workspaces"),
        only(deployment, "Microsoft.Insights/components"),
    )
    assert workspace.properties["features"]["disableLocalAuth"] is True
    assert insights.properties["DisableLocalAuth"] is True
    assert insights.properties["WorkspaceResourceId"] == workspace.id
    client = only(deployment, IDENTITY).member("properties").member("clientId")
    given = app_settings(templates)
    assert given["APPLICATIONINSIGHTS_AUTHENTICATION_STRING"] == f"ClientId={client};Authorization=AAD"
    assert given["APPLICATIONINSIGHTS_CONNECTION_STRING"] == insights.member("properties").member("ConnectionString")
