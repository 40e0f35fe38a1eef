"""Secure parameters stay secure in every module, and no output contains one."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from shared.settings.settings import is_reference
from tests.infra.product import app_settings
from tests.infra.templates import Templates, made, only

SECRET_TYPE = "Microsoft.KeyVault/vaults/secrets"
SECRET = {"participantsSecret", "sampleFunctionKey", "sampleResultUrl", "extraSecretSettings"}


def secrets_appear_in_no_deployment_history(templates: Templates) -> None:
    """Anyone who can read a deployment can read its parameters, and those of its modules, unless they are secure."""
    main = templates.compiled()
    assert _secure(main) == SECRET
    given = set()
    for module in _modules(main):
        target = module["properties"]["template"]
        for name, value in module["properties"]["parameters"].items():
            if _named(main, value) & SECRET:
                given.add(name)
                assert name in _secure(target), f"{module['name']}: {name}"
    assert given == {"secretSettings", "participantsSecret", "functionKey", "resultUrl"}


def secrets_are_created_once_and_every_reference_names_one(templates: Templates) -> None:
    given = app_settings(templates)
    references = {name: value for name, value in given.items() if is_reference(value)}
    assert references.keys() == {"PARTICIPANTS_SECRET", "CALLBACK_SECRET"}, "whatever the deployer gives or leaves out"
    held = {one.name for one in made(templates.main(), SECRET_TYPE)}
    for value in references.values():
        found = re.fullmatch(r"@Microsoft\.KeyVault\(VaultName=(.+);SecretName=(.+)\)", value)
        assert found
        assert "/".join(found.groups()) in held
    assert len(held) == len(references)
    own = app_settings(templates, "everything")["PARTICIPANTS_SECRET"]
    assert own == (
        "[if(not(empty(parameters('participantsSecret'))), parameters('participantsSecret'), "
        "parameters('participantsReference'))]"
    ), "a deployer's own goes before"
    (module,) = [one for one in _modules(templates.compiled()) if one["name"] == "callvault-secrets"]
    resources = module["properties"]["template"]["resources"]
    named = resources.values() if isinstance(resources, dict) else resources
    makers = [one for one in named if one["type"] == SECRET_TYPE]
    assert len(makers) == len(references)
    assert all("onlyIfNotExists" in one.get("@options", {}) for one in makers), "a later deployment changes no secret"


def the_vault_requires_a_role_and_cannot_be_purged(templates: Templates) -> None:
    for scenario in ("default", "anycaller", "groups"):  # names without, with and with a last hyphen
        vault = only(templates.main(scenario), "Microsoft.KeyVault/vaults")
        assert re.fullmatch(r"[a-z](?!.*--)[a-z0-9-]{1,22}[a-z0-9]", vault.name)
        assert vault.properties["enableRbacAuthorization"] is True
        assert vault.properties["enablePurgeProtection"] is True
        assert "accessPolicies" not in vault.properties


def no_output_contains_a_secret(templates: Templates) -> None:
    main = templates.compiled()
    for template in (main, *(one["properties"]["template"] for one in _modules(main))):
        for output in template.get("outputs", {}).values():
            assert not _named(template, output["value"]) & _secure(template)


def _modules(main: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for one in main["resources"]:
        if one["type"] == "Microsoft.Resources/deployments":
            yield one


def _secure(template: Mapping[str, Any]) -> set[str]:
    return {name for name, one in template["parameters"].items() if one["type"].lower().startswith("secure")}


def _named(template: Mapping[str, Any], value: Any) -> set[str]:
    """Every parameter whose content a value uses, directly or through variables; names and emptiness don't count."""
    text = re.sub(r"(?:objectKeys|empty)\(parameters\('\w+'\)\)", "", json.dumps(value))
    found = set(re.findall(r"parameters\('(\w+)'\)", text))
    return found.union(
        *(_named(template, template["variables"][name]) for name in re.findall(r"variables\('(\w+)'\)", text))
    )
