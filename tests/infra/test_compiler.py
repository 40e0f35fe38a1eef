"""The templates compile, their snapshots belong to them, and a deployment that would fail or lose data is refused."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from infra.bicep import scan, snapshots
from infra.bicep.compiler import DEPLOYMENT, BicepError, environment, find
from infra.package import CHECKOUT
from tests.infra.templates import INFRA, Templates, compiler

CHECKOV = CHECKOUT / ".checkov/bin/python"
TEMPLATE = "@description('x')\nparam size int\n\noutput twice int = size * 2\n"
SCENARIO = "using '../main.bicep'\n\nparam size = 2\n"

# How the refusal of each scenario in infra/scenarios/refused begins.
REFUSALS = {
    "archiveafterdelete": "archiveAfterDays: set it to fewer days than deleteAfterDays",
    "archivetieronzrs": "archiveAfterDays: zone-redundant storage has no archive tier",
    "archivetieronsharedzrs": "archiveAfterDays: zone-redundant storage has no archive tier; use coldAfterDays",
    "authsetting": "extraSettings: remove WEBSITE_AUTH_ENABLED",
    "cardsfromprivatequeue": "teamsCards: a Logic App of the Consumption plan can't read a queue in a private network",
    "cardswithoutannouncements": "teamsCards: set announce to true",
    "coldafterarchive": "coldAfterDays: set it to fewer days than archiveAfterDays",
    "coldafterdelete": "coldAfterDays: set it to fewer days than deleteAfterDays",
    "coolafterarchive": "coolAfterDays: set it to fewer days than archiveAfterDays",
    "coolaftercold": "coolAfterDays: set it to fewer days than coldAfterDays",
    "coolafterdelete": "coolAfterDays: set it to fewer days than deleteAfterDays",
    "deletewhileimmutable": "deleteAfterDays: set it to more days than immutabilityDays",
    "keywithoutidentity": "encryptionKeyUri, encryptionIdentityId: set both, or neither",
    "nowhere": "westeurope",
    "lockednorule": "immutabilityLocked: leave immutabilityDays",
    "nobodynamed": "entraAllowedPrincipalIds, entraAllowedGroupIds: name the allowed callers, or set entra",
    "nobodynamedwithsample": "entraAllowedPrincipalIds, entraAllowedGroupIds: name the allowed callers",
    "onesubnet": "appSubnetId, endpointSubnetId: set both, or neither",
    "subnetsofpublic": "appSubnetId: set privateNetworking to true",
    "plainpackage": "packageUrl: must begin with https://",
    "toomanycallers": "the maximum allowable length is 12",
    "zoneswithoneinstance": "zoneRedundant: set alwaysReadyHttp and alwaysReadyArchiving to at least 2",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "main.bicep").write_text(TEMPLATE)
    (tmp_path / "scenarios/two.bicepparam").write_text(SCENARIO)
    return tmp_path


def command(name: str, **env: str) -> subprocess.CompletedProcess[str]:
    """`python -m infra.bicep` on a machine that has no compiler."""
    bare = {"PATH": "/nonexistent", "AZURE_CONFIG_DIR": "/nonexistent", "HOME": "/nonexistent", **env}
    return subprocess.run(
        [sys.executable, "-m", "infra.bicep", name], cwd=CHECKOUT, env=bare, capture_output=True, text=True, check=False
    )


def test_snapshots_and_the_compiled_template_belong_to_the_current_templates():
    assert not list(snapshots.outdated(INFRA))
    assert len(snapshots.scenarios(INFRA)) >= 12


@pytest.mark.parametrize(
    "changed", ["main.bicep", "modules/app.bicep", "queries/lost.kql", "workbook.json", "bicepconfig.json"]
)
def test_a_changed_template_makes_every_snapshot_outdated(changed: str, tmp_path: Path):
    copy = tmp_path / "infra"
    shutil.copytree(INFRA, copy, ignore=shutil.ignore_patterns("__pycache__"))
    assert not list(snapshots.outdated(copy))
    with (copy / changed).open("a") as file:
        file.write("\n")
    assert len(list(snapshots.outdated(copy))) == len(snapshots.scenarios(copy)) + 1


def test_a_changed_or_removed_scenario_is_noticed(tmp_path: Path):
    copy = tmp_path / "infra"
    shutil.copytree(INFRA, copy, ignore=shutil.ignore_patterns("__pycache__"))
    with (copy / "scenarios/small.bicepparam").open("a") as file:
        file.write("param tags = {}\n")
    (copy / "scenarios/large.bicepparam").unlink()
    assert sorted(snapshots.outdated(copy)) == [
        "scenarios/large.snapshot.json has no scenario",
        "scenarios/small.snapshot.json is outdated: run make infra-snapshots",
    ]


def test_snapshots_are_what_the_compiler_says_and_a_difference_is_noticed(folder: Path):
    assert snapshots.write(folder, compiler()) == 1
    assert not list(snapshots.differences(folder, compiler()))
    assert not list(snapshots.outdated(folder))
    file = folder / "scenarios/two.snapshot.json"
    assert json.loads(file.read_text())["outputs"] == {"twice": 4}
    file.write_text(file.read_text().replace("4", "5"))
    (finding,) = snapshots.differences(folder, compiler())
    assert finding.startswith("scenarios/two.snapshot.json is outdated")


def test_the_compiler_s_own_validation_accepts_a_committed_snapshot():
    options = {
        "--subscription-id": "subscriptionId",
        "--tenant-id": "tenantId",
        "--resource-group": "resourceGroup",
        "--location": "location",
        "--deployment-name": "deploymentName",
    }
    given = [part for option, name in options.items() for part in (option, DEPLOYMENT[name])]
    ended = subprocess.run(
        [compiler().command, "snapshot", INFRA / "scenarios/default.bicepparam", "--mode", "validate", *given],
        capture_output=True,
        text=True,
        check=False,
        env=environment(),
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_every_refused_scenario_has_its_sentence():
    assert {file.stem for file in (INFRA / "scenarios/refused").iterdir()} == REFUSALS.keys()


@pytest.mark.parametrize("scenario", REFUSALS)
def test_a_deployment_that_would_fail_or_lose_data_is_refused(scenario: str):
    assert REFUSALS[scenario] in Templates().refusal(scenario)


@pytest.mark.parametrize(
    ("code", "source"),
    [
        ("no-unused-params", "@description('x')\nparam a string\n"),
        ("no-hardcoded-env-urls", "output a string = 'https://a.blob.core.windows.net'\n"),
        ("BCP057", "output a string = b\n"),
    ],
)
def test_a_strict_rule_is_an_error(folder: Path, code: str, source: str):
    shutil.copy(INFRA / "bicepconfig.json", folder)
    (folder / "main.bicep").write_text(source)
    with pytest.raises(BicepError, match=f"Error {code}"):
        compiler().compile(folder / "main.bicep")


def test_a_name_that_only_a_deployment_knows_is_an_error(folder: Path):
    """A dry run would show nothing of the resource."""
    shutil.copy(INFRA / "bicepconfig.json", folder)
    (folder / "inner.bicep").write_text(
        "param name string\n\nresource a 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {\n  name: name\n}\n"
        "\noutput id string = a.id\n"
    )
    (folder / "main.bicep").write_text(
        "resource id 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' existing = {\n  name: 'a'\n}\n\n"
        "module b 'inner.bicep' = {\n  name: 'b'\n  params: {\n    name: id.properties.clientId\n  }\n}\n\n"
        "output c string = b.outputs.id\n"
    )
    with pytest.raises(BicepError, match="what-if-short-circuiting"):
        compiler().compile(folder / "main.bicep")


def test_the_compiler_is_found_on_the_path_and_else_where_the_azure_cli_keeps_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setenv("AZURE_CONFIG_DIR", str(tmp_path / "azure"))
    assert find() is None
    for place in ("azure/bin", "path"):
        (tmp_path / place).mkdir(parents=True)
        own = tmp_path / place / "bicep"
        own.write_text("#!/bin/sh\n")
        own.chmod(0o700)
        assert find() == own


def test_without_a_compiler_one_line_says_what_is_left_out_and_ci_leaves_out_nothing():
    left_out = command("left-out").stdout
    assert left_out.count("\n") == 1
    assert "az bicep install" in left_out
    assert command("left-out", CI="true").stdout == ""
    refused = command("check", CI="true")
    assert refused.returncode == 1
    assert "the Bicep CLI isn't installed" in refused.stderr


def test_ci_has_the_compiler_and_says_that_it_is_ci():
    script = (CHECKOUT / ".ci/run").read_text()
    assert "PATH=$PATH:$(cd ../shared/tools/bicep && pwd)" in script
    if os.environ.get("CI") == "true":
        assert find() is not None


def test_the_scan_sees_a_weak_setting_and_a_file_it_cannot_read(tmp_path: Path):
    weak = json.loads((INFRA / "azuredeploy.json").read_text())
    for module in weak["resources"]:
        if module["name"] == "callvault-host-storage":
            (account,) = [
                one
                for one in module["properties"]["template"]["resources"]
                if one["type"] == "Microsoft.Storage/storageAccounts"
            ]
            account["properties"]["supportsHttpsTrafficOnly"] = False
    file = tmp_path / "azuredeploy.json"
    file.write_text(json.dumps(weak))
    assert any("CKV_AZURE_3 " in finding for finding in scan.findings(file, CHECKOV))
    file.write_text("{")
    assert list(scan.findings(file, CHECKOV))


def test_a_template_is_scanned_again_once_it_or_the_scan_changed(tmp_path: Path):
    """`python` here is one that scans nothing: only what isn't scanned at all passes."""
    template, clean, nothing = tmp_path / "azuredeploy.json", tmp_path / "clean", Path("/bin/false")
    template.write_text("{}")
    (finding,) = scan.findings_since(clean, template, nothing)
    assert finding == "checkov gave no report"
    assert not clean.exists(), "what wasn't read isn't clean"
    clean.write_text(scan.subject(template))
    assert not list(scan.findings_since(clean, template, nothing))
    template.write_text('{"a": 1}')
    assert list(scan.findings_since(clean, template, nothing))


def test_every_skipped_finding_has_its_reason():
    assert all(len(reason) > 40 for reason in scan.SKIPPED.values())
