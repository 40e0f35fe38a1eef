#!/usr/bin/env bash
# Deploys Callvault into a resource group, in the order that Azure requires: resources, code, events; then waits
# for the proof that it works and runs the doctor. Every step can be repeated: after a failure, run the same command again.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
python=${CALLVAULT_PYTHON:-$root/.venv/bin/python}
deployment=callvault
poll_seconds=10
polls=60
# New roles can take ten minutes to become effective.
role_attempts=11
role_seconds=60

usage() {
  cat <<'TEXT'
Usage: infra/deploy.sh --group GROUP (--acs NAME | --parameters FILE) [OPTION]...

Deploys the resources, the code, the Event Grid subscription, waits for the proof that the app works, and runs the
doctor. Safe to repeat.

  --group GROUP       resource group of Callvault. If it doesn't exist, it is created in --location
  --location REGION   region of a new resource group
  --acs NAME          ACS resource whose recordings are archived; all other parameters keep their defaults
  --parameters FILE   parameters for infra/main.bicep: a .bicepparam or .json file
  --operator          with --acs: give the signed-in user the operator's roles, which the doctor needs
  --code WAY          zip (default: build a package with its libraries here, and send it), func (the same, sent by Core
                      Tools), or none (don't deploy code)
  --package FILE      send this package, built with its libraries: make package ARGS=--with-dependencies
  --dry-run           compile, and show what would change (what-if); changes nothing
  --no-doctor         skip the doctor, for example if this machine can't reach the storage accounts
  --only PART         deploy: without proof and doctor; prove: proof and doctor of what is deployed

Requires the Azure CLI, signed in with az login; the right to assign roles; and this checkout set up with make setup.
TEXT
}

fail() {
  printf 'deploy.sh: %s\n' "$1" >&2
  exit "${2:-2}"
}

step='' staged=''
begin() {
  step=$1
  printf '\n=== %s\n' "$step"
}
finish() {
  local code=$?
  [ -z "$staged" ] || rm -rf "$staged"
  if [ "$code" -ne 0 ]; then
    printf '\ndeploy.sh failed at step: %s. Later steps did not run. Fix the error above, then run the same command again.\n' "$step" >&2
  fi
}

group='' location='' acs='' parameters='' code=zip package='' dry_run=no doctor=yes only='' operator=no
while [ $# -gt 0 ]; do
  case $1 in
    --group | --location | --acs | --parameters | --code | --package | --only)
      [ $# -gt 1 ] && [ -n "$2" ] || fail "$1 needs a value"
      case $1 in
        --group) group=$2 ;;
        --location) location=$2 ;;
        --acs) acs=$2 ;;
        --parameters) parameters=$2 ;;
        --code) code=$2 ;;
        --package) package=$2 ;;
        --only) only=$2 ;;
      esac
      shift
      ;;
    --dry-run) dry_run=yes ;;
    --operator) operator=yes ;;
    --no-doctor) doctor=no ;;
    -h | --help)
      usage
      exit 0
      ;;
    *) fail "unknown argument $1; run deploy.sh --help for the options" ;;
  esac
  shift
done

[ -n "$group" ] || fail '--group is missing; run deploy.sh --help for the options'
case $code in zip | func | none) ;; *) fail "--code must be zip, func or none, not $code" ;; esac
case $only in '' | deploy | prove) ;; *) fail "--only must be deploy or prove, not $only" ;; esac
[ -z "$package" ] || [ -f "$package" ] || fail "--package: there is no file $package"
[ -z "$package" ] || [ "$code" = zip ] || fail '--package requires --code zip'
if [ -n "$parameters" ]; then
  [ -z "$acs" ] || fail 'pass either --acs or --parameters, not both: the file names the ACS resource'
  [ -f "$parameters" ] || fail "--parameters: there is no file $parameters"
  case $parameters in
    # A .bicepparam file names its template itself.
    *.bicepparam) main=(--parameters "$parameters") ;;
    *.json) main=(--template-file "$root/infra/main.bicep" --parameters "@$parameters") ;;
    *) fail '--parameters must be a .bicepparam or .json file' ;;
  esac
elif [ "$only" = prove ]; then
  main=()
elif [ -n "$acs" ]; then
  main=(--template-file "$root/infra/main.bicep" --parameters "acsName=$acs")
else
  fail 'pass --acs NAME or --parameters FILE'
fi
command -v az >/dev/null || fail 'the Azure CLI (az) is not installed: https://learn.microsoft.com/cli/azure/install-azure-cli'
[ "$code" != func ] || command -v func >/dev/null || fail 'Azure Functions Core Tools (func) are not installed; or use --code zip'
[ -x "$python" ] || fail 'this checkout is not set up: run make setup first'

[ "$operator" = no ] || [ -n "$acs" ] || fail '--operator requires --acs: a file of parameters names the operator itself'

trap finish EXIT

begin 'signed in to Azure'
az account show --query '{subscription: name, user: user.name}' --output table
if [ "$operator" = yes ]; then
  main+=("operatorPrincipalId=$(az ad signed-in-user show --query id --output tsv)")
fi

if [ "$only" != prove ]; then
  begin 'the templates compile'
  for template in main events; do
    az bicep build --file "$root/infra/$template.bicep" --stdout >/dev/null
  done
fi

# One value that main.bicep gave, or nothing where it was never deployed.
output() {
  az deployment group show --resource-group "$group" --name "$deployment" \
    --query "properties.outputs.$1.value" --output tsv
}

# Sets `events` to the arguments that subscribe the app to the events.
events=()
prepare_events() {
  local app=$1 name value retention
  events=(--template-file "$root/infra/events.bicep" --parameters "functionAppName=$app")
  for name in systemTopicName acsResourceGroup hostStorageName deadLetterContainer; do
    value=$(output "$name")
    [ -n "$value" ] || fail "the deployment $deployment in $group has no output $name: was it made from another template?" 1
    events+=("$name=$value")
  done
  # The subscription gives up well before ACS deletes the media, so its length depends on the app's setting.
  retention=$(az functionapp config appsettings list --resource-group "$group" --name "$app" \
    --query "[?name=='RETENTION_HOURS'].value | [0]" --output tsv)
  events+=("retentionHours=${retention:-24}")
}

# Resource types of the templates, and Microsoft.App, to which Flex Consumption delegates the subnet of a private network.
required='Communication EventGrid Insights KeyVault ManagedIdentity OperationalInsights Storage Web'
for_parameters='App Logic Network'

check_subscription() {
  local name registered
  # The list belongs to the subscription: an account with roles on the resource group only may not read it.
  registered=$(az provider list --query "[?registrationState=='Registered'].namespace" --output tsv) || {
    echo "This account can't list the resource providers, so their registration isn't checked."
    return
  }
  # Ignore case: Azure lists Microsoft.Insights as microsoft.insights.
  for name in $required; do
    ! grep -qixF -- "Microsoft.$name" <<<"$registered" || continue
    if [ "$dry_run" = yes ]; then
      echo "Microsoft.$name isn't registered in the subscription. The deployment registers it."
    else
      echo "Registering Microsoft.$name in the subscription."
      az provider register --namespace "Microsoft.$name" --wait ||
        fail "this account can't register Microsoft.$name: ask someone who can write to the subscription to run az provider register --namespace Microsoft.$name" 1
    fi
  done
  for name in $for_parameters; do
    grep -qixF -- "Microsoft.$name" <<<"$registered" ||
      echo "Microsoft.$name isn't registered. privateNetworking needs Microsoft.App and Microsoft.Network, sampleLogicApp and teamsCards need Microsoft.Logic: az provider register --namespace Microsoft.$name"
  done
}

check_region() {
  local region=$1 regions versions
  regions=$(az functionapp list-flexconsumption-locations --query '[].name' --output tsv) || {
    echo "This account can't list the regions of Flex Consumption, so $region isn't checked."
    return
  }
  grep -qix -- "$region" <<<"${regions// /}" ||
    fail "$region has no Flex Consumption: choose one of az functionapp list-flexconsumption-locations" 1
  versions=$(az functionapp list-flexconsumption-runtimes --location "$region" --runtime python --query '[].version' --output tsv)
  grep -qx -- '3\.13' <<<"$versions" || fail "Flex Consumption has no Python 3.13 in $region, only: ${versions//$'\n'/, }" 1
}

there=$(az group exists --name "$group" --output tsv)

if [ "$only" != prove ]; then
  begin 'the subscription and the region'
  check_subscription
  # A parameter location may name another region than the group's: name it by --location, too.
  region=$location
  [ -n "$region" ] || [ "$there" != true ] || region=$(az group show --name "$group" --query location --output tsv)
  [ -z "$region" ] || check_region "${region// /}"
fi

if [ "$dry_run" = yes ]; then
  [ "$there" = true ] || fail "what-if needs the resource group: az group create --name $group --location REGION" 1
  begin 'what would change: resources'
  az deployment group what-if --resource-group "$group" --name "$deployment" "${main[@]}"
  begin 'what would change: events'
  if app=$(output functionAppName 2>/dev/null) && [ -n "$app" ]; then
    prepare_events "$app"
    az deployment group what-if --resource-group "$group" --name "$deployment-events" "${events[@]}"
  else
    echo "The app doesn't exist yet, so the Event Grid subscription can't be previewed. The deployment creates it after the app."
  fi
  printf '\nNothing was changed: this was a dry run.\n'
  exit 0
fi

# The app reads its secrets from the Key Vault with its identity. If the identity's role isn't effective yet, Azure tries
# again only a day later, and the app doesn't start without the secrets.
wait_for_secrets() {
  local references denied
  references=$(az functionapp show --resource-group "$group" --name "$app" --query id --output tsv)/config/configreferences/appsettings
  while true; do
    denied=$(az rest --method get --url "$references?api-version=2022-03-01" --output tsv \
      --query "value[?properties.status=='AccessToKeyVaultDenied'].name") || {
      echo "Azure doesn't say whether the app can read its secrets. The deployment goes on."
      return
    }
    [ -n "$denied" ] || return 0
    role_attempts=$((role_attempts - 1))
    [ "$role_attempts" -gt 0 ] || fail "the app can't read ${denied//$'\n'/, }: its identity needs the role Key Vault Secrets User on the vault" 1
    echo "The app can't read its secrets yet. The next attempt is in $role_seconds seconds."
    sleep "$role_seconds"
    az rest --method post --url "$references/refresh?api-version=2022-03-01" --output none || true
  done
}

deploy() {
  if [ "$there" != true ]; then
    [ -n "$location" ] || fail "resource group $group doesn't exist: to create it, pass --location" 1
    begin "resource group $group"
    az group create --name "$group" --location "$location" --output none
  fi

  begin 'resources'
  az deployment group create --resource-group "$group" --name "$deployment" "${main[@]}" --output none
  app=$(output functionAppName)
  [ -n "$app" ] || fail 'the deployment of main.bicep has no output functionAppName' 1
  echo "The function app is $app."

  begin 'wait until the app can read its secrets'
  wait_for_secrets

  # Azure builds nothing: infra/publish.py says why.
  begin "code, by $code"
  case $code in
    zip)
      if [ -z "$package" ]; then
        package=$root/dist/callvault.zip
        (cd "$root" && "$python" -m infra.package --with-dependencies --output "$package")
      fi
      case $package in /*) ;; *) package=$PWD/$package ;; esac
      (cd "$root" && "$python" -m infra.publish --group "$group" --app "$app" --package "$package")
      ;;
    func)
      # Core Tools publish a directory: one that holds the package's files and nothing else of the checkout.
      staged=$(mktemp -d)
      (cd "$root" && "$python" -m infra.package --with-dependencies --directory "$staged/callvault")
      (cd "$staged/callvault" && func azure functionapp publish "$app" --python --no-build)
      ;;
    none) echo 'Code not deployed (--code none).' ;;
  esac

  # Azure refuses a subscription to a function that it doesn't know yet, and learns of new code after a while.
  begin 'wait until Azure lists the function on_recording_event'
  until az functionapp function show --resource-group "$group" --name "$app" --function-name on_recording_event \
    --output none 2>/dev/null; do
    polls=$((polls - 1))
    [ "$polls" -gt 0 ] || fail "on_recording_event of $app isn't registered yet: the portal shows why under the app's \"Diagnose and solve problems\", then run this command again" 1
    sleep "$poll_seconds"
  done

  begin 'events'
  prepare_events "$app"
  # Event Grid checks the function and the topic's role itself, and for some minutes it may not know them yet.
  until az deployment group create --resource-group "$group" --name "$deployment-events" "${events[@]}" --output none; do
    role_attempts=$((role_attempts - 1))
    [ "$role_attempts" -gt 0 ] || fail 'Azure still refuses the event subscription, with the error above' 1
    echo "Azure refused the event subscription. The next attempt is in $role_seconds seconds."
    sleep "$role_seconds"
  done
}

# Waits long enough for new roles to become effective, so the doctor comes after it.
prove() {
  begin 'proof: the sweep runs, its log line arrives, and requests without a credential are refused'
  (cd "$root" && "$python" -m infra.proof --group "$group" --app "$app" --workspace "$(output workspaceCustomerId)")

  if [ "$doctor" = no ]; then
    echo 'The doctor is skipped (--no-doctor).'
  elif [ -z "$(az deployment group show --resource-group "$group" --name "$deployment" \
    --query properties.parameters.operatorPrincipalId.value --output tsv)" ]; then
    echo 'The doctor is skipped: nobody has the roles that it needs. Deploy with --operator, or with operatorPrincipalId.'
  else
    begin 'doctor'
    (cd "$root" && "$python" -m infra.remote --group "$group" --app "$app" shared.doctor)
  fi
}

if [ "$only" = prove ]; then
  # The portal and azd give the deployment of main.bicep a name of their own: take the last one.
  deployment=$(az deployment group list --resource-group "$group" --output tsv \
    --query 'reverse(sort_by([?properties.outputs.functionAppName], &properties.timestamp))[0].name')
  [ -n "$deployment" ] || fail "no deployment of main.bicep in $group has succeeded" 1
  app=$(output functionAppName)
else
  deploy
fi
if [ "$only" != deploy ]; then
  prove
fi

printf '\nDone: %s\n' "$(output url)"
