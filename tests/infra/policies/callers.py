"""Callers: Entra sign-in if it is configured, and it doesn't block callers that authenticate by other means."""

import json
import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from infra.check.syntax import BicepError
from tests.infra.policies.storage import settings_of
from tests.infra.product import functions
from tests.infra.templates import Templates, made, only

CONFIG = "Microsoft.Web/sites/config"
WORKFLOW = "Microsoft.Logic/workflows"
NAMED: dict[str, Any] = {"entraClientId": "9b3f1c52-0000-4000-8000-000000000001"}
ENTRA = NAMED | {"entraAllowAnyCaller": True}
EVENT_GRID = {"/runtime/webhooks/*", "/runtime/webhooks/EventGrid"}


def callers_must_sign_in_if_sign_in_is_configured(templates: Templates) -> None:
    assert len(made(templates.main(), CONFIG)) == 1, "only the app settings"
    properties = sign_in(templates, **ENTRA)
    assert properties["platform"]["enabled"] is True
    rules = properties["globalValidation"]
    assert rules["requireAuthentication"] is True
    assert rules["unauthenticatedClientAction"] == "Return401"
    directory = properties["identityProviders"]["azureActiveDirectory"]
    assert directory["enabled"] is True
    assert directory["registration"]["clientId"] == ENTRA["entraClientId"]
    assert directory["registration"]["openIdIssuer"].endswith("/v2.0")
    assert set(directory["validation"]["allowedAudiences"]) == {
        ENTRA["entraClientId"],
        f"api://{ENTRA['entraClientId']}",
    }


def signed_in_callers_need_no_key_by_default(templates: Templates) -> None:
    assert settings_of(templates, **ENTRA).sign_in_replaces_key is True
    assert settings_of(templates).sign_in_replaces_key is False
    both = settings_of(templates, **ENTRA, extraSettings={"SIGN_IN_REPLACES_KEY": "false"})
    assert both.sign_in_replaces_key is False


def only_routes_with_another_credential_skip_the_sign_in(templates: Templates) -> None:
    """Exactly the routes that require no key are excluded from the sign-in."""
    excluded = set(sign_in(templates, **ENTRA)["globalValidation"]["excludedPaths"])
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
    for sample in (True, False):
        allowed = _allowed(templates, **NAMED, entraAllowedPrincipalIds=["desk"], sampleLogicApp=sample)
        assert allowed["identities"][:1] == ["desk"]
        assert len(allowed["identities"]) == (2 if sample else 1), "the sample's identity is let in with the others"
        assert allowed["groups"] == []
        grouped = _allowed(templates, **NAMED, entraAllowedGroupIds=["agents"], sampleLogicApp=sample)
        assert grouped["groups"] == ["agents"]
        assert len(grouped["identities"]) == (1 if sample else 0), "the sample is a member of no group"


def unnamed_callers_are_allowed_only_on_request(templates: Templates) -> None:
    for sample in (True, False):
        refusal = ""
        try:
            templates.main(**NAMED, sampleLogicApp=sample)
        except BicepError as error:
            refusal = str(error)
        for parameter in ("entraAllowedPrincipalIds", "entraAllowedGroupIds", "entraAllowAnyCaller"):
            assert parameter in refusal, "the refusal names what to set"
        allowed = _allowed(templates, **ENTRA, sampleLogicApp=sample)
        assert (allowed["identities"], allowed["groups"]) == ([], []), "nobody is singled out"
    assert not [one for one in made(templates.main(), CONFIG) if one.name.endswith("/authsettingsV2")]


def the_list_of_callers_fits_the_platforms_limit(templates: Templates) -> None:
    """App Service accepts 500 characters, including the sample's identity."""
    ids = [f"{number:08}-0000-4000-8000-000000000000" for number in range(13)]
    allowed = _allowed(templates, **NAMED, entraAllowedPrincipalIds=ids[:12], sampleLogicApp=True)
    assert len(",".join(allowed["identities"])) <= 500
    try:
        templates.main(**NAMED, entraAllowedPrincipalIds=ids)
    except BicepError:
        return
    raise AssertionError("the platform would cut the list, or refuse it, after the app is there")


def the_samples_identity_is_an_output(templates: Templates) -> None:
    deployment = templates.main(**ENTRA, sampleLogicApp=True)
    principal = only(deployment, WORKFLOW).member("identity").member("principalId")
    assert deployment.outputs["sampleLogicAppPrincipalId"] == principal
    assert templates.main(**ENTRA).outputs["sampleLogicAppPrincipalId"] == ""


def _allowed(templates: Templates, **params: object) -> Any:
    validation: Any = sign_in(templates, **params)["identityProviders"]["azureActiveDirectory"]["validation"]
    return validation["defaultAuthorizationPolicy"]["allowedPrincipals"]


def the_sample_logic_app_is_created_on_request_and_signs_in(templates: Templates) -> None:
    assert not made(templates.main(**ENTRA), WORKFLOW)
    assert not made(templates.main(sampleLogicApp=True), WORKFLOW), "it has no audience to ask a token for"
    deployment = templates.main(sampleLogicApp=True, **ENTRA)
    sample = only(deployment, WORKFLOW)
    assert sample.body["identity"] == {"type": "SystemAssigned"}
    definition = json.loads((Path(templates.folder) / "logicapp/workflow.json").read_text(encoding="utf-8"))
    assert sample.properties["definition"] == definition
    given = {name: one["value"] for name, one in sample.properties["parameters"].items()}
    assert given.keys() == definition["parameters"].keys()
    assert given["audience"] == f"api://{ENTRA['entraClientId']}"
    assert given["callvaultUrl"] == deployment.outputs["url"]


def the_sample_logic_app_sends_the_record_only_over_tls(templates: Templates) -> None:
    address = "https://desk.example/records?key=abc"
    sample = only(templates.main(sampleLogicApp=True, sampleResultUrl=address, **ENTRA), WORKFLOW)
    assert sample.properties["parameters"]["resultUrl"]["value"] == address
    try:
        templates.main(sampleLogicApp=True, sampleResultUrl="http://desk.example/records", **ENTRA)
    except BicepError as refused:
        reason = str(refused)
    else:
        reason = "it was taken"
    assert "sampleResultUrl must begin with https://" in reason


def sign_in(templates: Templates, **params: object) -> dict[str, dict[str, dict[str, dict[str, object]]]]:
    (config,) = [one for one in made(templates.main(**params), CONFIG) if one.name.endswith("/authsettingsV2")]
    return dict(config.properties)
