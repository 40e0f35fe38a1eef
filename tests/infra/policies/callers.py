"""Callers: Entra sign-in if it is configured, and it doesn't block callers that authenticate by other means."""

import json
import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from tests.infra.expressions import look
from tests.infra.policies.storage import settings_of
from tests.infra.product import functions
from tests.infra.templates import Templates, made, only

CONFIG = "Microsoft.Web/sites/config"
WORKFLOW = "Microsoft.Logic/workflows"
CLIENT = "00000000-0000-0000-0000-000000000001"
ANY_CALLER, BOTH_LISTS, LIST_AND_SAMPLE, GROUPS_AND_SAMPLE = "anycaller", "named", "entra", "groups"
EVENT_GRID = {"/runtime/webhooks/*", "/runtime/webhooks/EventGrid"}


def callers_must_sign_in_if_sign_in_is_configured(templates: Templates) -> None:
    assert len(made(templates.main(), CONFIG)) == 1, "only the app settings"
    properties = sign_in(templates, ANY_CALLER)
    assert properties["platform"]["enabled"] is True
    rules = properties["globalValidation"]
    assert rules["requireAuthentication"] is True
    assert rules["unauthenticatedClientAction"] == "Return401"
    directory = properties["identityProviders"]["azureActiveDirectory"]
    assert directory["enabled"] is True
    assert directory["registration"]["clientId"] == CLIENT
    assert re.fullmatch(
        r"https://login\.microsoftonline\.com/[0-9a-f-]{36}/v2\.0", look(directory["registration"]["openIdIssuer"])
    )
    assert set(directory["validation"]["allowedAudiences"]) == {
        CLIENT,
        f"api://{CLIENT}",
    }


def signed_in_callers_need_no_key_by_default(templates: Templates) -> None:
    assert settings_of(templates, ANY_CALLER).sign_in_replaces_key is True
    assert settings_of(templates).sign_in_replaces_key is False
    both = settings_of(templates, "settings")
    assert both.sign_in_replaces_key is False


def only_routes_with_another_credential_skip_the_sign_in(templates: Templates) -> None:
    """Exactly the routes that require no key are excluded from the sign-in."""
    excluded = set(sign_in(templates, ANY_CALLER)["globalValidation"]["excludedPaths"])
    routes = [one for one in functions().values() if one["type"] == "httpTrigger"]
    keyless = {_path(one) for one in routes if _is_keyless(one)}
    assert excluded == keyless | EVENT_GRID
    for one in routes:
        if not _is_keyless(one):
            assert not [path for path in excluded if fnmatchcase(_path(one), path)]


def _path(trigger: Mapping[str, Any]) -> str:
    """In the syntax of built-in authentication, which has no names for parts of a path."""
    return "/api/" + re.sub(r"\{.*", "*", str(trigger["route"]))


def _is_keyless(trigger: Mapping[str, Any]) -> bool:
    return str(trigger["authLevel"]).lower().endswith("anonymous")


def allowed_callers_can_be_named(templates: Templates) -> None:
    assert _allowed(templates, BOTH_LISTS) == {"identities": ["desk"], "groups": ["agents"]}
    with_sample = _allowed(templates, LIST_AND_SAMPLE)
    assert _named(with_sample)[0] == "'00000000-0000-0000-0000-000000000002'"
    assert len(_named(with_sample)) == 2, "the sample's identity is let in with the others"
    assert with_sample["groups"] == []
    grouped = _allowed(templates, GROUPS_AND_SAMPLE)
    assert grouped["groups"] == ["agents"]
    assert len(_named(grouped)) == 1, "the sample is a member of no group"


def unnamed_callers_are_allowed_only_on_request(templates: Templates) -> None:
    """The refused scenarios show that it takes a parameter; here is what that parameter does."""
    compiled = templates.compiled()
    assert compiled["parameters"]["entraAllowAnyCaller"]["defaultValue"] is False
    assert compiled["variables"]["callersAreIntended"] == (
        "[or(or(empty(parameters('entraClientId')), variables('callersAreNamed')), parameters('entraAllowAnyCaller'))]"
    )
    for scenario in (ANY_CALLER, "everything"):
        assert _allowed(templates, scenario) == {"identities": [], "groups": []}, "nobody is singled out"
    assert not [one for one in made(templates.main(), CONFIG) if one.name.endswith("/authsettingsV2")]


def the_list_of_callers_fits_the_platforms_limit(templates: Templates) -> None:
    """App Service accepts 500 characters, including the sample's identity."""
    most = templates.compiled()["parameters"]["entraAllowedPrincipalIds"].get("maxLength", 1000)
    assert (most + 1) * len(f"{CLIENT},") <= 500, "the platform would refuse the list after the app is there"
    assert len(_named(_allowed(templates, "manycallers"))) == most + 1


def the_samples_identity_is_an_output(templates: Templates) -> None:
    deployment = templates.main(LIST_AND_SAMPLE)
    assert only(deployment, WORKFLOW).gives(deployment.outputs["sampleLogicAppPrincipalId"], "principalId")
    assert templates.main(ANY_CALLER).outputs["sampleLogicAppPrincipalId"] == ""


def _named(allowed: Any) -> list[str]:
    """The identities in an expression that ends with the sample's, or in a plain list."""
    identities = allowed["identities"]
    if isinstance(identities, list):
        return [one if one.startswith("[") else f"'{one}'" for one in identities]
    return re.findall(r"reference\([^)]*\)|'[0-9a-f-]{36}'", identities)


def _allowed(templates: Templates, scenario: str) -> Any:
    validation: Any = sign_in(templates, scenario)["identityProviders"]["azureActiveDirectory"]["validation"]
    return validation["defaultAuthorizationPolicy"]["allowedPrincipals"]


def the_sample_logic_app_is_created_on_request_and_signs_in(templates: Templates) -> None:
    assert not made(templates.main(ANY_CALLER), WORKFLOW)
    assert not made(templates.main("quiet"), WORKFLOW), "it has no audience to ask a token for"
    deployment = templates.main("everything")
    sample = only(deployment, WORKFLOW)
    assert sample.body["identity"] == {"type": "SystemAssigned"}
    definition = json.loads((Path(templates.folder) / "logicapp/workflow.json").read_text(encoding="utf-8"))
    assert sample.properties["definition"] == definition
    given = {name: one["value"] for name, one in sample.properties["parameters"].items()}
    assert given.keys() == definition["parameters"].keys()
    assert given["audience"] == f"api://{CLIENT}"
    assert given["callvaultUrl"] == deployment.outputs["url"]


def the_sample_logic_app_sends_the_record_only_over_tls(templates: Templates) -> None:
    """The address is secure, so no snapshot shows it."""
    compiled = templates.compiled()
    assert compiled["variables"]["hasSafeResultUrl"] == (
        "[or(empty(parameters('sampleResultUrl')), startsWith(parameters('sampleResultUrl'), 'https://'))]"
    )
    (sample,) = [one for one in compiled["resources"] if one["name"] == "callvault-logic-app"]
    reason = "fail('sampleResultUrl must begin with https://')"
    assert sample["properties"]["parameters"]["resultUrl"] == (
        "[if(variables('hasSafeResultUrl'), createObject('value', parameters('sampleResultUrl')), "
        f"createObject('value', {reason}))]"
    )


def sign_in(templates: Templates, scenario: str) -> dict[str, dict[str, dict[str, dict[str, object]]]]:
    (config,) = [one for one in made(templates.main(scenario), CONFIG) if one.name.endswith("/authsettingsV2")]
    return dict(config.properties)
