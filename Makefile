# `make site` installs the platform, `make test` tests the collection. ARGS is passed to the tool behind a target.
SHELL := /bin/bash
export PATH := $(CURDIR)/.venv/bin:$(PATH)
# Set explicitly: Ansible ignores an ansible.cfg in a folder that everyone may write to, such as a Windows drive in WSL.
export ANSIBLE_CONFIG := $(CURDIR)/ansible.cfg
ARGS ?=
FORMAT ?=
# These values go to Ansible by the environment, as they were typed: neither make, the shell nor Jinja reads what is in them.
export GITOPS_AIRFLOW_PUSH_DIR := $(value DIR)
export GITOPS_AIRFLOW_DAG := $(value DAG)
export GITOPS_AIRFLOW_CONF := $(value CONF)
export GITOPS_AIRFLOW_UNPAUSE := $(value UNPAUSE)
export GITOPS_AIRFLOW_RUN := $(value RUN)
export GITOPS_AIRFLOW_TASK := $(value TASK)
unexport DIR DAG CONF UNPAUSE RUN TASK
from_make := -e @scripts/make_vars.yml

.PHONY: help site verify status support-bundle images push-dags run logs rights destroy lab test test-all production quick lint sanity unit cores integration molecule package mutate setup dev engine engine-remove

help: ## Show these lines
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-17s%s\n", $$1, $$2 }' Makefile

# --needs: what the run needs if its provider is kind. scripts/provider.py asks Ansible for the provider.
site: setup ## Install the whole platform and verify it
	@scripts/play --needs=images ansible-playbook playbooks/site.yml $(ARGS)

verify: setup ## Prove again that the platform works as declared
	@scripts/play --needs=engine ansible-playbook playbooks/verify.yml $(ARGS)

status: setup ## Show the platform on one screen, or as JSON (FORMAT=json); exit code 0 only if it is healthy
	@$(if $(filter json,$(FORMAT)),ANSIBLE_STDOUT_CALLBACK=gitops.airflow.status_json,scripts/play) ansible-playbook playbooks/status.yml $(ARGS)

support-bundle: setup ## Collect logs, events and manifests, without secrets
	@scripts/play ansible-playbook playbooks/support_bundle.yml $(ARGS)

images: setup ## List the images to copy to platform_image_registry, one a line: source and target
	@list=$$(mktemp); trap 'rm -f "$$list"' EXIT; scripts/play ansible-playbook playbooks/images.yml -e images_file="$$list" $(ARGS) >&2 && cat "$$list"

push-dags: setup ## Push your DAGs to Airflow: make push-dags DIR=path/to/dags
	@scripts/play ansible-playbook playbooks/push_dags.yml $(from_make) $(ARGS)

run: setup ## Run a DAG and show its logs: make run DAG=name CONF='{"a": 1}' UNPAUSE=yes
	@test -n "$$GITOPS_AIRFLOW_DAG" || { echo "usage: make run DAG=name [CONF='{\"a\": 1}'] [UNPAUSE=yes]" >&2; exit 2; }
	@scripts/play --follows ansible-playbook playbooks/run_dag.yml $(from_make) $(ARGS)

logs: setup ## Show the logs of a DAG's latest run: make logs DAG=name RUN=run_id TASK=task_id
	@test -n "$$GITOPS_AIRFLOW_DAG" || { echo "usage: make logs DAG=name [RUN=run_id] [TASK=task_id]" >&2; exit 2; }
	@scripts/play ansible-playbook playbooks/logs.yml $(from_make) $(ARGS)

rights: setup ## Write the RBAC manifest with the rights that a run needs: make rights ARGS="-e platform_rights_account=NAME"
	@scripts/play ansible-playbook playbooks/rights.yml $(ARGS)

destroy: setup ## Remove the platform and leave nothing behind
	@scripts/play --needs=removal ansible-playbook playbooks/destroy.yml $(ARGS)

lab: setup engine ## Build the images from package registries, for networks without an image registry
	@python lab/build

test: dev ## Run the checks, then the whole platform on a real kind cluster
	@scripts/test $(ARGS)

test-all: dev ## Run the same, each test of a guard without its guard, and the unit tests on every version of ansible-core
	@scripts/test --all $(ARGS)

production: dev engine ## Run the parts that prove what production needs, and write docs/production.md (hours; ARGS=--list)
	@tests/production/run $(ARGS)

quick: dev ## Run the checks that need no cluster
	@scripts/test --quick

lint: dev ## Check style, types, playbooks and plain English (rules: scripts/plain_english.yml)
	@scripts/test --only lint

sanity: dev
	@scripts/test --only sanity

unit: dev
	@scripts/test --only unit

cores: dev ## Run the unit tests on the other supported versions of ansible-core
	@scripts/test --only cores

integration: dev engine
	@scripts/test --only integration

molecule: dev engine
	@scripts/test --only molecule

mutate: dev ## Break each rule of the verdicts in turn: a unit test must fail for each (minutes; not part of the tests)
	@tests/mutate.py $(ARGS)

package: dev ## Build the archive for Galaxy
	@scripts/package

setup:
	@scripts/setup

dev:
	@scripts/setup requirements-dev.lock

engine: ## Start Docker's engine, and install it if it is missing; ENGINE=no forbids this for any command
	@scripts/engine

engine-remove: ## Undo what "make engine" changed on this machine, and nothing else
	@scripts/engine --remove
