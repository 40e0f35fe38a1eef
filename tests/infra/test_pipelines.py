"""The ways to deploy that run unattended: no secret, no more rights than needed, the two phases in their order."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from azure.communication.callautomation import CallAutomationClient
from azure.core.credentials import AccessToken
from azure.data.tables import TableServiceClient
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient

from infra.package import CHECKOUT
from tests.infra.test_deploy_script import STAND_IN

GITHUB = CHECKOUT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").iterdir())
WORKFLOW = GITHUB / "workflows" / "deploy.yml"
AZD = yaml.safe_load((CHECKOUT / "azure.yaml").read_text())
JOBS: dict[str, Any] = yaml.safe_load(WORKFLOW.read_text())["jobs"]
# What azd puts into the hook's environment: main.bicep's outputs, by their names.
AZD_ENV = {"functionAppName", "systemTopicName", "acsResourceGroup", "hostStorageName", "deadLetterContainer"}
STEPS = [(job, step) for job, named in JOBS.items() for step in named["steps"]]
COMMANDS = [
    step["run"]
    for file in WORKFLOWS
    for name, job in yaml.safe_load(file.read_text())["jobs"].items()
    if name != "publish"  # has no checkout
    for step in job["steps"]
    if "run" in step and not step["run"].startswith("az ")
]


def declared(template: str, kind: str) -> set[str]:
    text = (CHECKOUT / "infra" / f"{template}.bicep").read_text()
    return set(re.findall(rf"^{kind} (\w+) ", text, re.MULTILINE))


def test_an_auditor_of_workflows_finds_nothing():
    zizmor = Path(sys.executable).parent / "zizmor"
    command = [zizmor, "--offline", "--persona", "pedantic", "--no-progress", GITHUB]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_job_has_the_rights_that_it_needs_and_no_secret():
    text = WORKFLOW.read_text()
    assert yaml.safe_load(text)["permissions"] == {}
    assert {name: job["permissions"] for name, job in JOBS.items()} == {
        "test": {"contents": "read"},
        "deploy": {"contents": "read", "id-token": "write"},
    }
    assert "secrets" not in text.partition("\nname:")[2]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda file: file.name)
def test_every_action_is_pinned_to_a_commit_with_its_version_beside_it(workflow: Path):
    used = re.findall(r"uses: (.*)", workflow.read_text())
    assert used
    assert all(re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", one) for one in used)


def test_the_job_that_deploys_installs_the_run_time_packages_and_nothing_else():
    steps = [step for job, step in STEPS if job == "deploy"]
    commands = [step["run"] for step in steps if "run" in step]
    assert [command.split()[0] for command in commands] == ["make", "infra/deploy.sh", "az", "infra/deploy.sh"]
    assert commands[0] == "make runtime"
    for step in steps:
        if "deploy.sh" in step.get("run", ""):
            assert step["env"]["CALLVAULT_PYTHON"] == ".runtime/bin/python"
            assert step["env"]["AZURE_BICEP_USE_BINARY_FROM_PATH"] == "true", "az downloads no compiler"
    assert not [step for step in steps if "setup-node" in step.get("uses", "")], "npm has no business beside the rights"
    rules = (CHECKOUT / "Makefile").read_text()
    (install,) = re.findall(r"^PIP_INSTALL := (.*)$", rules, re.MULTILINE)
    assert "--require-hashes" in install
    assert "--only-binary :all:" in install
    (recipe,) = re.findall(r"^\$\(RUNTIME_STAMP\): requirements.txt\n((?:\t.*\n)+)", rules, re.MULTILINE)
    assert ".runtime/bin/python $(PIP_INSTALL) $<" in recipe


def test_updates_and_the_audit_cover_every_locked_file():
    update = {
        one["package-ecosystem"]: one for one in yaml.safe_load((GITHUB / "dependabot.yml").read_text())["updates"]
    }
    assert set(update) == {"uv", "npm", "github-actions"}
    locked = {file.parent.relative_to(CHECKOUT) for file in CHECKOUT.glob("*/package-lock.json")}
    assert {Path(one.removeprefix("/")) for one in update["npm"]["directories"]} == locked
    sources = {file.relative_to(CHECKOUT) for file in (*CHECKOUT.glob("*.in"), *CHECKOUT.glob("infra/*.in"))}
    assert {Path(one.removeprefix("/")) for one in update["uv"]["directories"]} == {file.parent for file in sources}
    rules = (CHECKOUT / "Makefile").read_text()
    (names,) = re.findall(r"^LOCKED := (.*)$", rules, re.MULTILINE)
    assert set(names.split()) == {str(file.with_suffix("")) for file in sources}
    assert "schedule" in (GITHUB / "workflows" / "audit.yml").read_text()


def test_the_deployer_may_assign_the_roles_of_the_templates_and_no_others():
    guid = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    page = (CHECKOUT / "docs" / "deploy.md").read_text()
    allowed = [found for line in re.findall(r'^ROLES="(.*)"$', page, re.MULTILINE) for found in re.findall(guid, line)]
    (roles,) = re.findall(
        r"^var roles = \{\n(.*?)^\}", (CHECKOUT / "infra" / "main.bicep").read_text(), re.DOTALL | re.MULTILINE
    )
    assigned = re.findall(rf"^  \w+: '({guid})'", roles, re.MULTILINE)
    assert sorted(allowed) == sorted(assigned)
    assert len(assigned) == len(roles.strip().splitlines()), "each entry is the id of a role"
    for template in (CHECKOUT / "infra").rglob("*.bicep"):
        elsewhere = set(re.findall(guid, template.read_text())) & set(assigned)
        assert template.name == "main.bicep" or not elsewhere, "roles have one home"
    condition = page.partition("--condition-version 2.0")[2].partition("```")[0]
    for act, of in (("write", "Request"), ("delete", "Resource")):
        assert re.search(
            rf"\(!\(ActionMatches\{{'\$ASSIGN/{act}'\}}\)\)\s+OR \(@{of}\[\$ASSIGN:RoleDefinitionId\] "
            rf"ForAnyOfAnyValues:GuidEquals \{{\$ROLES\}}\)",
            condition,
        )
    assert page.count("Role Based Access Control Administrator") == 1, "never without the condition"


def test_what_is_deployed_is_what_was_tested_and_only_from_main():
    assert JOBS["deploy"]["needs"] == "test"
    assert "github.ref == 'refs/heads/main'" in JOBS["deploy"]["if"]
    kept = {step["with"]["name"] for _, step in STEPS if "-artifact@" in step.get("uses", "")}
    assert len(kept) == 1, "the tests' package and no other"
    deploys, proves = [step for job, step in STEPS if job == "deploy" and "deploy.sh" in step.get("run", "")]
    assert "--only deploy" in deploys["run"]
    assert "--package dist/callvault.zip" in deploys["run"]
    assert "--only prove" in proves["run"]


def test_the_workflow_signs_in_again_before_the_proof():
    """The assertion of the first sign-in is valid for minutes only, and a deployment takes longer."""
    steps = [step.get("run", step.get("uses", "")) for job, step in STEPS if job == "deploy"]
    order = [
        re.sub(r"@.*| --.*", "", step, flags=re.DOTALL) for step in steps if re.search("login|deploy.sh|^az ", step)
    ]
    again = ["azure/login", "az account get-access-token", "infra/deploy.sh"]
    assert order == ["azure/login", "infra/deploy.sh", *again]
    assert "--only prove" in steps[-1]


class RecordedError(Exception):
    """No error of Azure's, which an SDK would retry."""


@dataclass
class Asked:
    """A credential that gives no token, and records the scopes that it is asked for."""

    scopes: set[str] = field(default_factory=set)

    def get_token(self, *scopes: str, **_: object) -> AccessToken:
        self.scopes.update(scopes)
        raise RecordedError

    def ask(self, request: Callable[[], object]) -> None:
        with pytest.raises(RecordedError):
            request()


def test_the_tokens_of_the_doctor_are_asked_for_before_the_proof():
    """A proof takes longer than the assertion is valid, and az's cache finds a token by the very scope."""
    asked = Asked()
    asked.ask(BlobServiceClient("https://x.blob.core.windows.net", asked).get_account_information)
    asked.ask(QueueServiceClient("https://x.queue.core.windows.net", credential=asked).get_service_properties)
    asked.ask(TableServiceClient("https://x.table.core.windows.net", credential=asked).get_service_properties)
    acs = CallAutomationClient("https://x.communication.azure.com", asked)
    asked.ask(acs.get_call_connection("call").get_call_properties)
    (tokens,) = [step["run"] for job, step in STEPS if job == "deploy" and step.get("run", "").startswith("az ")]
    assert {f"{resource}/.default" for resource in re.findall(r"--resource (\S+)", tokens)} == asked.scopes


def test_a_release_is_built_without_rights_and_published_without_code_of_the_checkout():
    release = yaml.safe_load((GITHUB / "workflows" / "release.yml").read_text())
    jobs = release["jobs"]
    assert release["permissions"] == {}
    assert {name: job["permissions"] for name, job in jobs.items()} == {
        "build": {"contents": "read"},
        "publish": {"contents": "write", "id-token": "write", "attestations": "write"},
    }
    assert jobs["publish"]["needs"] == "build"
    compiler, *built = [step["run"] for step in jobs["build"]["steps"] if "run" in step]
    assert compiler.startswith("az bicep install --version v")
    assert built == [".ci/run", "make release"]
    used = [step["uses"].partition("@")[0] for step in jobs["publish"]["steps"] if "uses" in step]
    assert used == ["actions/download-artifact", "actions/attest", "actions/attest"]
    attested = [step["with"] for step in jobs["publish"]["steps"] if "attest@" in step.get("uses", "")]
    assert {one["subject-path"] for one in attested} == {"dist/callvault.zip"}
    assert [one.get("sbom-path") for one in attested] == [None, "dist/callvault.cdx.json"]
    (create,) = [step["run"] for step in jobs["publish"]["steps"] if "run" in step]
    for file in ("callvault.zip", "callvault.cdx.json", "notes.md"):
        assert f"dist/{file}" in create


def test_the_dev_container_has_what_make_needs():
    container = json.loads((CHECKOUT / ".devcontainer/devcontainer.json").read_text())
    assert re.search(r"python:3\.13\b", container["image"]), "as in Azure"
    features = {name.rpartition("/")[2].partition(":")[0]: options for name, options in container["features"].items()}
    assert int(features["node"]["version"]) >= 20
    assert features["azure-cli"]["installBicep"] is True
    assert container["postCreateCommand"] == "make setup"


def test_no_tracked_parameter_names_a_customer_s_resource():
    (parameters,) = (CHECKOUT / "infra").glob("*.bicepparam")
    assert re.findall(r"^param .*$", parameters.read_text(), re.MULTILINE) == [
        "param acsName = readEnvironmentVariable('ACS_NAME')"
    ]
    (deploys,) = [step for job, step in STEPS if job == "deploy" and "--only deploy" in step.get("run", "")]
    assert deploys["env"]["ACS_NAME"] == "${{ vars.ACS_NAME }}"


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_of_the_workflow_is_one_of_this_checkout(command: str):
    program, *words = command.split()
    if program == "make":
        assert re.search(rf"^{words[0]}:", (CHECKOUT / "Makefile").read_text(), re.MULTILINE)
    else:
        assert (CHECKOUT / program).stat().st_mode & 0o111


def hook(tmp_path: Path, fail_at: str = "") -> tuple[int, str, list[str]]:
    """What azd runs once the code is there, in front of a stand-in for az: exit code, what it said, calls."""
    for name in ("az", "sleep"):
        (tmp_path / name).write_text(STAND_IN)
        (tmp_path / name).chmod(0o755)
    calls = tmp_path / "calls"
    own = {"PATH": f"{tmp_path}:{os.defpath}", "CALLS": str(calls), "STATE": str(tmp_path), "FAIL_AT": fail_at}
    env = {"AZURE_SUBSCRIPTION_ID": "s", "AZURE_RESOURCE_GROUP": "rg"} | {name: f"the-{name}" for name in AZD_ENV}
    script = AZD["hooks"]["postdeploy"]["run"]
    command = ["/bin/sh", "-c", script]
    done = subprocess.run(command, env=own | env, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr, calls.read_text().splitlines()


def test_azd_subscribes_to_the_events_after_the_code_is_there_and_known(tmp_path: Path):
    assert list(AZD["hooks"]) == ["postdeploy"]
    code, said, calls = hook(tmp_path)
    assert code == 0, said
    assert ["function show" in call for call in calls] == [False, False, False, True, False, True, False]
    assert calls[1].startswith("az rest --method post"), "the app reads its secrets again"
    assert "the-functionAppName" in calls[0]
    assert "--template-file infra/events.bicep" in calls[-1]
    assert "functionAppName=the-functionAppName" in calls[-1]
    assert "retentionHours=48" in calls[-1], "the app's own setting"


@pytest.mark.parametrize("fail_at", ["appsettings list", "function show", "group create"])
def test_a_step_that_fails_under_azd_stops_it(tmp_path: Path, fail_at: str):
    code, said, calls = hook(tmp_path, fail_at)
    assert code != 0
    assert fail_at in " ".join(calls[-2:])
    assert ("isn't registered yet" in said) == (fail_at == "function show")
    assert ("still refuses" in said) == (fail_at == "group create")
    assert sum("group create" in call for call in calls) == (11 if fail_at == "group create" else 0)


def test_azd_gives_events_bicep_what_it_takes_out_of_what_main_bicep_gave():
    script = AZD["hooks"]["postdeploy"]["run"]
    assert set(re.findall(r"(\w+)=\"", script)) == declared("events", "param")
    assert declared("main", "output") >= AZD_ENV
    assert f"'azd-service-name': '{next(iter(AZD['services']))}'" in "".join(
        file.read_text() for file in (CHECKOUT / "infra").rglob("*.bicep")
    )


def test_deploy_sh_reads_of_main_bicep_what_it_gives_and_tells_events_bicep_what_it_takes():
    script = (CHECKOUT / "infra" / "deploy.sh").read_text()
    (names,) = re.findall(r"for name in (.*); do\n    value=\$\(output", script)
    named = set(names.split())
    assert named | set(re.findall(r"output (functionAppName|url)\b", script)) <= declared("main", "output")
    assert named | {"functionAppName", "retentionHours"} == declared("events", "param")


def test_azd_publishes_only_a_package_that_was_built_with_its_libraries():
    """Azure's build takes the libraries of another Python: infra/publish.py says more."""
    (service,) = AZD["services"].values()
    assert service["remoteBuild"] is False
    refusal = service["hooks"]["prepackage"]
    done = subprocess.run(["/bin/sh", "-c", refusal["run"]], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    command = "azd deploy callvault --from-package dist/callvault.zip"
    assert command in done.stderr
    assert command in (CHECKOUT / "docs" / "deploy.md").read_text()
    assert next(iter(AZD["services"])) == "callvault"
