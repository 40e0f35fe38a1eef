"""The templates keep their promises; and each policy that says so fails when its promise is broken."""

from collections.abc import Callable
from inspect import getmembers, isfunction
from pathlib import Path
from types import ModuleType

import pytest

from infra.bicep.compiler import BicepError
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
ALERTS, SIGN_IN, LOGIC_APP, NETWORK, ENDPOINTS = (
    "modules/alerts.bicep",
    "modules/sign-in.bicep",
    "modules/logic-app.bicep",
    "modules/network.bicep",
    "modules/private-endpoints.bicep",
)

# Which policy notices when which passage of which file is changed to what.
BREAKS: list[tuple[Policy, str, str, str]] = [
    (storage.no_account_takes_keys_old_tls_or_anonymous_readers, ACCOUNT, "KeyAccess: false", "KeyAccess: true"),
    (storage.no_account_takes_keys_old_tls_or_anonymous_readers, ACCOUNT, "PublicAccess: false", "PublicAccess: true"),
    (storage.no_account_takes_keys_old_tls_or_anonymous_readers, ACCOUNT, "TLS1_2", "TLS1_0"),
    (storage.no_account_takes_keys_old_tls_or_anonymous_readers, ACCOUNT, "Only: true", "Only: false"),
    (
        storage.no_account_takes_keys_old_tls_or_anonymous_readers,
        ARCHIVE,
        "publicAccess: 'None'",
        "publicAccess: 'Blob'",
    ),
    (storage.every_queue_table_and_container_of_the_settings_is_declared, MAIN, "'worklist', ", ""),
    (storage.every_queue_table_and_container_of_the_settings_is_declared, MAIN, "= 'quarantine'", "= 'kept'"),
    (storage.every_queue_that_a_function_binds_is_declared, MAIN, ", '${chunksQueue}-poison'", ""),
    (
        storage.the_archive_has_an_account_of_its_own_unless_told_otherwise,
        MAIN,
        "OwnAccount bool = true",
        "OwnAccount bool = false",
    ),
    (storage.what_is_deleted_from_the_archive_can_be_had_back, MAIN, "versioning: true", "versioning: false"),
    (storage.what_is_deleted_from_the_archive_can_be_had_back, MAIN, "!archiveInOwnAccount\n", "false\n"),
    (storage.what_is_deleted_from_the_archive_can_be_had_back, ACCOUNT, "enabled: true", "enabled: false"),
    (storage.no_recording_moves_or_expires_unless_asked, MAIN, "deleteAfterDays int = 0", "deleteAfterDays int = 90"),
    (storage.no_recording_moves_or_expires_unless_asked, ARCHIVE, "tierToCool, tierToCold", "tierToCool"),
    (storage.each_account_has_the_redundancy_that_it_is_given, MAIN, "sku: archiveStorageSku", "sku: hostStorageSku"),
    (storage.no_recording_moves_or_expires_unless_asked, ARCHIVE, "['${archiveContainer}/']", "[]"),
    (storage.what_nobody_could_read_expires, MAIN, "quarantineDays int = 90", "quarantineDays int = 0"),
    (storage.what_nobody_could_read_expires, MAIN, "? '' : deadLetterContainer", "? '' : ''"),
    (storage.what_nobody_could_read_expires, ARCHIVE, "['${quarantineContainer}/']", "['${archiveContainer}/']"),
    (storage.recordings_can_be_written_once_where_asked, MAIN, "immutabilityDays int = 0", "immutabilityDays int = 1"),
    (storage.recordings_can_be_written_once_where_asked, ARCHIVE, "parent: recordings", "parent: quarantine"),
    (app.it_runs_python_on_flex_consumption, APP, "'3.13'", "'3.12'"),
    (app.it_runs_python_on_flex_consumption, MAIN, "httpConcurrency int = 16", "httpConcurrency int = 1"),
    (
        app.the_host_answers_for_itself_with_no_page_and_takes_no_body_over_a_mebibyte,
        MAIN,
        "SIZE_LIMIT: '1048576'",
        "SIZE_LIMIT: '104857600'",
    ),
    (
        app.the_host_answers_for_itself_with_no_page_and_takes_no_body_over_a_mebibyte,
        MAIN,
        "      AzureWebJobsDisableHomepage: 'true'\n",
        "",
    ),
    (app.running_functions_finish_before_an_update_where_asked, APP, "union(updateStrategy, {", "union({}, {"),
    (app.instances_are_kept_warm_where_asked, MAIN, "'archive_chunk'", "'archive'"),
    (app.it_is_reached_by_tls_alone_and_published_to_without_passwords, APP, "httpsOnly: true", "httpsOnly: false"),
    (app.it_is_reached_by_tls_alone_and_published_to_without_passwords, APP, "'1.2'", "'1.0'"),
    (
        app.it_sets_nothing_that_flex_consumption_refuses,
        APP,
        "http20Enabled: true",
        "http20Enabled: true\n      ftpsState: 'Disabled'",
    ),
    (app.it_is_reached_by_tls_alone_and_published_to_without_passwords, APP, "allow: false", "allow: true"),
    (app.it_is_one_identity_to_everything, APP, "'UserAssigned'", "'SystemAssigned'"),
    (app.it_is_one_identity_to_everything, APP, "'UserAssignedIdentity'", "'StorageAccountConnectionString'"),
    (app.it_is_one_identity_to_everything, MAIN, "      AZURE_CLIENT_ID: identity.properties.clientId\n", ""),
    (app.it_is_one_identity_to_everything, MAIN, "[packageContainer, ", "["),
    (app.its_settings_are_the_products_and_hold_no_secret, MAIN, "      ACS_ENDPOINT: acs.outputs.endpoint\n", ""),
    (app.its_settings_are_the_products_and_hold_no_secret, MAIN, "RETENTION_HOURS:", "RETENTION:"),
    (app.every_setting_is_set_or_left_on_purpose, MAIN, "      DELETE_SOURCE: string(deleteSource)\n", ""),
    (
        app.it_knows_after_how_many_days_files_are_deleted,
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
    (app.an_instance_takes_on_what_fits_its_memory, MAIN, "budgetMib: '64'", "budgetMib: '192'"),
    (app.an_instance_takes_on_what_fits_its_memory, MAIN, "batch: '8'", "batch: '16'"),
    (app.no_failure_is_sampled_away_unless_asked, MAIN, "ARG: '1.0'", "ARG: '0.05'"),
    (app.no_failure_is_sampled_away_unless_asked, MAIN, "microsoft.fixed_percentage", "microsoft.rate_limited"),
    (app.the_worker_sends_metrics_where_asked_and_no_addresses_with_them, MAIN, "azure_sdk,", ""),
    (
        roles.nobody_holds_more_than_this,
        MAIN,
        "roleId: roles.storageBlobDataContributor",
        "roleId: roles.storageBlobDataOwner",
    ),
    (
        roles.nobody_holds_more_than_this,
        MAIN,
        "containers: [deadLetterContainer]",
        "containers: [deadLetterContainer, packageContainer]",
    ),
    (
        roles.nobody_holds_more_than_this,
        MAIN,
        "09976791-48a7-449e-bb21-39d1a415f350",
        "b24988ac-6180-42a0-ab88-20f7382dd24c",
    ),
    (roles.an_operator_holds_what_the_commands_need_if_named, MAIN, "concat([app], operators)", "[app]"),
    (
        roles.an_operator_writes_tables_only_to_rebuild,
        MAIN,
        "operatorMayRebuild bool = false",
        "operatorMayRebuild bool = true",
    ),
    (roles.every_role_is_given_with_its_reason, MAIN, "// Event Grid writes undelivered events there.\n", ""),
    (
        roles.every_role_is_given_with_its_reason,
        MAIN,
        "      // Reads and writes the catalogue, the worklist and the host's own diagnostic events.\n",
        "",
    ),
    (roles.no_role_is_held_on_a_whole_group, "modules/account-roles.bicep", "    scope: account\n", ""),
    (events.the_topic_is_that_of_the_acs_resource, ACS, "'global'", "'westeurope'"),
    (events.the_topic_is_that_of_the_acs_resource, MAIN, "  scope: resourceGroup(acsResourceGroup)\n", ""),
    (
        events.a_topic_that_is_there_is_used,
        MAIN,
        "createSystemTopic: empty(systemTopicName)",
        "createSystemTopic: true",
    ),
    (events.the_acs_resource_is_made_only_on_request, MAIN, "createAcs bool = false", "createAcs bool = true"),
    (events.events_go_to_the_function_that_takes_them, "events.bicep", "on_recording_event", "sweep"),
    (events.events_go_to_the_function_that_takes_them, SUBSCRIPTION, "maxEventsPerBatch: 1", "maxEventsPerBatch: 10"),
    (events.only_our_events_are_asked_for, "events.bicep", "RecordingFileStatusUpdated", "ChatMessageReceived"),
    (events.announcements_have_a_topic_where_asked, ANNOUNCEMENTS, "'CloudEventSchemaV1_0'", "'EventGridSchema'"),
    (events.announcements_have_a_topic_where_asked, ANNOUNCEMENTS, "Auth: true", "Auth: false"),
    (roles.who_announces_may_send_to_the_topic_and_no_more, ANNOUNCEMENTS, "  scope: topic\n", ""),
    (events.delivery_ends_while_the_media_are_there, "events.bicep", "min(retentionHours * 30, 1440)", "1440"),
    (events.what_cannot_be_delivered_is_kept, "events.bicep", "= 'deadletter'", "= 'letters'"),
    (events.what_cannot_be_delivered_is_kept, SUBSCRIPTION, "'SystemAssigned'", "'UserAssigned'"),
    (
        monitoring.telemetry_is_sent_and_read_by_identity_alone,
        MONITORING,
        "disableLocalAuth: true",
        "disableLocalAuth: false",
    ),
    (
        monitoring.telemetry_is_sent_and_read_by_identity_alone,
        MONITORING,
        "DisableLocalAuth: true",
        "DisableLocalAuth: false",
    ),
    (
        monitoring.whoever_reads_or_deletes_past_the_app_is_logged,
        MAIN,
        "accessLogs bool = true",
        "accessLogs bool = false",
    ),
    (monitoring.whoever_reads_or_deletes_past_the_app_is_logged, STORAGE_LOGS, ", 'StorageDelete'", ""),
    (monitoring.whoever_reads_or_deletes_past_the_app_is_logged, STORAGE_LOGS, "scope: host::tables", "scope: host"),
    (monitoring.whoever_reads_or_deletes_past_the_app_is_logged, ACS_LOGS, "'CallRecordingSummary'", "'CallSummary'"),
    (
        monitoring.no_signed_link_and_no_batch_hides_who_acted,
        "queries/who-read.kql",
        'GetUserDelegationKey" and',
        'x" and',
    ),
    (
        monitoring.no_signed_link_and_no_batch_hides_who_acted,
        "queries/deleted-outside.kql",
        ' or OperationName == "EntityGroupTransaction"',
        "",
    ),
    (
        monitoring.two_saved_queries_tell_who_read_and_who_deleted,
        STORAGE_LOGS,
        "replace(query.text, '<object id of the app>', appPrincipalId)",
        "query.text",
    ),
    (
        monitoring.two_saved_queries_tell_who_read_and_who_deleted,
        "queries/who-read.kql",
        "isnotempty(RequesterUpn)",
        "isnotempty(RequesterName)",
    ),
    (alerts.whatever_is_promised_has_an_alert, ALERTS, "name: 'events-dropped'", "name: 'dropped'"),
    (alerts.whatever_is_promised_has_an_alert, MAIN, "alertsEnabled bool = true", "alertsEnabled bool = false"),
    (alerts.queries_name_only_what_the_code_says, "queries/failed.kql", "chunk ended {", "chunk has failed {"),
    (alerts.queries_name_only_what_the_code_says, "queries/quarantined.kql", "line.blob", "line.blobName"),
    (alerts.queries_read_lines_as_the_code_writes_them, "queries/poison.kql", "bury_job", "bury"),
    (alerts.queries_name_only_what_the_code_says, "workbook.json", "callvault.chunks.ended", "callvault.chunks.end"),
    (alerts.queries_read_lines_as_the_code_writes_them, "queries/lost.kql", '"end": "lost"', '"end":"lost"'),
    (alerts.whatever_is_said_loudly_wakes_someone, "queries/lost.kql", "chunk past its deadline {", "swept {"),
    (alerts.the_loss_of_a_recording_is_critical, ALERTS, "severity: 0", "severity: 3"),
    (alerts.the_sweep_falling_silent_is_noticed, ALERTS, "'LessThan'", "'GreaterThan'"),
    (alerts.the_sweep_falling_silent_is_noticed, "queries/sweep.kql", "swept {", "chunk queued again {"),
    (
        alerts.what_stays_on_the_poison_queue_is_noticed,
        "queries/poison.kql",
        "poison messages waiting",
        "something is on the",
    ),
    (alerts.what_the_sweep_can_t_look_at_is_noticed, "queries/sweep-incomplete.kql", "row unreadable {", "swept {"),
    (alerts.what_event_grid_could_not_deliver_is_noticed, ALERTS, "'DeadLetteredCount'", "'DroppedEventCount'"),
    (alerts.every_alert_reaches_who_is_named, ALERTS, "concat(actionGroupIds, ", "concat([], "),
    (alerts.the_workbook_shows_every_loud_line, "workbook.json", "poison message kept {", "swept {"),
    (app.callbacks_are_taken_at_the_apps_own_address, APP, "/api/callbacks", "/callbacks"),
    (
        callers.nobody_calls_without_signing_in_where_asked,
        SIGN_IN,
        "requireAuthentication: true",
        "requireAuthentication: false",
    ),
    (callers.nobody_calls_without_signing_in_where_asked, SIGN_IN, "'Return401'", "'AllowAnonymous'"),
    (callers.only_who_brings_a_credential_of_another_kind_is_let_past, MAIN, "'/runtime/webhooks/*'", "'/*'"),
    (callers.only_who_brings_a_credential_of_another_kind_is_let_past, MAIN, "      '/api/callbacks'\n", ""),
    (callers.only_who_brings_a_credential_of_another_kind_is_let_past, MAIN, "'/api/swagger.json'", "'/api/events'"),
    (callers.only_who_brings_a_credential_of_another_kind_is_let_past, MAIN, "'/api/callbacks'\n", "'/api/*'\n"),
    (callers.who_signs_in_needs_no_key_unless_told_otherwise, MAIN, "REPLACES_KEY: 'true'", "REPLACES_KEY: 'false'"),
    (
        callers.who_signs_in_needs_no_key_unless_told_otherwise,
        MAIN,
        "signInSettings = empty(entraClientId)",
        "signInSettings = !empty(acsName)",
    ),
    (callers.who_may_call_can_be_named, SIGN_IN, "identities: allowedPrincipalIds", "identities: []"),
    (callers.who_may_call_can_be_named, SIGN_IN, "groups: allowedGroupIds", "groups: []"),
    (callers.who_may_call_can_be_named, SIGN_IN, "groups: allowedGroupIds", "groups: allowedPrincipalIds"),
    (
        callers.nobody_is_let_in_unnamed_unless_that_is_intended,
        MAIN,
        "callersAreNamed || entraAllowAnyCaller",
        "!empty(acsName)",
    ),
    (callers.nobody_is_let_in_unnamed_unless_that_is_intended, MAIN, "AnyCaller bool = false", "AnyCaller bool = true"),
    (callers.the_list_of_callers_fits_what_the_platform_takes, MAIN, "@maxLength(12)\nparam entra", "param entra"),
    (
        callers.the_sample_s_identity_is_told_so_that_it_can_get_its_role,
        MAIN,
        "? logicApp!.outputs.principalId : ''",
        "? identity.properties.principalId : ''",
    ),
    (callers.the_sample_logic_app_is_made_on_request_and_signs_in, MAIN, "if (sampleLogicApp && ", "if ("),
    (callers.the_sample_logic_app_is_made_on_request_and_signs_in, LOGIC_APP, "value: audience", "value: callvaultUrl"),
    (
        callers.the_sample_logic_app_sends_the_record_over_tls_alone,
        MAIN,
        "startsWith(sampleResultUrl, 'https://')",
        "startsWith(sampleResultUrl, 'http')",
    ),
    (secrets.what_may_be_secret_is_in_no_history, APP, "@secure()\n", ""),
    (secrets.what_may_be_secret_is_in_no_history, LOGIC_APP, "@secure()\n", ""),
    (secrets.what_may_be_secret_is_in_no_history, MAIN, "@secure()\nparam extra", "param extra"),
    (
        app.nobody_but_the_platform_says_that_sign_in_is_on,
        MAIN,
        "'WEBSITE_AUTH_ENABLED'",
        "'WEBSITE_AUTH'",
    ),
    (secrets.secrets_are_made_once_and_every_reference_leads_to_one, SECRETS, "@onlyIfNotExists()\n", ""),
    (secrets.secrets_are_made_once_and_every_reference_leads_to_one, SECRETS, "'callback-secret'", "'callbacks'"),
    (secrets.the_vault_opens_by_role_alone_and_is_not_purged, SECRETS, "Authorization: true", "Authorization: false"),
    (secrets.the_vault_opens_by_role_alone_and_is_not_purged, SECRETS, "Protection: true", "Protection: false"),
    (secrets.the_vault_opens_by_role_alone_and_is_not_purged, MAIN, "kv-${stem}", "kv-${name}"),
    (secrets.no_secret_comes_out, APP, "output url string", "output secret object = secretSettings\noutput url string"),
    (network.no_network_is_made_unless_asked, MAIN, "privateNetworking bool = false", "privateNetworking bool = true"),
    (network.storage_is_shut_to_the_outside, MAIN, "? 'Disabled'", "? 'Guarded'"),
    (network.storage_is_shut_to_the_outside, MAIN, "? 'Guarded'", "? 'Disabled'"),
    (network.storage_is_shut_to_the_outside, ACCOUNT, "'None' : 'AzureServices'", "'None' : 'None'"),
    (network.every_service_in_use_has_an_endpoint_and_a_name, MAIN, "['blob', 'queue', 'table']", "['blob', 'queue']"),
    (network.every_service_in_use_has_an_endpoint_and_a_name, ENDPOINTS, "zones[i].id", "zones[0].id"),
    (network.the_app_reaches_out_through_its_own_subnet, MAIN, "? network!.outputs.appSubnetId : ''", "? '' : ''"),
    (
        network.the_app_reaches_out_through_its_own_subnet,
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
    with pytest.raises((AssertionError, BicepError, SettingsError)):
        policy(Templates().broken(tmp_path, file, old, new))


def test_every_policy_is_proved_to_bite():
    assert {policy for policy, *_ in BREAKS} == set(POLICIES)
