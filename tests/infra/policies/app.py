"""The function app: what it runs on, how it is reached, and that its settings are the product's."""

from tests.infra.policies.storage import CONTAINER, settings_of
from tests.infra.product import HOST_SETTINGS, app_settings, functions, setting_names
from tests.infra.templates import Templates, made, names, only

SITE = "Microsoft.Web/sites"
IDENTITY = "Microsoft.ManagedIdentity/userAssignedIdentities"

# Settings that the templates leave at their default. Whoever adds a setting puts it here, or into main.bicep.
LEFT_TO_DEFAULT = {
    # Other ways to name what the templates name by identity.
    *("ACS_CONNECTION_STRING", "AzureWebJobsStorage", "AzureWebJobsStorage__accountName"),
    *("ARCHIVE_STORAGE", "ARCHIVE_STORAGE__accountName", "ARCHIVE_STORAGE__clientId"),
    # Names: the templates declare queues, tables and containers under the defaults.
    *("CHUNKS_QUEUE", "ARCHIVE_CONTAINER", "QUARANTINE_CONTAINER", "DEADLETTER_CONTAINER"),
    *("RECORDINGS_TABLE", "WORKLIST_TABLE", "LINKS_TABLE", "REQUESTS_TABLE", "CALENDAR_TABLE", "PARTICIPANTS_TABLE"),
    # Tuning, by extraSettings.
    *("MEMORY_BUDGET_MIB", "BLOCK_CHECKSUM", "BLOCK_SIZE_MIB", "RANGES_IN_FLIGHT", "LEASE_SECONDS", "MAX_ATTEMPTS"),
    *("SWEEP_GRACE_SECONDS", "FILES_AWAITED_MINUTES", "RETRY_BASE_SECONDS", "LINK_MINUTES"),
    # Where ACS's tokens come from, in Azure's public cloud.
    *("CALLBACK_ISSUER", "CALLBACK_OPENID_URL"),
    # The platform's own, and the laptop's.
    *("WEBSITE_AUTH_ENABLED", "AZURE_FUNCTIONS_ENVIRONMENT", "ACS_LOCAL_GATEWAY", "ACS_LOCAL_CA"),
}

# Parameters that bring settings of their own.
EVERYTHING = {"participantsSecret": "sixteen letters."}


def it_runs_python_on_flex_consumption(templates: Templates) -> None:
    deployment = templates.main()
    assert only(deployment, "Microsoft.Web/serverfarms").body["sku"] == {"name": "FC1", "tier": "FlexConsumption"}
    config = only(deployment, SITE).properties["functionAppConfig"]
    assert config["runtime"] == {"name": "python", "version": "3.13"}
    scale = config["scaleAndConcurrency"]
    assert scale["instanceMemoryMB"] == 2048
    assert scale["maximumInstanceCount"] == 100
    assert scale["triggers"]["http"]["perInstanceConcurrency"] > 1, "Azure's default for Python is one at a time"
    assert scale["alwaysReady"] == []
    assert "FUNCTIONS_WORKER_RUNTIME" not in app_settings(templates), "Flex Consumption refuses it"


def instances_are_kept_warm_where_asked(templates: Templates) -> None:
    config = only(templates.main(alwaysReadyHttp=1, alwaysReadyArchiving=2), SITE).properties["functionAppConfig"]
    assert config["scaleAndConcurrency"]["alwaysReady"] == [
        {"name": "http", "instanceCount": 1},
        {"name": "function:archive_chunk", "instanceCount": 2},
    ]
    assert functions()["archive_chunk"]["type"] == "queueTrigger"


def it_is_reached_by_tls_alone_and_published_to_without_passwords(templates: Templates) -> None:
    site = only(templates.main(), SITE).properties
    assert site["httpsOnly"] is True
    assert site["siteConfig"]["minTlsVersion"] == "1.2"
    assert site["siteConfig"]["scmMinTlsVersion"] == "1.2"
    assert site["siteConfig"]["ftpsState"] == "Disabled"
    assert site["siteConfig"]["remoteDebuggingEnabled"] is False
    policies = made(templates.main(), f"{SITE}/basicPublishingCredentialsPolicies")
    allowed = {one.name.rpartition("/")[2]: one.properties["allow"] for one in policies}
    assert allowed == {"scm": False, "ftp": False}


def it_is_one_identity_to_everything(templates: Templates) -> None:
    deployment = templates.main()
    site, identity = only(deployment, SITE), only(deployment, IDENTITY)
    assert site.body["identity"] == {"type": "UserAssigned", "userAssignedIdentities": {identity.id: {}}}
    package = site.properties["functionAppConfig"]["deployment"]["storage"]
    assert package["authentication"]["userAssignedIdentityResourceId"] == identity.id
    assert package["value"].rpartition("/")[2] in names(deployment, CONTAINER)
    settings = settings_of(templates)
    client = identity.member("properties").member("clientId")
    assert {settings.azure_client_id, settings.host_storage.client_id, settings.archive_storage.client_id} == {client}
    assert app_settings(templates)["AzureWebJobsStorage__credential"] == "managedidentity"


def its_settings_are_the_products_and_hold_no_secret(templates: Templates) -> None:
    given = app_settings(templates)
    settings = settings_of(templates)  # refused when one that is required lacks, or one is wrong
    assert given.keys() - setting_names() == HOST_SETTINGS
    assert settings.acs_connection_string is None
    assert settings.host_storage.connection_string is None
    assert settings.archive_storage.connection_string is None
    assert settings_of(templates, retentionHours=48, deleteSource=False).retention_hours == 48
    assert settings_of(templates, deleteSource=False).delete_source is False


def every_setting_is_set_or_left_on_purpose(templates: Templates) -> None:
    given = app_settings(templates, **EVERYTHING)
    assert setting_names() == given.keys() - HOST_SETTINGS | LEFT_TO_DEFAULT
    assert not given.keys() & LEFT_TO_DEFAULT
    settings_of(templates, **EVERYTHING)


def callbacks_are_taken_at_the_apps_own_address(templates: Templates) -> None:
    deployment, settings = templates.main(), settings_of(templates)
    assert settings.callback_url == f"{deployment.outputs['url']}/api/callbacks"
    assert functions()["take_callbacks"]["route"] == "callbacks"
    (acs,) = deployment.of_type("Microsoft.Communication/communicationServices")
    assert settings.callback_audience == acs.member("properties").member("immutableResourceId")


def further_settings_never_override(templates: Templates) -> None:
    given = app_settings(templates, extraSettings={"BLOCK_SIZE_MIB": "4", "ACS_ENDPOINT": "https://elsewhere.example"})
    assert given["BLOCK_SIZE_MIB"] == "4"
    assert given["ACS_ENDPOINT"] == app_settings(templates)["ACS_ENDPOINT"]
