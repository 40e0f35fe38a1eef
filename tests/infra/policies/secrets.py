"""Secure parameters stay secure in every module, and no output contains one."""

import re
from collections.abc import Iterator

from tree_sitter import Node

from infra.check.syntax import Template, children, entries, read, text
from shared.settings.settings import is_reference
from tests.infra.product import app_settings
from tests.infra.templates import Templates, made, only

SECRET_TYPE = "Microsoft.KeyVault/vaults/secrets"
SECRET = {"participantsSecret", "sampleFunctionKey", "sampleResultUrl", "extraSettings"}


def secrets_appear_in_no_deployment_history(templates: Templates) -> None:
    """Anyone who can read a deployment can read its parameters, and those of its modules, unless they are secure."""
    main = read((templates.folder / "main.bicep").resolve())
    assert {name for name, one in main.params.items() if "secure" in one.decorators} == SECRET
    given = set()
    for module in (one for one in main.declarations if one.kind == "module"):
        target = main.module(module)
        for name, value in _given(module.value):
            if _named(main, value) & SECRET:
                given.add(name)
                assert "secure" in target.params[name].decorators, f"{module.name}: {name}"
    assert given == {"settings", "functionKey", "resultUrl"}


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
    own = app_settings(templates, participantsSecret="sixteen letters.")
    assert own["PARTICIPANTS_SECRET"] == "sixteen letters.", "a deployer's own goes before"
    module = read((templates.folder / "modules" / "secrets.bicep").resolve())
    makers = [one for one in module.declarations if one.kind == "resource" and one.type.startswith(SECRET_TYPE)]
    assert len(makers) == len(references)
    assert all("onlyIfNotExists" in one.decorators for one in makers), "a later deployment changes no secret"


def the_vault_requires_a_role_and_cannot_be_purged(templates: Templates) -> None:
    for name in ("callvault", "call-vault-x", "vault-"):
        vault = only(templates.main(name=name), "Microsoft.KeyVault/vaults")
        assert re.fullmatch(r"[a-z](?!.*--)[a-z0-9-]{1,22}[a-z0-9]", vault.name)
        assert vault.properties["enableRbacAuthorization"] is True
        assert vault.properties["enablePurgeProtection"] is True
        assert "accessPolicies" not in vault.properties


def no_output_contains_a_secret(templates: Templates) -> None:
    for file in templates.folder.rglob("*.bicep"):
        template = read(file.resolve())
        secret = {name for name, one in template.params.items() if "secure" in one.decorators}
        for output in template.outputs.values():
            assert not _named(template, output.node) & secret


def _given(body: Node | None) -> Iterator[tuple[str, Node]]:
    while body is not None and body.type != "object":  # inside its condition
        body = children(body)[-1]
    for key, value in entries(body) if body is not None else ():
        if text(key) == "params":
            yield from ((text(name), given) for name, given in entries(value))


def _named(template: Template, node: Node) -> set[str]:
    """Every symbol that a value uses, directly or through variables."""
    found = {text(node)} if node.type == "identifier" else set()
    for child in children(node):
        found |= _named(template, child)
    variables = {name for name in found if name in template.symbols and template.symbols[name].kind == "var"}
    return found.union(*(_named(template, template.symbols[name].value or node) for name in variables))
