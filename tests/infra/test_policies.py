"""The templates keep their promises; and each policy that says so fails when its promise is broken."""

from collections.abc import Callable
from inspect import getmembers, isfunction
from pathlib import Path
from types import ModuleType

import pytest

from infra.check.syntax import BicepError
from shared.errors import SettingsError
from tests.infra.policies import app, events, monitoring, roles, storage
from tests.infra.templates import Templates

type Policy = Callable[[Templates], None]

_HELPERS = {"settings_of", "account_of", "grants"}


def _policies(of: ModuleType) -> list[Policy]:
    mine = [one for _, one in getmembers(of, isfunction) if one.__module__ == of.__name__]
    return [one for one in mine if one.__name__ not in _HELPERS]


POLICIES = [policy for module in (storage, app, roles, events, monitoring) for policy in _policies(module)]

MAIN, ACCOUNT, ARCHIVE, APP, ACS, SUBSCRIPTION, MONITORING = (
    "main.bicep",
    "modules/storage-account.bicep",
    "modules/archive.bicep",
    "modules/app.bicep",
    "modules/acs.bicep",
    "modules/event-subscription.bicep",
    "modules/monitoring.bicep",
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
    (storage.nothing_moves_or_expires_unless_asked, MAIN, "deleteAfterDays int = 0", "deleteAfterDays int = 90"),
    (storage.nothing_moves_or_expires_unless_asked, ARCHIVE, "['${archiveContainer}/']", "[]"),
    (storage.recordings_can_be_written_once_where_asked, MAIN, "immutabilityDays int = 0", "immutabilityDays int = 1"),
    (storage.recordings_can_be_written_once_where_asked, ARCHIVE, "parent: recordings", "parent: quarantine"),
    (app.it_runs_python_on_flex_consumption, APP, "'3.13'", "'3.12'"),
    (app.it_runs_python_on_flex_consumption, MAIN, "httpConcurrency int = 16", "httpConcurrency int = 1"),
    (app.instances_are_kept_warm_where_asked, MAIN, "'archive_chunk'", "'archive'"),
    (app.it_is_reached_by_tls_alone_and_published_to_without_passwords, APP, "httpsOnly: true", "httpsOnly: false"),
    (app.it_is_reached_by_tls_alone_and_published_to_without_passwords, APP, "'1.2'", "'1.0'"),
    (app.it_is_reached_by_tls_alone_and_published_to_without_passwords, APP, "'Disabled'", "'AllAllowed'"),
    (app.it_is_reached_by_tls_alone_and_published_to_without_passwords, APP, "allow: false", "allow: true"),
    (app.it_is_one_identity_to_everything, APP, "'UserAssigned'", "'SystemAssigned'"),
    (app.it_is_one_identity_to_everything, MAIN, "      AZURE_CLIENT_ID: identity.properties.clientId\n", ""),
    (app.it_is_one_identity_to_everything, MAIN, "[packageContainer, ", "["),
    (app.its_settings_are_the_products_and_hold_no_secret, MAIN, "      ACS_ENDPOINT: acs.outputs.endpoint\n", ""),
    (app.its_settings_are_the_products_and_hold_no_secret, MAIN, "RETENTION_HOURS:", "RETENTION:"),
    (app.every_setting_is_set_or_left_on_purpose, MAIN, "      DELETE_SOURCE: string(deleteSource)\n", ""),
    (app.further_settings_never_override, MAIN, "union(extraSettings, ", "union({ BLOCK_SIZE_MIB: '8' }, "),
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
]


def _sentence(policy: Policy) -> str:
    return policy.__name__


@pytest.mark.parametrize("policy", POLICIES, ids=_sentence)
def test_the_templates_keep_what_they_promise(policy: Policy):
    policy(Templates())


@pytest.mark.parametrize(
    ("policy", "file", "old", "new"), BREAKS, ids=lambda value: _sentence(value) if callable(value) else None
)
def test_a_policy_notices_what_breaks_it(policy: Policy, file: str, old: str, new: str, tmp_path: Path):
    with pytest.raises((AssertionError, BicepError, SettingsError)):
        policy(Templates().broken(tmp_path, file, old, new))


def test_every_policy_is_proved_to_bite():
    assert {policy for policy, *_ in BREAKS} == set(POLICIES)
