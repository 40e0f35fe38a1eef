"""Storage: keys are disabled, everything that Callvault names exists, and deletions can be undone."""

from typing import Any

from infra.package import CHECKOUT
from shared.settings.settings import Settings
from tests.infra.product import app_settings, functions, settings_under
from tests.infra.templates import Templates, made, names, only

ACCOUNT = "Microsoft.Storage/storageAccounts"
BLOBS = f"{ACCOUNT}/blobServices"
CONTAINER = f"{BLOBS}/containers"
LIFECYCLE = f"{ACCOUNT}/managementPolicies"
IMMUTABILITY = f"{CONTAINER}/immutabilityPolicies"


def no_account_accepts_keys_old_tls_or_anonymous_reads(templates: Templates) -> None:
    accounts = made(templates.main(), ACCOUNT)
    assert accounts
    for account in accounts:
        properties = account.properties
        assert properties["allowSharedKeyAccess"] is False
        assert properties["allowBlobPublicAccess"] is False
        assert properties["allowCrossTenantReplication"] is False
        assert properties["minimumTlsVersion"] == "TLS1_2"
        assert properties["supportsHttpsTrafficOnly"] is True
    assert all(one.properties["publicAccess"] == "None" for one in made(templates.main(), CONTAINER))


def every_queue_table_and_container_of_the_settings_is_declared(templates: Templates) -> None:
    """Exactly these: the templates must not declare what the product no longer uses."""
    settings, deployment = settings_of(templates), templates.main()
    assert names(deployment, f"{ACCOUNT}/queueServices/queues") == {settings.chunks_queue, settings.poison_queue}
    assert names(deployment, f"{ACCOUNT}/tableServices/tables") == set(settings.tables)
    held = {settings.archive_container, settings.quarantine_container, settings.deadletter_container}
    assert names(deployment, CONTAINER) == held | {"app-package"}


def every_queue_that_a_function_binds_is_declared(templates: Templates) -> None:
    bound = {str(one["queueName"]) for one in functions().values() if one["type"] == "queueTrigger"}
    assert bound
    assert bound <= names(templates.main(), f"{ACCOUNT}/queueServices/queues")


def the_archive_has_its_own_account_by_default(templates: Templates) -> None:
    settings = settings_of(templates)
    assert len(made(templates.main(), ACCOUNT)) == 2
    assert account_of(templates, settings.archive_container) != account_of(templates, settings.deadletter_container)
    assert settings.archive_storage.blob_uri != settings.host_storage.blob_uri
    assert len(made(templates.main("oneaccount"), ACCOUNT)) == 1
    shared = settings_of(templates, "oneaccount")
    assert shared.archive_storage.blob_uri == shared.host_storage.blob_uri


def each_account_has_its_own_redundancy(templates: Templates) -> None:
    for scenario, expected in (
        ("default", {"deadletter": "Standard_ZRS", "recordings": "Standard_ZRS"}),
        ("keep", {"deadletter": "Standard_ZRS", "recordings": "Standard_GRS"}),
        ("cold", {"deadletter": "Standard_LRS", "recordings": "Standard_ZRS"}),
    ):
        found = {one.name: one.body["sku"]["name"] for one in made(templates.main(scenario), ACCOUNT)}
        assert {name: found[account_of(templates, name, scenario)] for name in expected} == expected


def deleted_files_can_be_restored(templates: Templates) -> None:
    for scenario in ("default", "oneaccount"):
        deployment = templates.main(scenario)
        archive = account_of(templates, settings_of(templates).archive_container, scenario)
        for service in made(deployment, BLOBS):
            properties = service.properties
            assert properties["deleteRetentionPolicy"] == {"enabled": True, "days": 14}
            assert properties["containerDeleteRetentionPolicy"] == {"enabled": True, "days": 14}
            assert properties["isVersioningEnabled"] is (service.name == f"{archive}/default")


def recordings_move_and_expire_only_on_request(templates: Templates) -> None:
    assert "recordings" not in _rules(templates)
    rule = _rules(templates, "keep")["recordings"]
    assert rule == {
        "filters": {"blobTypes": ["blockBlob"], "prefixMatch": ["recordings/"]},
        "actions": {
            "baseBlob": {
                "tierToCool": {"daysAfterModificationGreaterThan": 30},
                "tierToArchive": {"daysAfterModificationGreaterThan": 90},
                "delete": {"daysAfterCreationGreaterThan": 400},
            },
            "version": {"delete": {"daysAfterCreationGreaterThan": 400}},
        },
    }
    cold = _rules(templates, "cold")["recordings"]["actions"]["baseBlob"]
    assert cold == {
        "tierToCool": {"daysAfterModificationGreaterThan": 30},
        "tierToCold": {"daysAfterModificationGreaterThan": 90},
        "delete": {"daysAfterCreationGreaterThan": 400},
    }
    only_cool = _rules(templates, "cool")["recordings"]
    assert only_cool["actions"] == {"baseBlob": {"tierToCool": {"daysAfterModificationGreaterThan": 30}}}


def quarantined_items_expire(templates: Templates) -> None:
    """Quarantined items name calls and people, as events do, and contain no recording."""
    scenarios = (("default", "cool", "unexpiring"), ("oneaccount", "onecool", "oneunexpiring"))
    for usual, shortened, never in scenarios:
        rules = _rules(templates, usual)
        found = [prefix for rule in rules.values() for prefix in rule["filters"]["prefixMatch"]]
        assert sorted(found) == ["deadletter/", "quarantine/"]
        for rule in rules.values():
            assert rule["actions"]["baseBlob"] == {"delete": {"daysAfterModificationGreaterThan": 90}}
        assert rules["quarantine"]["actions"]["version"] == {"delete": {"daysAfterCreationGreaterThan": 90}}
        shorter = _rules(templates, shortened)["quarantine"]
        assert shorter["actions"]["baseBlob"] == {"delete": {"daysAfterModificationGreaterThan": 7}}
        assert not _rules(templates, never)
        policies = made(templates.main(shortened), LIFECYCLE)
        assert len({one.name for one in policies}) == len(policies), "an account has one policy: a second replaces it"


def recordings_are_immutable_on_request(templates: Templates) -> None:
    """Only for recordings: the quarantine and the host's own blobs must stay changeable."""
    assert not made(templates.main(), IMMUTABILITY)
    assert not any(one.properties.get("immutableStorageWithVersioning") for one in made(templates.main(), CONTAINER))
    deployment = templates.main("keep")
    (policy,) = made(deployment, IMMUTABILITY)
    assert policy.properties == {"immutabilityPeriodSinceCreationInDays": 30, "allowProtectedAppendWrites": False}
    versioned = [one for one in made(deployment, CONTAINER) if one.properties.get("immutableStorageWithVersioning")]
    assert [one.name for one in versioned] == [policy.name.removesuffix("/default")]
    assert versioned[0].name.endswith("/recordings")


def a_locked_rule_is_left_as_it_is(templates: Templates) -> None:
    """Azure refuses to deploy a locked policy, so every later deployment would fail."""
    deployment = templates.main("cold")
    assert not made(deployment, IMMUTABILITY)
    versioned = [one for one in made(deployment, CONTAINER) if one.properties.get("immutableStorageWithVersioning")]
    assert [one.name.rpartition("/")[2] for one in versioned] == ["recordings"]


def only_the_page_may_read_the_archive_from_another_origin(templates: Templates) -> None:
    """Without the rule, a browser doesn't let the page single out a channel of the sound."""
    for scenario, further in (("default", []), ("oneaccount", []), ("cold", ["https://recordings.example"])):
        deployment = templates.main(scenario)
        page = f"https://{only(deployment, 'Microsoft.Web/sites').name}.azurewebsites.net"
        archive = account_of(templates, settings_of(templates).archive_container, scenario)
        for service in made(deployment, BLOBS):
            rules = service.properties["cors"]["corsRules"]
            if service.name != f"{archive}/default":
                assert rules == []
                continue
            assert [one["allowedOrigins"] for one in rules] == [[page, *further]]
            assert set(rules[0]["allowedMethods"]) == {"GET", "HEAD"}
            assert rules[0]["allowedHeaders"] == ["range"]
            assert "content-range" in rules[0]["exposedHeaders"]


def settings_of(templates: Templates, scenario: str = "default") -> Settings:
    return settings_under(app_settings(templates, scenario))


def account_of(templates: Templates, container: str, scenario: str = "default") -> str:
    (one,) = [one for one in made(templates.main(scenario), CONTAINER) if one.name.endswith(f"/{container}")]
    return one.name.partition("/")[0]


def the_archive_is_locked_on_request(templates: Templates) -> None:
    kind = "Microsoft.Authorization/locks"
    assert not made(templates.main(), kind), "a deployer needs a further right for it"
    lock = only(templates.main("encrypted"), kind)
    assert lock.properties["level"] == "CanNotDelete"
    assert lock.scope == (ACCOUNT, account_of(templates, "recordings", "encrypted"))
    assert (CHECKOUT / "docs" / "teardown.md").is_file(), "named by the lock"


def long_links_are_logged_and_encryption_follows_the_parameters(templates: Templates) -> None:
    for account in made(templates.main(), ACCOUNT):
        assert account.properties["sasPolicy"] == {"sasExpirationPeriod": "1.00:00:00", "expirationAction": "Log"}
        assert account.properties["encryption"]["keySource"] == "Microsoft.Storage"
        assert account.properties["encryption"]["requireInfrastructureEncryption"] is False
    accounts = made(templates.main("encrypted"), ACCOUNT)
    assert len(accounts) == 2
    for account in accounts:
        encryption = account.properties["encryption"]
        assert encryption["requireInfrastructureEncryption"] is True
        assert encryption["keyvaultproperties"] == {
            "keyvaulturi": "https://keys.vault.azure.net",
            "keyname": "callvault",
        }
        (identity,) = account.body["identity"]["userAssignedIdentities"]
        assert identity == encryption["identity"]["userAssignedIdentity"]
        assert identity.endswith("/userAssignedIdentities/keys")
        assert {one["keyType"] for one in encryption["services"].values()} == {"Account"}


def _rules(templates: Templates, scenario: str = "default") -> dict[str, dict[str, Any]]:
    policies = made(templates.main(scenario), LIFECYCLE)
    return {rule["name"]: rule["definition"] for one in policies for rule in one.properties["policy"]["rules"]}
