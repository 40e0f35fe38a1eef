"""The function app: its runtime and its network access. It sets only settings that Callvault has."""

import json
from datetime import timedelta

from infra.package import CHECKOUT
from local.host.configuration.config import read_host_json
from tests.infra.expressions import look
from tests.infra.policies.storage import CONTAINER, settings_of
from tests.infra.product import HOST_SETTINGS, METRIC_SETTINGS, app_settings, functions, setting_names
from tests.infra.templates import ACS, Templates, made, names, only

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

# Properties of siteConfig that newer stamps of Flex Consumption refuse (ARM error 51021).
REFUSED_ON_FLEX = {
    *("ftpsState", "use32BitWorkerProcess", "preWarmedInstanceCount", "netFrameworkVersion"),
    "functionsRuntimeScaleMonitoringEnabled",
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
    assert expected.items() <= app_settings(templates, "settings").items()


def instances_are_kept_warm_on_request(templates: Templates) -> None:
    config = only(templates.main("small"), SITE).properties["functionAppConfig"]
    assert config["scaleAndConcurrency"]["alwaysReady"] == [
        {"name": "http", "instanceCount": 2},
        {"name": "function:archive_chunk", "instanceCount": 2},
    ]
    assert functions()["archive_chunk"]["type"] == "queueTrigger"


def running_functions_finish_before_an_update_on_request(templates: Templates) -> None:
    config = only(templates.main("small"), SITE).properties["functionAppConfig"]
    assert config.get("siteUpdateStrategy") == {"type": "RollingUpdate"}
    assert "siteUpdateStrategy" not in only(templates.main(), SITE).properties["functionAppConfig"], "a preview"


def the_app_accepts_only_tls_and_no_publishing_passwords(templates: Templates) -> None:
    site = only(templates.main(), SITE).properties
    assert site["httpsOnly"] is True
    assert site["siteConfig"]["minTlsVersion"] == "1.2"
    assert site["siteConfig"]["scmMinTlsVersion"] == "1.2"
    assert site["siteConfig"]["remoteDebuggingEnabled"] is False
    policies = made(templates.main(), f"{SITE}/basicPublishingCredentialsPolicies")
    allowed = {one.name.rpartition("/")[2]: one.properties["allow"] for one in policies}
    assert allowed == {"scm": False}


def the_app_sets_nothing_that_flex_consumption_refuses(templates: Templates) -> None:
    for scenario in ("default", "everything", "private", "small"):
        assert not only(templates.main(scenario), SITE).properties["siteConfig"].keys() & REFUSED_ON_FLEX


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
    assert look(package["value"]).rpartition("/")[2] in names(deployment, CONTAINER)
    settings, given = settings_of(templates), app_settings(templates)
    assert identity.gives(given.get("AZURE_CLIENT_ID", ""), "clientId")
    client = look(given["AZURE_CLIENT_ID"])
    assert {settings.azure_client_id, settings.host_storage.client_id, settings.archive_storage.client_id} == {client}
    assert app_settings(templates)["AzureWebJobsStorage__credential"] == "managedidentity"


def the_apps_settings_are_known_and_hold_no_secret(templates: Templates) -> None:
    given = app_settings(templates)
    settings = settings_of(templates)  # refused when one that is required lacks, or one is wrong
    assert given.keys() - setting_names() == HOST_SETTINGS
    assert settings.acs_connection_string is None
    assert settings.host_storage.connection_string is None
    assert settings.archive_storage.connection_string is None
    assert settings_of(templates, "quiet").retention_hours == 48
    assert settings_of(templates, "quiet").delete_source is False


def every_setting_is_set_or_left_on_purpose(templates: Templates) -> None:
    given = app_settings(templates, "everything")
    assert setting_names() == given.keys() - HOST_SETTINGS - METRIC_SETTINGS | LEFT_TO_DEFAULT
    assert not given.keys() & LEFT_TO_DEFAULT
    settings_of(templates, "everything")


def a_dry_run_shows_every_setting_and_every_resource_by_name(templates: Templates) -> None:
    """Azure's what-if shows nothing of a resource whose name it can't work out, or of properties that are secure."""
    for scenario in ("default", "everything", "private"):
        deployment = templates.main(scenario)
        assert not [one.name for one in deployment.resources if "reference(" in one.name + one.id.partition("guid(")[2]]
        given = app_settings(templates, scenario)
        assert isinstance(given, dict), "one expression for all settings"
        assert all(isinstance(value, str) for value in given.values())


def the_app_knows_after_how_many_days_files_are_deleted(templates: Templates) -> None:
    assert settings_of(templates).archive_life is None
    assert settings_of(templates, "keep").archive_life == timedelta(days=400)
    assert settings_of(templates, "settings").archive_life == timedelta(days=30), "a rule of the deployer's own"
    assert settings_of(templates, "everything").archive_life == timedelta(days=365)


def the_concurrency_fits_the_memory_of_an_instance(templates: Templates) -> None:
    """Few enough jobs for the memory of their blocks, and enough blocks that no job waits for another's."""
    for memory, scenario in ((512, "small"), (2048, "default"), (4096, "large")):
        given, settings = (of(templates, scenario) for of in (app_settings, settings_of))
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
    asked = app_settings(templates, "settings")
    assert asked["OTEL_TRACES_SAMPLER_ARG"] == "0.1"


def the_worker_sends_metrics_on_request_and_no_addresses(templates: Templates) -> None:
    assert not app_settings(templates).keys() & METRIC_SETTINGS
    given = app_settings(templates, "announce")
    assert given.keys() >= METRIC_SETTINGS
    page = (CHECKOUT / "docs" / "observability.md").read_text(encoding="utf-8")
    assert f"`{given['OTEL_PYTHON_DISABLED_INSTRUMENTATIONS']}`" in page
    assert "azure_sdk" in given["OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"].split(",")


def callbacks_come_to_the_apps_own_address(templates: Templates) -> None:
    deployment, settings = templates.main(), settings_of(templates)
    assert settings.callback_url == f"{look(deployment.outputs['url'])}/api/callbacks"
    assert functions()["receive_callbacks"]["route"] == "callbacks"
    audience = app_settings(templates)["CALLBACK_AUDIENCE"]
    assert f"/communicationServices/{ACS}'" in audience
    assert audience.endswith(".immutableResourceId]")


def only_the_platform_sets_that_sign_in_is_on(templates: Templates) -> None:
    """Scenarios show the refusal for extraSettings; a snapshot doesn't work out what is secure."""
    assert "WEBSITE_AUTH_ENABLED" not in app_settings(templates, "everything")
    variables = templates.compiled()["variables"]
    assert variables["refusedSetting"] == "WEBSITE_AUTH_ENABLED"
    for variable, parameter in (("furtherSettings", "extraSettings"), ("secretNames", "extraSecretSettings")):
        assert variables[variable].startswith(
            f"[if(contains(format(',{{0}},', toUpper(join(objectKeys(parameters('{parameter}')), ','))), "
            f"format(',{{0}},', variables('refusedSetting'))), fail("
        )


def further_settings_never_override(templates: Templates) -> None:
    given = app_settings(templates, "settings")
    assert given["BLOCK_SIZE_MIB"] == "4"
    assert given["RETENTION_HOURS"] == app_settings(templates)["RETENTION_HOURS"]
