"""The templates keep their promises, and each policy fails if its promise is broken."""

from collections.abc import Callable
from inspect import getmembers, isfunction
from pathlib import Path
from types import ModuleType

import pytest

from shared.errors import SettingsError
from tests.infra.policies import alerts, app, callers, events, monitoring, network, roles, secrets, storage
from tests.infra.templates import Templates, compiler

type Policy = Callable[[Templates], None]

_HELPERS = {
    "settings_of",
    "account_of",
    "grants",
    "sign_in",
    "all_queries",
    "query_of",
    "workbook_queries",
    "all_fields",
    "nested",
    "all_nested",
}


def _policies(of: ModuleType) -> list[Policy]:
    mine = [one for _, one in getmembers(of, isfunction) if one.__module__ == of.__name__]
    return [one for one in mine if one.__name__ not in _HELPERS and not one.__name__.startswith("_")]


POLICIES = [
    policy
    for module in (storage, app, roles, events, monitoring, alerts, callers, network, secrets)
    for policy in _policies(module)
]

MAIN, ACCOUNT, ARCHIVE, APP, ACS, SUBSCRIPTION, MONITORING = (
    "main.bicep",
    "modules/storage-account.bicep",
    "modules/archive.bicep",
    "modules/app.bicep",
    "modules/acs.bicep",
    "modules/event-subscription.bicep",
    "modules/monitoring.bicep",
)
STORAGE_LOGS, ACS_LOGS = "modules/storage-logs.bicep", "modules/acs-logs.bicep"
ANNOUNCEMENTS, SECRETS = "modules/announcements.bicep", "modules/secrets.bicep"
CARDS = "modules/teams-cards.bicep"
ALERTS, SIGN_IN, LOGIC_APP, NETWORK, ENDPOINTS = (
    "modules/alerts.bicep",
    "modules/sign-in.bicep",
    "modules/logic-app.bicep",
    "modules/network.bicep",
    "modules/private-endpoints.bicep",
)

# Which policy notices when which passage of which file is changed to what.
BREAKS: list[tuple[Policy, str, str, str]] = [
    (storage.no_account_accepts_keys_old_tls_or_anonymous_reads, ACCOUNT, "KeyAccess: false", "KeyAccess: true"),
    (storage.no_account_accepts_keys_old_tls_or_anonymous_reads, ACCOUNT, "PublicAccess: false", "PublicAccess: true"),
    (storage.no_account_accepts_keys_old_tls_or_anonymous_reads, ACCOUNT, "TLS1_2", "TLS1_0"),
    (storage.no_account_accepts_keys_old_tls_or_anonymous_reads, ACCOUNT, "Only: true", "Only: false"),
    (
        storage.no_account_accepts_keys_old_tls_or_anonymous_reads,
        ARCHIVE,
        "publicAccess: 'None'",
        "publicAccess: 'Blob'",
    ),
    (storage.every_queue_table_and_container_of_the_settings_is_declared, MAIN, "'worklist', ", ""),
    (storage.every_queue_table_and_container_of_the_settings_is_declared, MAIN, "= 'quarantine'", "= 'kept'"),
    (storage.every_queue_that_a_function_binds_is_declared, MAIN, ", '${chunksQueue}-poison'", ""),
    (
        storage.the_archive_has_its_own_account_by_default,
        MAIN,
        "OwnAccount bool = true",
        "OwnAccount bool = false",
    ),
    (storage.deleted_files_can_be_restored, MAIN, "versioning: true", "versioning: false"),
    (storage.deleted_files_can_be_restored, MAIN, "!archiveInOwnAccount\n", "false\n"),
    (storage.deleted_files_can_be_restored, ACCOUNT, "enabled: true", "enabled: false"),
    (storage.recordings_move_and_expire_only_on_request, MAIN, "deleteAfterDays int = 0", "deleteAfterDays int = 90"),
    (storage.recordings_move_and_expire_only_on_request, ARCHIVE, "tierToCool, tierToCold", "tierToCool"),
    (storage.each_account_has_its_own_redundancy, MAIN, "sku: archiveStorageSku", "sku: hostStorageSku"),
    (storage.recordings_move_and_expire_only_on_request, ARCHIVE, "['${archiveContainer}/']", "[]"),
    (storage.quarantined_items_expire, MAIN, "quarantineDays int = 90", "quarantineDays int = 0"),
    (storage.quarantined_items_expire, MAIN, "? '' : deadLetterContainer", "? '' : ''"),
    (storage.quarantined_items_expire, ARCHIVE, "['${quarantineContainer}/']", "['${archiveContainer}/']"),
    (storage.recordings_are_immutable_on_request, MAIN, "immutabilityDays int = 0", "immutabilityDays int = 1"),
    (storage.recordings_are_immutable_on_request, ARCHIVE, "parent: recordings", "parent: quarantine"),
    (storage.a_locked_rule_is_left_as_it_is, ARCHIVE, " && !immutabilityLocked", ""),
    (
        storage.only_the_page_may_read_the_archive_from_another_origin,
        MAIN,
        "readingOrigins: allPageOrigins\n",
        "readingOrigins: pageOrigins\n",
    ),
    (storage.only_the_page_may_read_the_archive_from_another_origin, ACCOUNT, "['GET', 'HEAD']", "['GET', 'PUT']"),
    (
        storage.only_the_page_may_read_the_archive_from_another_origin,
        MAIN,
        "? [] : allPageOrigins",
        "? allPageOrigins : []",
    ),
    (storage.the_archive_is_locked_on_request, MAIN, "lockArchive bool = false", "lockArchive bool = true"),
    (storage.the_archive_is_locked_on_request, ARCHIVE, "'CanNotDelete'", "'ReadOnly'"),
    (storage.the_archive_is_locked_on_request, ARCHIVE, "  scope: account\n", ""),
    (storage.long_links_are_logged_and_encryption_follows_the_parameters, ACCOUNT, "'1.00:00:00'", "'7.00:00:00'"),
    (
        storage.long_links_are_logged_and_encryption_follows_the_parameters,
        ACCOUNT,
        "'Service' : 'Account'",
        "'Service' : 'Service'",
    ),
    (
        storage.long_links_are_logged_and_encryption_follows_the_parameters,
        MAIN,
        "    keyIdentityId: encryptionIdentityId\n",
        "    keyIdentityId: ''\n",
    ),
    (app.the_app_runs_python_on_flex_consumption, APP, "'3.13'", "'3.12'"),
    (app.the_app_runs_python_on_flex_consumption, MAIN, "httpConcurrency int = 16", "httpConcurrency int = 1"),
    (
        app.the_host_serves_no_start_page_and_refuses_bodies_over_four_mebibytes,
        MAIN,
        "SIZE_LIMIT: '4194304'",
        "SIZE_LIMIT: '104857600'",
    ),
    (
        app.the_host_serves_no_start_page_and_refuses_bodies_over_four_mebibytes,
        MAIN,
        "      AzureWebJobsDisableHomepage: 'true'\n",
        "",
    ),
    (app.running_functions_finish_before_an_update_on_request, APP, "union(updateStrategy, {", "union({}, {"),
    (app.instances_are_kept_warm_on_request, MAIN, "'archive_chunk'", "'archive'"),
    (app.the_app_accepts_only_tls_and_no_publishing_passwords, APP, "httpsOnly: true", "httpsOnly: false"),
    (app.the_app_accepts_only_tls_and_no_publishing_passwords, APP, "'1.2'", "'1.0'"),
    (
        app.the_app_sets_nothing_that_flex_consumption_refuses,
        APP,
        "http20Enabled: true",
        "http20Enabled: true\n      ftpsState: 'Disabled'",
    ),
    (app.the_app_accepts_only_tls_and_no_publishing_passwords, APP, "allow: false", "allow: true"),
    (app.the_app_uses_one_identity_everywhere, APP, "'UserAssigned'", "'SystemAssigned'"),
    (app.the_app_uses_one_identity_everywhere, APP, "'UserAssignedIdentity'", "'StorageAccountConnectionString'"),
    (app.the_app_uses_one_identity_everywhere, MAIN, "      AZURE_CLIENT_ID: identity.properties.clientId\n", ""),
    (app.the_app_uses_one_identity_everywhere, MAIN, "[packageContainer, ", "["),
    (app.the_apps_settings_are_known_and_hold_no_secret, MAIN, "      ACS_ENDPOINT: acs.outputs.endpoint\n", ""),
    (app.the_apps_settings_are_known_and_hold_no_secret, MAIN, "RETENTION_HOURS:", "RETENTION:"),
    (app.every_setting_is_set_or_left_on_purpose, MAIN, "      DELETE_SOURCE: string(deleteSource)\n", ""),
    (
        app.the_app_knows_after_how_many_days_files_are_deleted,
        MAIN,
        "fixedSettings: union(retentionSettings, ",
        "fixedSettings: union(",
    ),
    (
        app.a_dry_run_shows_every_setting_and_every_resource_by_name,
        APP,
        "param fixedSettings object",
        "@secure()\nparam fixedSettings object",
    ),
    (
        app.a_dry_run_shows_every_setting_and_every_resource_by_name,
        "modules/container-roles.bicep",
        "key, roleId)",
        "principalId, roleId)",
    ),
    (
        app.further_settings_never_override,
        MAIN,
        "proposedSettings, signInSettings, furtherSettings",
        "furtherSettings, signInSettings, proposedSettings",
    ),
    (app.the_concurrency_fits_the_memory_of_an_instance, MAIN, "budgetMib: '64'", "budgetMib: '192'"),
    (app.the_concurrency_fits_the_memory_of_an_instance, MAIN, "batch: '8'", "batch: '16'"),
    (app.failures_are_sampled_only_on_request, MAIN, "ARG: '1.0'", "ARG: '0.05'"),
    (app.failures_are_sampled_only_on_request, MAIN, "microsoft.fixed_percentage", "microsoft.rate_limited"),
    (app.the_worker_sends_metrics_on_request_and_no_addresses, MAIN, "azure_sdk,", ""),
    (
        roles.roles_are_exactly_these,
        MAIN,
        "roleId: roles.storageBlobDataContributor",
        "roleId: roles.storageBlobDataOwner",
    ),
    (
        roles.roles_are_exactly_these,
        MAIN,
        "containers: [deadLetterContainer]",
        "containers: [deadLetterContainer, packageContainer]",
    ),
    (
        roles.roles_are_exactly_these,
        MAIN,
        "09976791-48a7-449e-bb21-39d1a415f350",
        "b24988ac-6180-42a0-ab88-20f7382dd24c",
    ),
    (roles.a_named_operator_has_the_roles_that_the_commands_need, MAIN, "concat([app], operators)", "[app]"),
    (
        roles.an_operator_may_write_tables_only_to_rebuild,
        MAIN,
        "operatorMayRebuild bool = false",
        "operatorMayRebuild bool = true",
    ),
    (roles.every_role_assignment_states_its_reason, MAIN, "// Event Grid writes undelivered events there.\n", ""),
    (
        roles.every_role_assignment_states_its_reason,
        MAIN,
        "      // Reads and writes the catalogue, the worklist and the host's own diagnostic events.\n",
        "",
    ),
    (roles.no_role_is_assigned_on_a_resource_group, "modules/account-roles.bicep", "    scope: account\n", ""),
    (events.the_topic_is_that_of_the_acs_resource, ACS, "'global'", "'westeurope'"),
    (events.the_topic_is_that_of_the_acs_resource, MAIN, "  scope: resourceGroup(acsResourceGroup)\n", ""),
    (
        events.an_existing_topic_is_used,
        MAIN,
        "createSystemTopic: empty(systemTopicName)",
        "createSystemTopic: true",
    ),
    (events.the_acs_resource_is_created_only_on_request, MAIN, "createAcs bool = false", "createAcs bool = true"),
    (events.events_go_to_the_function_that_processes_them, "events.bicep", "on_recording_event", "sweep"),
    (
        events.events_go_to_the_function_that_processes_them,
        SUBSCRIPTION,
        "maxEventsPerBatch: 1",
        "maxEventsPerBatch: 10",
    ),
    (
        events.only_the_events_that_callvault_uses_are_subscribed,
        "events.bicep",
        "RecordingFileStatusUpdated",
        "ChatMessageReceived",
    ),
    (events.the_announcement_topic_is_created_on_request, ANNOUNCEMENTS, "'CloudEventSchemaV1_0'", "'EventGridSchema'"),
    (events.the_announcement_topic_is_created_on_request, ANNOUNCEMENTS, "Auth: true", "Auth: false"),
    (events.cards_get_announcements_over_a_queue_of_their_own, CARDS, "'CloudEventSchemaV1_0'", "'EventGridSchema'"),
    (events.cards_get_announcements_over_a_queue_of_their_own, MAIN, ", 'Callvault.ChunkFailed', ", ", "),
    (events.cards_are_posted_by_an_identity_that_reads_only_their_queue, CARDS, "scope: account::queues::queue", ""),
    (
        events.cards_are_posted_by_an_identity_that_reads_only_their_queue,
        MAIN,
        "processorRoleId: roles.storageQueueDataMessageProcessor",
        "processorRoleId: roles.storageQueueDataContributor",
    ),
    (events.cards_go_to_teams_only_over_tls, MAIN, "startsWith(teamsUrl, 'https://')", "startsWith(teamsUrl, 'http')"),
    (secrets.secrets_appear_in_no_deployment_history, CARDS, "@secure()\n", ""),
    (roles.the_app_may_only_send_to_the_topic, ANNOUNCEMENTS, "  scope: topic\n", ""),
    (events.delivery_ends_while_the_media_exist, "events.bicep", "min(retentionHours * 30, 1440)", "1440"),
    (events.undelivered_events_are_dead_lettered, "events.bicep", "= 'deadletter'", "= 'letters'"),
    (events.undelivered_events_are_dead_lettered, SUBSCRIPTION, "'SystemAssigned'", "'UserAssigned'"),
    (
        events.with_a_package_one_deployment_does_everything_in_order,
        "modules/package.bicep",
        "remoteBuild: false",
        "remoteBuild: true",
    ),
    (
        events.with_a_package_one_deployment_does_everything_in_order,
        MAIN,
        "dependsOn: [package, deadLetterRole, alerts]",
        "dependsOn: [deadLetterRole, alerts]",
    ),
    (
        events.with_a_package_one_deployment_does_everything_in_order,
        MAIN,
        "packageUrl string = ''",
        "packageUrl string = 'https://a'",
    ),
    (
        events.no_deployment_has_the_name_of_one_that_it_is_part_of,
        "events.bicep",
        "'callvault-event-subscription'",
        "'callvault-events'",
    ),
    (
        monitoring.telemetry_accepts_only_identities,
        MONITORING,
        "disableLocalAuth: true",
        "disableLocalAuth: false",
    ),
    (
        monitoring.telemetry_accepts_only_identities,
        MONITORING,
        "DisableLocalAuth: true",
        "DisableLocalAuth: false",
    ),
    (
        monitoring.reads_and_deletes_outside_the_app_are_logged,
        MAIN,
        "accessLogs bool = true",
        "accessLogs bool = false",
    ),
    (monitoring.reads_and_deletes_outside_the_app_are_logged, STORAGE_LOGS, ", 'StorageDelete'", ""),
    (monitoring.reads_and_deletes_outside_the_app_are_logged, STORAGE_LOGS, "scope: host::tables", "scope: host"),
    (monitoring.reads_and_deletes_outside_the_app_are_logged, ACS_LOGS, "'CallRecordingSummary'", "'CallSummary'"),
    (
        monitoring.the_queries_cover_signed_links_and_batches,
        "queries/who-read.kql",
        'GetUserDelegationKey" and',
        'x" and',
    ),
    (
        monitoring.the_queries_cover_signed_links_and_batches,
        "queries/deleted-outside.kql",
        ' or OperationName == "EntityGroupTransaction"',
        "",
    ),
    (
        monitoring.two_saved_queries_show_who_read_and_who_deleted,
        STORAGE_LOGS,
        "replace(query.text, '<object id of the app>', appPrincipalId)",
        "query.text",
    ),
    (
        monitoring.two_saved_queries_show_who_read_and_who_deleted,
        "queries/who-read.kql",
        "isnotempty(RequesterUpn)",
        "isnotempty(RequesterName)",
    ),
    (
        alerts.every_line_is_in_two_windows_and_rules_run_no_more_often_than_needed,
        ALERTS,
        "minutes < 30 ? 'PT5M' : 'PT15M'",
        "minutes < 30 ? 'PT15M' : 'PT15M'",
    ),
    (
        alerts.every_line_is_in_two_windows_and_rules_run_no_more_often_than_needed,
        ALERTS,
        "minutes < 30 ? 'PT5M' : 'PT15M'",
        "minutes < 30 ? 'PT5M' : 'PT5M'",
    ),
    (alerts.every_promised_alert_exists, ALERTS, "name: 'events-dropped'", "name: 'dropped'"),
    (alerts.every_promised_alert_exists, MAIN, "alertsEnabled bool = true", "alertsEnabled bool = false"),
    (
        alerts.queries_use_only_lines_fields_and_metrics_of_the_code,
        "queries/failed.kql",
        "chunk given up {",
        "chunk has failed {",
    ),
    (
        alerts.queries_use_only_lines_fields_and_metrics_of_the_code,
        "queries/quarantined.kql",
        "line.blob",
        "line.blobName",
    ),
    (alerts.queries_parse_lines_as_the_code_writes_them, "queries/poison.kql", "keep_poison_message", "keep_message"),
    (
        alerts.queries_use_only_lines_fields_and_metrics_of_the_code,
        "workbook.json",
        "callvault.chunks.ended",
        "callvault.chunks.end",
    ),
    (alerts.queries_parse_lines_as_the_code_writes_them, "queries/lost.kql", '"end": "lost"', '"end":"lost"'),
    (alerts.every_error_line_has_an_alert, "queries/lost.kql", "chunk past its deadline {", "sweep finished {"),
    (alerts.the_loss_of_a_recording_is_critical, ALERTS, "severity: 0", "severity: 3"),
    (alerts.missing_sweep_runs_raise_an_alert, ALERTS, "'LessThan'", "'GreaterThan'"),
    (alerts.missing_sweep_runs_raise_an_alert, "queries/sweep.kql", "sweep finished {", "chunk queued again {"),
    (
        alerts.poison_messages_raise_an_alert,
        "queries/poison.kql",
        "poison messages waiting",
        "something is on the",
    ),
    (
        alerts.rows_that_the_sweep_cannot_check_raise_an_alert,
        "queries/sweep-incomplete.kql",
        "row unreadable {",
        "sweep finished {",
    ),
    (alerts.undelivered_events_raise_an_alert, ALERTS, "'DeadLetteredCount'", "'DroppedEventCount'"),
    (alerts.every_alert_reaches_the_named_recipients, ALERTS, "concat(actionGroupIds, ", "concat([], "),
    (alerts.the_workbook_shows_every_error_line, "workbook.json", "poison message kept {", "sweep finished {"),
    (app.callbacks_come_to_the_apps_own_address, APP, "/api/callbacks", "/callbacks"),
    (
        callers.callers_must_sign_in_if_sign_in_is_configured,
        SIGN_IN,
        "requireAuthentication: true",
        "requireAuthentication: false",
    ),
    (callers.callers_must_sign_in_if_sign_in_is_configured, SIGN_IN, "'Return401'", "'AllowAnonymous'"),
    (callers.only_routes_with_another_credential_skip_the_sign_in, MAIN, "'/runtime/webhooks/*'", "'/*'"),
    (callers.only_routes_with_another_credential_skip_the_sign_in, MAIN, "      '/api/callbacks'\n", ""),
    (callers.only_routes_with_another_credential_skip_the_sign_in, MAIN, "'/api/swagger.json'", "'/api/events'"),
    (callers.only_routes_with_another_credential_skip_the_sign_in, MAIN, "'/api/callbacks'\n", "'/api/*'\n"),
    (callers.signed_in_callers_need_no_key_by_default, MAIN, "REPLACES_KEY: 'true'", "REPLACES_KEY: 'false'"),
    (
        callers.signed_in_callers_need_no_key_by_default,
        MAIN,
        "signInSettings = empty(entraClientId)",
        "signInSettings = !empty(acsName)",
    ),
    (callers.allowed_callers_can_be_named, SIGN_IN, "identities: allowedPrincipalIds", "identities: []"),
    (callers.allowed_callers_can_be_named, SIGN_IN, "groups: allowedGroupIds", "groups: []"),
    (callers.allowed_callers_can_be_named, SIGN_IN, "groups: allowedGroupIds", "groups: allowedPrincipalIds"),
    (
        callers.unnamed_callers_are_allowed_only_on_request,
        MAIN,
        "callersAreNamed || entraAllowAnyCaller",
        "!empty(acsName)",
    ),
    (callers.unnamed_callers_are_allowed_only_on_request, MAIN, "AnyCaller bool = false", "AnyCaller bool = true"),
    (callers.the_list_of_callers_fits_the_platforms_limit, MAIN, "@maxLength(12)\nparam entra", "param entra"),
    (
        callers.the_samples_identity_is_an_output,
        MAIN,
        "? logicApp!.outputs.principalId : ''",
        "? identity.properties.principalId : ''",
    ),
    (callers.the_sample_logic_app_is_created_on_request_and_signs_in, MAIN, "if (sampleLogicApp && ", "if ("),
    (
        callers.the_sample_logic_app_is_created_on_request_and_signs_in,
        LOGIC_APP,
        "value: audience",
        "value: callvaultUrl",
    ),
    (
        callers.the_sample_logic_app_sends_the_record_only_over_tls,
        MAIN,
        "startsWith(sampleResultUrl, 'https://')",
        "startsWith(sampleResultUrl, 'http')",
    ),
    (secrets.secrets_appear_in_no_deployment_history, APP, "@secure()\n", ""),
    (secrets.secrets_appear_in_no_deployment_history, LOGIC_APP, "@secure()\n", ""),
    (secrets.secrets_appear_in_no_deployment_history, MAIN, "@secure()\nparam extra", "param extra"),
    (
        app.only_the_platform_sets_that_sign_in_is_on,
        MAIN,
        "'WEBSITE_AUTH_ENABLED'",
        "'WEBSITE_AUTH'",
    ),
    (secrets.secrets_are_created_once_and_every_reference_names_one, SECRETS, "@onlyIfNotExists()\n", ""),
    (secrets.secrets_are_created_once_and_every_reference_names_one, SECRETS, "'callback-secret'", "'callbacks'"),
    (secrets.the_vault_requires_a_role_and_cannot_be_purged, SECRETS, "Authorization: true", "Authorization: false"),
    (secrets.the_vault_requires_a_role_and_cannot_be_purged, SECRETS, "Protection: true", "Protection: false"),
    (secrets.the_vault_requires_a_role_and_cannot_be_purged, MAIN, "kv-${stem}", "kv-${name}"),
    (
        secrets.no_output_contains_a_secret,
        APP,
        "output url string",
        "output secret object = secretSettings\noutput url string",
    ),
    (
        network.the_network_is_created_only_on_request,
        MAIN,
        "privateNetworking bool = false",
        "privateNetworking bool = true",
    ),
    (network.storage_has_no_public_access, MAIN, "? 'Disabled'", "? 'Guarded'"),
    (network.storage_has_no_public_access, MAIN, "? 'Guarded'", "? 'Disabled'"),
    (network.storage_has_no_public_access, ACCOUNT, "'None' : 'AzureServices'", "'None' : 'None'"),
    (network.every_service_in_use_has_an_endpoint_and_a_name, MAIN, "['blob', 'queue', 'table']", "['blob', 'queue']"),
    (network.every_service_in_use_has_an_endpoint_and_a_name, ENDPOINTS, "zones[i].id", "zones[0].id"),
    (
        network.the_apps_outbound_traffic_uses_its_own_subnet,
        MAIN,
        "? network!.outputs.appSubnetId : appSubnetId",
        "? '' : ''",
    ),
    (
        network.own_subnets_zones_and_workspace_are_used,
        MAIN,
        "createNetwork ? resourceGroup().id : dnsZoneGroupId",
        "resourceGroup().id",
    ),
    (
        network.own_subnets_zones_and_workspace_are_used,
        MONITORING,
        "= if (empty(existingWorkspaceId)) {",
        "= {",
    ),
    (
        network.the_apps_outbound_traffic_uses_its_own_subnet,
        NETWORK,
        "Microsoft.App/environments",
        "Microsoft.Web/serverFarms",
    ),
]


def _sentence(policy: Policy) -> str:
    return policy.__name__


@pytest.mark.parametrize("policy", POLICIES, ids=_sentence)
def test_the_templates_keep_what_they_promise(policy: Policy):
    policy(Templates())


@pytest.mark.parametrize(("policy", "file", "old", "new"), BREAKS, ids=[one[0].__name__ for one in BREAKS])
def test_a_policy_notices_what_breaks_it(policy: Policy, file: str, old: str, new: str, tmp_path: Path):
    compiler()
    with pytest.raises((AssertionError, SettingsError)):
        policy(Templates().broken(tmp_path, file, old, new))


def test_every_policy_is_proved_to_bite():
    assert {policy for policy, *_ in BREAKS} == set(POLICIES)
