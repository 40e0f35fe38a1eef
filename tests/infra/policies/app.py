"""The function app: its runtime and its network access. It sets only settings that Callvault has."""

import json
from datetime import timedelta

from infra.check.syntax import BicepError
from infra.package import CHECKOUT
from local.host.configuration.config import read_host_json
from tests.infra.policies.storage import CONTAINER, settings_of
from tests.infra.product import HOST_SETTINGS, METRIC_SETTINGS, app_settings, functions, setting_names
from tests.infra.templates import Templates, made, names, only

SITE = "Microsoft.Web/sites"
IDENTITY = "Microsoft.ManagedIdentity/userAssignedIdentities"

# Settings that the templates leave at their default. Add a new setting here or to main.bicep.
LEFT_TO_DEFAULT = {
    # Other ways to name resources that the templates name by identity.
    *("ACS_CONNECTION_STRING", "AzureWebJobsStorage", "AzureWebJobsStorage__accountName"),
    *("ARCHIVE_STORAGE", "ARCHIVE_STORAGE__accountName", "ARCHIVE_STORAGE__clientId"),
    # Names: the templates declare queues, tables and containers under the defaults.
    *("CHUNKS_QUEUE", "ARCHIVE_CONTAINER", "QUARANTINE_CONTAINER", "DEADLETTER_CONTAINER"),
    *("RECORDINGS_TABLE", "WORKLIST_TABLE", "LINKS_TABLE", "REQUESTS_TABLE", "CALENDAR_TABLE", "PARTICIPANTS_TABLE"),
    # Tuning, by extraSettings.
    *("BLOCK_CHECKSUM", "RANGES_IN_FLIGHT", "LEASE_SECONDS", "ATTEMPT_MINUTES", "MAX_ATTEMPTS"),
    *("SWEEP_GRACE_SECONDS", "FILES_AWAITED_MINUTES", "RETRY_BASE_SECONDS", "LINK_MINUTES"),
    # Hosts of callers' callbacks: the customer decides, by extraSettings.
    "STATE_CALLBACK_HOSTS",
    # Which calls to record, and whether consent is required: the customer decides, by extraSettings.
    *("AUTO_RECORD", "REQUIRE_CONSENT"),
    # The key of a topic that accepts keys; the templates' topic accepts none.
    "ANNOUNCE_TOPIC_KEY",
    # Where ACS's tokens come from, in Azure's public cloud.
    *("CALLBACK_ISSUER", "CALLBACK_OPENID_URL"),
    # The platform's own, and the laptop's.
    *("WEBSITE_AUTH_ENABLED", "AZURE_FUNCTIONS_ENVIRONMENT", "ACS_LOCAL_GATEWAY", "ACS_LOCAL_CA"),
}

# Parameters that bring settings of their own.
EVERYTHING = {
    "participantsSecret": "sixteen letters.",
    "sendMetrics": True,
    "entraClientId": "an-app-of-entra",
    "entraAllowAnyCaller": True,
    "announce": True,
    "deleteAfterDays": 365,
}

_QUEUES = "AzureFunctionsJobHost__extensions__queues"


def the_app_runs_python_on_flex_consumption(templates: Templates) -> None:
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


def the_host_serves_no_start_page_and_refuses_bodies_over_four_mebibytes(templates: Templates) -> None:
    """The host's own behaviour is the same in Azure, in the sample settings and in the local stack."""
    sample = json.loads((CHECKOUT / "local.settings.sample.json").read_text(encoding="utf-8"))["Values"]
    expected = {"AzureWebJobsDisableHomepage": "true", "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT": str(4 * 1024 * 1024)}
    for given in (app_settings(templates), sample):
        assert expected.items() <= given.items()
    asked = {"FUNCTIONS_REQUEST_BODY_SIZE_LIMIT": "104857600", "AzureWebJobsDisableHomepage": "false"}
    assert app_settings(templates, extraSettings=asked) == app_settings(templates)


def instances_are_kept_warm_on_request(templates: Templates) -> None:
    config = only(templates.main(alwaysReadyHttp=1, alwaysReadyArchiving=2), SITE).properties["functionAppConfig"]
    assert config["scaleAndConcurrency"]["alwaysReady"] == [
        {"name": "http", "instanceCount": 1},
        {"name": "function:archive_chunk", "instanceCount": 2},
    ]
    assert functions()["archive_chunk"]["type"] == "queueTrigger"


def the_app_accepts_only_tls_and_no_publishing_passwords(templates: Templates) -> None:
    site = only(templates.main(), SITE).properties
    assert site["httpsOnly"] is True
    assert site["siteConfig"]["minTlsVersion"] == "1.2"
    assert site["siteConfig"]["scmMinTlsVersion"] == "1.2"
    assert site["siteConfig"]["ftpsState"] == "Disabled"
    assert site["siteConfig"]["remoteDebuggingEnabled"] is False
    policies = made(templates.main(), f"{SITE}/basicPublishingCredentialsPolicies")
    allowed = {one.name.rpartition("/")[2]: one.properties["allow"] for one in policies}
    assert allowed == {"scm": False, "ftp": False}


def the_app_uses_one_identity_everywhere(templates: Templates) -> None:
    deployment = templates.main()
    site, identity = only(deployment, SITE), only(deployment, IDENTITY)
    assert site.body["identity"] == {"type": "UserAssigned", "userAssignedIdentities": {identity.id: {}}}
    package = site.properties["functionAppConfig"]["deployment"]["storage"]
    assert package["type"] == "blobContainer"
    assert package["authentication"] == {
        "type": "UserAssignedIdentity",
        "userAssignedIdentityResourceId": identity.id,
    }
    assert package["value"].rpartition("/")[2] in names(deployment, CONTAINER)
    settings = settings_of(templates)
    client = identity.member("properties").member("clientId")
    assert {settings.azure_client_id, settings.host_storage.client_id, settings.archive_storage.client_id} == {client}
    assert app_settings(templates)["AzureWebJobsStorage__credential"] == "managedidentity"


def the_apps_settings_are_known_and_hold_no_secret(templates: Templates) -> None:
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
    assert setting_names() == given.keys() - HOST_SETTINGS - METRIC_SETTINGS | LEFT_TO_DEFAULT
    assert not given.keys() & LEFT_TO_DEFAULT
    settings_of(templates, **EVERYTHING)


def the_app_knows_after_how_many_days_files_are_deleted(templates: Templates) -> None:
    assert settings_of(templates).archive_life is None
    assert settings_of(templates, deleteAfterDays=365).archive_life == timedelta(days=365)
    own_rule = {"ARCHIVE_DELETE_AFTER_DAYS": "30"}
    assert settings_of(templates, extraSettings=own_rule).archive_life == timedelta(days=30)
    assert settings_of(templates, extraSettings=own_rule, deleteAfterDays=365).archive_life == timedelta(days=365)


def the_concurrency_fits_the_memory_of_an_instance(templates: Templates) -> None:
    """Few enough jobs for the memory of their blocks, and enough blocks that no job waits for another's."""
    for memory in (512, 2048, 4096):
        given, settings = (of(templates, instanceMemoryMB=memory) for of in (app_settings, settings_of))
        jobs = int(given[f"{_QUEUES}__batchSize"]) + int(given[f"{_QUEUES}__newBatchThreshold"])
        assert settings.blocks_in_memory >= 2 * jobs
        assert settings.memory_budget_mib <= memory * 0.125
    host = read_host_json(CHECKOUT, {}).queues
    given, defaults = app_settings(templates), settings_of(templates)
    assert given[f"{_QUEUES}__batchSize"] == str(host.batch_size), "as without templates"
    assert given[f"{_QUEUES}__newBatchThreshold"] == str(host.new_batch_threshold)
    fields = type(defaults).model_fields
    assert defaults.block_size_mib == fields["block_size_mib"].default
    assert defaults.memory_budget_mib == fields["memory_budget_mib"].default


def failures_are_sampled_only_on_request(templates: Templates) -> None:
    given = app_settings(templates)
    assert given["OTEL_TRACES_SAMPLER"] == "microsoft.fixed_percentage"
    assert given["OTEL_TRACES_SAMPLER_ARG"] == "1.0"
    asked = app_settings(templates, extraSettings={"OTEL_TRACES_SAMPLER_ARG": "0.1"})
    assert asked["OTEL_TRACES_SAMPLER_ARG"] == "0.1"


def the_worker_sends_metrics_on_request_and_no_addresses(templates: Templates) -> None:
    assert not app_settings(templates).keys() & METRIC_SETTINGS
    given = app_settings(templates, sendMetrics=True)
    assert given.keys() >= METRIC_SETTINGS
    page = (CHECKOUT / "docs" / "observability.md").read_text(encoding="utf-8")
    assert f"`{given['OTEL_PYTHON_DISABLED_INSTRUMENTATIONS']}`" in page
    assert "azure_sdk" in given["OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"].split(",")


def callbacks_come_to_the_apps_own_address(templates: Templates) -> None:
    deployment, settings = templates.main(), settings_of(templates)
    assert settings.callback_url == f"{deployment.outputs['url']}/api/callbacks"
    assert functions()["receive_callbacks"]["route"] == "callbacks"
    acs = deployment.of_type("Microsoft.Communication/communicationServices")[0]
    assert settings.callback_audience == acs.member("properties").member("immutableResourceId")


def only_the_platform_sets_that_sign_in_is_on(templates: Templates) -> None:
    assert "WEBSITE_AUTH_ENABLED" not in app_settings(templates, **EVERYTHING)
    for name in ("WEBSITE_AUTH_ENABLED", "Website_Auth_Enabled"):
        try:
            templates.main(extraSettings={"BLOCK_SIZE_MIB": "4", name: "true"})
        except BicepError as error:
            refusal = str(error)
        else:
            refusal = "none"
        assert "extraSettings: remove WEBSITE_AUTH_ENABLED" in refusal


def further_settings_never_override(templates: Templates) -> None:
    given = app_settings(templates, extraSettings={"BLOCK_SIZE_MIB": "4", "ACS_ENDPOINT": "https://elsewhere.example"})
    assert given["BLOCK_SIZE_MIB"] == "4"
    assert given["ACS_ENDPOINT"] == app_settings(templates)["ACS_ENDPOINT"]
