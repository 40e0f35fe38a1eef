# Everything that a person or the CI does with this checkout. Requires Python 3.13, Node.js 20 or newer, and make.
# Changes nothing outside the checkout.

# Settings of the shell for other Pythons must not reach ours.
unexport PYTHONHOME PYTHONPATH PYTHONSAFEPATH VIRTUAL_ENV PIP_PREFIX PIP_REQUIRE_VIRTUALENV PIP_TARGET PIP_USER

PYTHON_IN_VENV := .venv/bin/python
# Written last, so that the next call repeats an interrupted installation.
VENV_STAMP := .venv/.installed
NODE_STAMP := local/node_modules/.installed
BENCH_STAMP := bench/node_modules/.installed
CHECKOV_STAMP := .checkov/.installed
AUDIT_STAMP := .audit/.installed
RUNTIME_STAMP := .runtime/.installed
# Only wheels, each by its hash: no code of a package runs while it is installed.
PIP_INSTALL := -m pip install --quiet --quiet --disable-pip-version-check --require-hashes --only-binary :all: --requirement
LOCKED := requirements requirements-dev infra/checkov infra/audit

WORKERS ?= 1
JOBS ?= 2
ARGS ?=
SEEDS ?= 20
# Written there by make up.
SETTINGS ?= .local/up/local.settings.json
# Some shells export HOST as the name of the machine: use it only if it names a Functions host.
HOST_OPTION := $(if $(or $(filter func callvault,$(HOST)),$(filter command,$(origin HOST))),--host "$(HOST)")

.DEFAULT_GOAL := help
.PHONY: help setup doctor run up test faults simulate mutants bench screenshots lint infra-check infra-format infra-snapshots infra-versions lock audit openapi package release runtime clean

help: ## Show this list
	@echo "Usage: make TARGET"
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/\1|\2/p' Makefile | while IFS='|' read -r goal text; do \
	  printf '  make %-16s%s\n' "$$goal" "$$text"; done
	@echo "Targets install what they need into .venv and local/node_modules. PYTHON=/path selects another Python 3.13."

run: setup ## Run the demo: recordings from the call to the archive, on new local storage
	@$(PYTHON_IN_VENV) -m local.demo $(ARGS)

up: setup ## Run the local stack until Ctrl-C; WORKERS=4 for more instances, HOST=func for Core Tools
	@exec $(PYTHON_IN_VENV) -m local.stack up --with-parent --workers "$(WORKERS)" $(HOST_OPTION)

doctor: setup ## Check a deployment, by default the local stack; SETTINGS=FILE for a settings file, SETTINGS= for the environment
	@$(PYTHON_IN_VENV) -m shared.doctor $(if $(SETTINGS),--settings "$(SETTINGS)") $(ARGS)

test: setup $(CHECKOV_STAMP) ## Run all tests, two files at a time; JOBS=4 for more, ARGS="tests/unit -k chunk" for a selection
	@$(PYTHON_IN_VENV) -m infra.bicep left-out
	@$(PYTHON_IN_VENV) -m pytest --numprocesses "$(JOBS)" --dist loadfile --no-loadscope-reorder $(ARGS)

faults: setup ## Run random schedules of faults and crashes on the whole stack; SEEDS=200 for more, ARGS="--seed 7" for one
	@exec $(PYTHON_IN_VENV) -m local.faults --seeds "$(SEEDS)" $(ARGS)

simulate: SEEDS = 1000
simulate: setup ## Run random orders of events in virtual time; SEEDS=N or SECONDS=N for how many, SEED=N to repeat one, EXHAUSTIVE=1 for every order of small races
	@exec $(PYTHON_IN_VENV) -m local.simulation $(if $(EXHAUSTIVE),--exhaustive,$(if $(SEED),--seed "$(SEED)",$(if $(SECONDS),--seconds "$(SECONDS)",--seeds "$(SEEDS)"))) $(ARGS)

mutants: setup ## Check that the fault schedules detect known defects, one at a time; KIND=random for small defects at random places, detected by the simulation or by tests
	@exec $(PYTHON_IN_VENV) -m $(if $(filter random,$(KIND)),local.simulation.mutation,local.faults.mutation) $(ARGS)

bench: setup $(BENCH_STAMP) ## Measure Callvault and comparable tools; ARGS="copy --rounds 1 --sizes 64" for a short run
	@exec $(PYTHON_IN_VENV) -m bench $(ARGS)

screenshots: setup ## Take the pictures of the page in docs/images; downloads Chromium if it is missing
	@exec $(PYTHON_IN_VENV) -m local.page

lint: $(VENV_STAMP) infra-check ## Check style, format, types, imports, the API description and the Bicep templates
	$(PYTHON_IN_VENV) -m ruff check .
	$(PYTHON_IN_VENV) -m ruff format --check .
	$(PYTHON_IN_VENV) -m mypy
	.venv/bin/lint-imports --no-logo --no-cache
	$(PYTHON_IN_VENV) -m infra.openapi --check
	$(PYTHON_IN_VENV) -m infra.runbooks --check

infra-check: $(VENV_STAMP) $(CHECKOV_STAMP) ## Check the Bicep templates: compiler, format, snapshots, weak settings
	@$(PYTHON_IN_VENV) -m infra.bicep check

infra-format: $(VENV_STAMP) ## Write the Bicep templates in the compiler's format
	@$(PYTHON_IN_VENV) -m infra.bicep format

infra-snapshots: $(VENV_STAMP) ## Write what each scenario in infra/scenarios deploys, and infra/azuredeploy.json; commit the result
	@$(PYTHON_IN_VENV) -m infra.bicep snapshots

infra-versions: $(VENV_STAMP) ## List the resource types of the templates that have newer API versions
	@$(PYTHON_IN_VENV) -m infra.bicep outdated

lock: $(VENV_STAMP) ## Write each requirements .txt from its .in, with hashes; ARGS=--upgrade for newer versions
	@for name in $(LOCKED); do \
	  .venv/bin/uv pip compile --quiet --generate-hashes --universal --python-version 3.13 --emit-build-options \
	    --no-emit-index-url "$$name.in" --output-file "$$name.txt" $(ARGS) || exit 1; \
	done

audit: $(AUDIT_STAMP) ## Look for known vulnerabilities of the Python and Node.js packages
	@for name in $(LOCKED); do \
	  echo "$$name.txt" && .audit/bin/python -m pip_audit --strict --disable-pip --require-hashes --requirement "$$name.txt" || exit 1; \
	done
	@for folder in local bench; do npm audit --audit-level high --prefix "$$folder" || exit 1; done

openapi: $(VENV_STAMP) ## Write the API description and the page's copy of the runbooks; commit the result
	@$(PYTHON_IN_VENV) -m infra.openapi
	@$(PYTHON_IN_VENV) -m infra.runbooks

package: $(VENV_STAMP) ## Build the zip that is deployed, in dist; ARGS=--with-dependencies to include the libraries
	@$(PYTHON_IN_VENV) -m infra.package $(ARGS)

release: $(VENV_STAMP) ## Build a release in dist: package with libraries, SBOM, notes; TAG=v1.2.3 REPOSITORY=owner/name
	@$(PYTHON_IN_VENV) -m infra.package --with-dependencies
	@$(PYTHON_IN_VENV) -m infra.release --tag "$(TAG)" --repository "$(REPOSITORY)"

runtime: $(RUNTIME_STAMP) ## Install the run-time packages only, in .runtime: enough for deploying

clean: ## Remove everything that make has created, including the recordings of the local stack
	rm -rf .venv .checkov .audit .runtime dist local/node_modules bench/node_modules .local .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name .git -prune -o -type d -name __pycache__ -prune -exec rm -rf {} +

setup: $(VENV_STAMP) $(NODE_STAMP) ## Install what is missing; the targets that run the app or its tests do this first

# If the base Python was removed, the stamp is still there but the interpreter is not: install everything again.
ifneq ($(shell test -x $(PYTHON_IN_VENV) && echo works),works)
.PHONY: $(VENV_STAMP)
endif

$(VENV_STAMP): requirements-dev.txt
	@if ! test -f $@ || ! test -x $(PYTHON_IN_VENV); then \
	  python=$$(local/find-python.sh) && "$$python" -m venv --clear .venv || exit 1; \
	fi
	@rm -f $@
	@echo "Installing Python packages …"
	@$(PYTHON_IN_VENV) $(PIP_INSTALL) requirements-dev.txt
	@touch $@

$(CHECKOV_STAMP): infra/checkov.txt | $(VENV_STAMP)
	@rm -f $@
	@echo "Installing checkov …"
	@$(PYTHON_IN_VENV) -m venv --clear .checkov
	@.checkov/bin/python $(PIP_INSTALL) $<
	@touch $@

$(AUDIT_STAMP): infra/audit.txt
	@rm -f $@
	@echo "Installing pip-audit …"
	@python=$$(local/find-python.sh) && "$$python" -m venv --clear .audit
	@.audit/bin/python $(PIP_INSTALL) $<
	@touch $@

$(RUNTIME_STAMP): requirements.txt
	@rm -f $@
	@echo "Installing the run-time packages …"
	@python=$$(local/find-python.sh) && "$$python" -m venv --clear .runtime
	@.runtime/bin/python $(PIP_INSTALL) $<
	@touch $@

$(NODE_STAMP): local/package.json local/package-lock.json local/.npmrc
	@local/check-node.sh
	@echo "Installing Azurite and axe …"
	@npm ci --prefix local >/dev/null
	@touch $@

$(BENCH_STAMP): bench/package.json bench/package-lock.json bench/.npmrc
	@local/check-node.sh
	@echo "Installing the bench's Azurite …"
	@npm ci --prefix bench >/dev/null
	@touch $@
