"""deploy.sh runs its steps in the right order, against a stand-in for Azure."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from infra.package import CHECKOUT, packaged
from tests.infra.templates import Templates

SCRIPT = CHECKOUT / "infra" / "deploy.sh"
# Records each call, answers what the script reads, and fails where the test says. State is a file for each thing made.
STAND_IN = """#!/bin/bash
call="$(basename "$0") $*"
printf '%s\\n' "$call" >>"$CALLS"
if [ -n "$FAIL_AT" ] && [[ $call == *$FAIL_AT* ]]; then
  failed=$(cat "$STATE/failed" 2>/dev/null || echo 0)
  if [ "$failed" -lt "${FAIL_TIMES:-99}" ]; then
    echo $((failed + 1)) >"$STATE/failed"; echo "stand-in: refused" >&2; exit 7
  fi
fi
case $call in
  'az group exists'*) [ -e "$STATE/group" ] && echo true || echo false ;;
  'az group create'*) touch "$STATE/group" ;;
  'az deployment group create'*--name\\ callvault\\ *) touch "$STATE/main" ;;
  'az deployment group list'*) cat "$STATE/last" ;;
  'az deployment group show'*operatorPrincipalId*) cat "$STATE/operator" ;;
  'az ad signed-in-user show'*) echo the-user ;;
  'az deployment group show'*functionAppName*) [ -e "$STATE/main" ] || exit 3; echo func-x ;;
  'az deployment group show'*outputs.url*) echo https://func-x.azurewebsites.net ;;
  'az deployment group show'*) name=${call#*outputs.}; echo "the-${name%%.*}" ;;
  'az provider list'*) cat "$STATE/providers" ;;
  'az group show'*location*) echo West Europe ;;
  'az functionapp list-flexconsumption-locations'*) printf 'westeurope\nw\n' ;;
  'az functionapp list-flexconsumption-runtimes'*) cat "$STATE/versions" ;;
  'az functionapp config appsettings'*) echo 48 ;;
  'az functionapp show'*) echo /sites/func-x ;;
  'az rest --method get'*) cat "$STATE/denied" 2>/dev/null || true ;;
  'az rest --method post'*) [ -e "$STATE/never" ] || rm -f "$STATE/denied" ;;
  'python -m infra.package --with-dependencies --directory '*)
    cd "$CHECKOUT" && exec "$REAL_PYTHON" -m infra.package "${@:4}" ;;
  'func azure'*) find . -type f | sed 's#^[.]/##' | sort >"$STATE/published" ;;
  'az functionapp function show'*) [ -e "$STATE/known" ] || { touch "$STATE/known"; exit 3; } ;;
esac
"""

# As Azure spells them.
PROVIDERS = (
    "Microsoft.Communication",
    "Microsoft.EventGrid",
    "microsoft.insights",
    "Microsoft.KeyVault",
    "Microsoft.ManagedIdentity",
    "Microsoft.OperationalInsights",
    "Microsoft.Storage",
    "Microsoft.Web",
)

type Deploy = Callable[..., "Done"]


@dataclass(kw_only=True)
class Done:
    code: int
    said: str
    calls: list[str] = field(default_factory=list)

    def steps(self) -> list[str]:
        """The calls that change something or look ahead, by their first words."""
        marks = ("group create", "what-if", "infra.publish", "-m infra", "func azure", "bicep build", "function show")
        return [next(mark for mark in marks if mark in call) for call in self.calls if any(m in call for m in marks)]


@pytest.fixture
def deploy(tmp_path: Path) -> Deploy:
    tools, state, calls = tmp_path / "tools", tmp_path / "state", tmp_path / "calls"
    temporary = tmp_path / "temporary"
    for directory in (tools, state, temporary):
        directory.mkdir()
    (state / "providers").write_text("".join(f"{name}\n" for name in PROVIDERS))
    (state / "last").write_text("portal-1\n")
    (state / "operator").write_text("the-user\n")
    (state / "versions").write_text("3.12\n3.13\n")
    for name in ("az", "func", "python", "sleep"):
        (tools / name).write_text(STAND_IN)
        (tools / name).chmod(0o755)

    def call(*arguments: str, fail_at: str = "", fail_times: int = 99, without: tuple[str, ...] = ()) -> Done:
        for name in without:
            (tools / name).unlink()
        calls.write_text("")
        environment = {
            "PATH": f"{tools}:{os.defpath}",
            "CALLS": str(calls),
            "STATE": str(state),
            "FAIL_AT": fail_at,
            "FAIL_TIMES": str(fail_times),
            "CALLVAULT_PYTHON": str(tools / "python"),
            "CHECKOUT": str(CHECKOUT),
            "REAL_PYTHON": sys.executable,
            "TMPDIR": str(temporary),
        }
        done = subprocess.run(
            [SCRIPT, *arguments], env=environment, capture_output=True, text=True, check=False, timeout=60
        )
        said = done.stdout + done.stderr
        return Done(code=done.returncode, said=said, calls=calls.read_text().splitlines())

    return call


def test_resources_come_first_then_code_then_events_then_proof_and_doctor(deploy: Deploy):
    done = deploy("--group", "rg", "--location", "westeurope", "--acs", "contoso")
    assert done.code == 0, done.said
    assert done.steps() == [
        "bicep build",
        "bicep build",
        "group create",  # the resource group
        "group create",  # main.bicep
        "-m infra",  # the package
        "infra.publish",
        "function show",
        "function show",
        "group create",  # events.bicep
        "-m infra",  # the proof
        "-m infra",  # the doctor
    ]
    assert done.calls[-2] == "python -m infra.remote --group rg --app func-x shared.doctor"
    (shown,) = [call for call in done.calls if "infra.proof" in call]
    assert shown == "python -m infra.proof --group rg --app func-x --workspace the-workspaceCustomerId"
    assert "Done: https://func-x.azurewebsites.net" in done.said


def test_the_second_template_gets_what_the_first_one_gave(deploy: Deploy):
    done = deploy("--group", "rg", "--location", "westeurope", "--acs", "contoso")
    (events,) = [call for call in done.calls if "group create" in call and "events.bicep" in call]
    given = dict(word.split("=") for word in events.split() if "=" in word)
    assert given == {
        "functionAppName": "func-x",
        "systemTopicName": "the-systemTopicName",
        "acsResourceGroup": "the-acsResourceGroup",
        "hostStorageName": "the-hostStorageName",
        "deadLetterContainer": "the-deadLetterContainer",
        "retentionHours": "48",
    }


def test_a_second_call_makes_no_second_group_and_does_the_rest_again(deploy: Deploy):
    first = deploy("--group", "rg", "--location", "westeurope", "--acs", "contoso")
    second = deploy("--group", "rg", "--acs", "contoso")
    assert second.code == 0, second.said
    assert not any(call.startswith("az group create") for call in second.calls)
    again = [call for call in first.calls if "deployment group create" in call]
    assert [call for call in second.calls if "deployment group create" in call] == again


@pytest.mark.parametrize("again", [False, True])
def test_a_dry_run_compiles_and_asks_and_changes_nothing(deploy: Deploy, tmp_path: Path, again: bool):
    if again:
        deploy("--group", "rg", "--location", "westeurope", "--acs", "contoso")
    else:
        (tmp_path / "state" / "group").touch()
    done = deploy("--group", "rg", "--acs", "contoso", "--dry-run")
    assert done.code == 0, done.said
    assert done.steps() == ["bicep build", "bicep build", "what-if", *(["what-if"] if again else [])]
    assert "Nothing was changed" in done.said


def test_missing_resource_providers_are_registered_and_those_of_parameters_are_named(deploy: Deploy, tmp_path: Path):
    providers = tmp_path / "state" / "providers"
    providers.write_text(providers.read_text().replace("Microsoft.EventGrid\n", ""))
    done = deploy("--group", "rg", "--location", "westeurope", "--acs", "contoso", "--dry-run")
    assert "Microsoft.EventGrid isn't registered" in done.said
    assert not [call for call in done.calls if "provider register" in call]
    done = deploy("--group", "rg", "--location", "westeurope", "--acs", "contoso")
    assert [call for call in done.calls if "provider register" in call] == [
        "az provider register --namespace Microsoft.EventGrid --wait"
    ]
    assert "privateNetworking needs Microsoft.App" in done.said
    refused = deploy("--group", "rg", "--acs", "contoso", fail_at="provider register")
    assert refused.code == 1
    assert "ask someone who can write to the subscription" in refused.said


def test_a_registered_provider_is_found_however_azure_spells_it(deploy: Deploy, tmp_path: Path):
    """Azure lists Microsoft.Insights as microsoft.insights. An account that can't register must not be asked to."""
    providers = tmp_path / "state" / "providers"
    providers.write_text(providers.read_text() + "microsoft.app\nMicrosoft.Logic\nMICROSOFT.NETWORK\n")
    done = deploy("--group", "rg", "--location", "westeurope", "--acs", "contoso", fail_at="provider register")
    assert done.code == 0, done.said
    assert "isn't registered" not in done.said


def test_the_registered_providers_are_those_of_the_templates():
    (required, optional) = (
        set(words.split())
        for words in re.findall(r"^(?:required|for_parameters)='(.*)'$", SCRIPT.read_text(), re.MULTILINE)
    )
    used = {name: namespaces(name) for name in ("default", "everything", "private", "entra", "announce")}
    always = {"Authorization", "Resources"}  # registered in every subscription
    assert required | always == used["default"] | always | {"Communication"}, "with an ACS resource of the customer's"
    # Flex Consumption delegates a subnet to Microsoft.App, of which the templates create no resource.
    assert optional - {"App"} == set.union(*used.values()) - required - always


def namespaces(scenario: str) -> set[str]:
    return {one.type.partition("/")[0].removeprefix("Microsoft.") for one in Templates().main(scenario).resources}


@pytest.mark.parametrize(
    ("region", "versions", "message"),
    [
        ("westus", "3.13", "westus has no Flex Consumption"),
        ("westeurope", "3.11\n3.12\n", "no Python 3.13 in westeurope, only: 3.11, 3.12"),
    ],
)
def test_a_region_without_flex_consumption_or_the_python_is_refused_before_anything_is_created(
    deploy: Deploy, tmp_path: Path, region: str, versions: str, message: str
):
    (tmp_path / "state" / "versions").write_text(versions)
    done = deploy("--group", "rg", "--location", region, "--acs", "contoso")
    assert done.code == 1
    assert message in done.said
    assert not [call for call in done.calls if "create" in call]


def test_an_account_that_can_t_list_the_regions_deploys_without_that_check(deploy: Deploy):
    done = deploy(
        "--group", "rg", "--location", "westeurope", "--acs", "contoso", fail_at="list-flexconsumption-locations"
    )
    assert done.code == 0, done.said
    assert "westeurope isn't checked" in done.said
    assert "group create" in done.steps()


def test_a_part_alone_can_be_run(deploy: Deploy):
    deployed = deploy("--group", "rg", "--location", "westeurope", "--acs", "contoso", "--only", "deploy")
    assert deployed.steps()[-3:] == ["function show", "function show", "group create"]
    proved = deploy("--group", "rg", "--only", "prove")
    assert proved.code == 0, proved.said
    assert all("--name portal-1 " in call for call in proved.calls if "deployment group show" in call)
    assert [call for call in proved.calls if call.startswith("python")] == [
        "python -m infra.proof --group rg --app func-x --workspace the-workspaceCustomerId",
        "python -m infra.remote --group rg --app func-x shared.doctor",
    ]


def test_nothing_can_be_proved_where_nothing_is_deployed(deploy: Deploy, tmp_path: Path):
    (tmp_path / "state" / "last").write_text("\n")
    proved = deploy("--group", "rg", "--only", "prove")
    assert proved.code == 1
    assert "no deployment of main.bicep in rg has succeeded" in proved.said


def test_the_doctor_runs_only_if_someone_has_the_roles_that_it_needs(deploy: Deploy, tmp_path: Path):
    given = deploy("--group", "rg", "--location", "westeurope", "--acs", "contoso", "--operator")
    (main,) = [call for call in given.calls if "--name callvault " in call and "create" in call]
    assert "acsName=contoso operatorPrincipalId=the-user" in main
    (tmp_path / "state" / "operator").write_text("\n")
    without = deploy("--group", "rg", "--acs", "contoso")
    assert without.code == 0, without.said
    assert "The doctor is skipped: nobody has the roles" in without.said
    assert not [call for call in without.calls if "shared.doctor" in call]


def test_core_tools_publish_what_the_package_holds_and_nothing_else_of_the_checkout(deploy: Deploy, tmp_path: Path):
    done = deploy("--group", "rg", "--location", "westeurope", "--acs", "contoso", "--code", "func")
    assert done.code == 0, done.said
    assert (tmp_path / "state" / "published").read_text().splitlines() == sorted(packaged())
    assert list((tmp_path / "temporary").iterdir()) == [], "the copy is removed"


@pytest.mark.parametrize(
    ("fail_at", "step"),
    [
        ("account show", "signed in to Azure"),
        ("bicep build", "the templates compile"),
        ("az group create", "resource group rg"),
        ("--name callvault --template-file", "resources"),
        ("infra.package", "code, by zip"),
        ("infra.publish", "code, by zip"),
        ("outputs.systemTopicName", "events"),
        ("--name callvault-events", "events"),
        ("infra.proof", "proof"),
        ("shared.doctor", "doctor"),
    ],
)
def test_the_first_failure_stops_the_script_and_is_reported(deploy: Deploy, fail_at: str, step: str):
    done = deploy("--group", "rg", "--location", "westeurope", "--acs", "contoso", fail_at=fail_at)
    assert done.code != 0
    assert fail_at in done.calls[-1], "nothing is called after it"
    assert re.search(rf"failed at step: {step}[.:]", done.said)


def test_the_event_subscription_is_tried_until_a_new_role_must_be_effective(deploy: Deploy):
    """Event Grid may not know the new function or role yet. A role can take ten minutes."""
    subscribe = "--name callvault-events"
    done = deploy("--group", "rg", "--location", "westeurope", "--acs", "contoso", fail_at=subscribe, fail_times=10)
    assert done.code == 0, done.said
    assert sum(subscribe in call for call in done.calls) == 11
    assert done.calls.count("sleep 60") == 10
    assert "shared.doctor" in done.calls[-2]


def test_further_refusals_of_the_event_subscription_end_the_deployment(deploy: Deploy):
    subscribe = "--name callvault-events"
    done = deploy("--group", "rg", "--location", "westeurope", "--acs", "contoso", fail_at=subscribe)
    assert done.code == 1
    assert sum(subscribe in call for call in done.calls) == 11
    assert "still refuses the event subscription" in done.said


def test_the_code_waits_until_the_app_can_read_its_secrets(deploy: Deploy, tmp_path: Path):
    """Azure reads a reference that was refused again only a day later, and the app doesn't start without it."""
    (tmp_path / "state" / "denied").write_text("CALLBACK_SECRET\nPARTICIPANTS_SECRET\n")
    done = deploy("--group", "rg", "--location", "westeurope", "--acs", "contoso")
    assert done.code == 0, done.said
    (refresh,) = [index for index, call in enumerate(done.calls) if "appsettings/refresh" in call]
    assert "/sites/func-x/config/configreferences/appsettings/refresh" in done.calls[refresh]
    assert refresh < next(index for index, call in enumerate(done.calls) if "infra.publish" in call)


def test_secrets_that_stay_refused_end_the_deployment_with_the_role(deploy: Deploy, tmp_path: Path):
    for name, content in (("denied", "CALLBACK_SECRET\nPARTICIPANTS_SECRET\n"), ("never", "")):
        (tmp_path / "state" / name).write_text(content)
    done = deploy("--group", "rg", "--location", "westeurope", "--acs", "contoso")
    assert done.code == 1
    assert "can't read CALLBACK_SECRET, PARTICIPANTS_SECRET" in done.said
    assert "Key Vault Secrets User" in done.said
    assert not [call for call in done.calls if "infra.publish" in call]


@pytest.mark.parametrize("unknown", ["rest --method get", "provider list"])
def test_a_check_that_azure_refuses_to_this_account_is_left_out(deploy: Deploy, unknown: str):
    done = deploy("--group", "rg", "--location", "westeurope", "--acs", "contoso", fail_at=unknown)
    assert done.code == 0, done.said
    assert ("isn't checked" in done.said) == (unknown == "provider list")
    assert not [call for call in done.calls if "provider register" in call]


def test_a_function_that_never_appears_ends_the_wait_with_its_name(deploy: Deploy):
    done = deploy("--group", "rg", "--location", "westeurope", "--acs", "contoso", fail_at="function show")
    assert done.code == 1
    assert done.steps().count("function show") == 60
    assert "on_recording_event of func-x isn't registered yet" in done.said


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--code", "func"), "func azure functionapp publish func-x --python --no-build"),
        (("--package", "requirements.txt"), f"--app func-x --package {Path.cwd() / 'requirements.txt'}"),
        ((), f"--app func-x --package {CHECKOUT / 'dist/callvault.zip'}"),
    ],
)
def test_the_code_goes_the_way_that_was_asked_for(deploy: Deploy, arguments: tuple[str, ...], expected: str):
    done = deploy("--group", "rg", "--location", "westeurope", "--acs", "contoso", *arguments)
    assert any(expected in call for call in done.calls), done.said
    assert sum("infra.publish" in call or "func azure" in call for call in done.calls) == 1
    packed = [call for call in done.calls if "infra.package" in call]
    assert all("--with-dependencies" in call for call in packed), "Azure builds nothing"
    assert len(packed) == ("--package" not in arguments)


def test_the_code_and_the_doctor_can_be_left_out(deploy: Deploy):
    done = deploy("--group", "rg", "--location", "w", "--acs", "contoso", "--code", "none", "--no-doctor")
    assert done.steps()[3:] == ["group create", "function show", "function show", "group create", "-m infra"]


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("infra/own.bicepparam", "--parameters infra/own.bicepparam --output"),
        ("infra/own.json", "main.bicep --parameters @infra/own.json"),
    ],
)
def test_parameters_come_from_a_file_of_either_kind(deploy: Deploy, tmp_path: Path, file: str, expected: str):
    path = tmp_path / file
    path.parent.mkdir()
    path.touch()
    done = deploy("--group", "rg", "--location", "westeurope", "--parameters", str(path))
    assert done.code == 0, done.said
    assert any(expected.replace("infra/own", str(path.with_suffix(""))) in call for call in done.calls)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "--group is missing"),
        (("--group",), "--group needs a value"),
        (("--group", "rg"), "--acs NAME or --parameters FILE"),
        (("--group", "rg", "--acs", "a", "--parameters", "b.json"), "not both"),
        (("--group", "rg", "--parameters", "none.json"), "there is no file none.json"),
        (("--group", "rg", "--acs", "a", "--code", "ftp"), "--code must be zip, func or none"),
        (("--group", "rg", "--acs", "a", "--package", "none.zip"), "there is no file none.zip"),
        (("--group", "rg", "--parameters", "README.md", "--operator"), "--parameters must be"),
        (("--group", "rg", "--only", "prove", "--operator"), "--operator requires --acs"),
        (("--group", "rg", "--acs", "a", "--only", "half"), "--only must be deploy or prove"),
        (("--group", "rg", "--acs", "a", "--what"), "unknown argument --what"),
    ],
)
def test_wrong_arguments_are_refused_in_a_sentence_before_anything_is_called(
    deploy: Deploy, arguments: tuple[str, ...], message: str
):
    done = deploy(*arguments)
    assert (done.code, done.calls) == (2, [])
    assert message in done.said


@pytest.mark.parametrize(
    ("without", "message"),
    [("az", "the Azure CLI (az) is not installed"), ("func", "(func) are not installed"), ("python", "make setup")],
)
def test_a_missing_tool_is_named_before_anything_is_called(deploy: Deploy, without: str, message: str):
    done = deploy("--group", "rg", "--acs", "contoso", "--code", "func", without=(without,))
    assert (done.code, done.calls) == (2, [])
    assert message in done.said


def test_a_group_that_is_not_there_is_made_only_where_it_is_said(deploy: Deploy):
    done = deploy("--group", "rg", "--acs", "contoso")
    assert done.code == 1
    assert "pass --location" in done.said
    assert "what-if needs the resource group" in deploy("--group", "rg", "--acs", "contoso", "--dry-run").said


def test_help_tells_every_option(deploy: Deploy):
    said = deploy("--help").said
    options = set(re.findall(r"^ +(--[a-z-]+)\) ", SCRIPT.read_text(), re.MULTILINE))
    assert len(options) == 10
    assert options - {"--help"} <= set(re.findall(r"--[a-z-]+", said))


def shellchecked(*arguments: str | Path, script: str | None = None) -> str:
    """What shellcheck minds."""
    shellcheck = shutil.which("shellcheck", path=str(Path(sys.executable).parent))
    assert shellcheck, "it comes with the development requirements"
    done = subprocess.run([shellcheck, *arguments], input=script, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def test_shellcheck_minds_nothing_in_the_scripts_and_in_what_azd_runs():
    scripts = [*CHECKOUT.glob("infra/**/*.sh"), *CHECKOUT.glob("local/*.sh"), CHECKOUT / ".ci" / "run"]
    assert len(scripts) > 3
    assert shellchecked(*scripts) == ""
    hooks = yaml.safe_load((CHECKOUT / "azure.yaml").read_text())["hooks"]
    for hook in hooks.values():
        assert shellchecked(f"--shell={hook['shell']}", "--exclude=SC2154", "-", script=hook["run"]) == ""
