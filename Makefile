# The front door. `make site` stands the platform up, `make test` tests the collection; ARGS reaches the tool behind a target.
SHELL := /bin/bash
export PATH := $(CURDIR)/.venv/bin:$(PATH)
# Named, because Ansible takes no ansible.cfg from a folder that everybody may write to, such as a Windows drive in WSL.
export ANSIBLE_CONFIG := $(CURDIR)/ansible.cfg
ARGS ?=
DIR ?=
FORMAT ?=

.PHONY: help site verify status support-bundle push-dags destroy lab test quick lint sanity unit cores integration molecule package mutate setup dev engine engine-remove

help: ## These lines
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 24

# --needs: what the run needs where its provider is kind. Ansible itself is asked which it is (scripts/provider.py).
site: setup ## Stand up the whole platform and verify it
	@scripts/play --needs=images ansible-playbook playbooks/site.yml $(ARGS)

verify: setup ## Prove again that the platform is as it must be
	@scripts/play --needs=engine ansible-playbook playbooks/verify.yml $(ARGS)

status: setup ## The platform on one screen, or as JSON: FORMAT=json; exit code 0 only where it is healthy
	@$(if $(filter json,$(FORMAT)),ANSIBLE_STDOUT_CALLBACK=gitops.airflow.status_json,scripts/play) ansible-playbook playbooks/status.yml $(ARGS)

support-bundle: setup ## Collect logs, events and manifests, without secrets
	@scripts/play ansible-playbook playbooks/support_bundle.yml $(ARGS)

push-dags: setup ## Bring your DAGs to Airflow: make push-dags DIR=path/to/dags
	@scripts/play ansible-playbook playbooks/push_dags.yml -e '{"airflow_app_push_dir": "$(DIR)"}' $(ARGS)

destroy: setup ## Remove the platform and leave nothing behind
	@scripts/play --needs=removal ansible-playbook playbooks/destroy.yml $(ARGS)

lab: setup engine ## Build the images from package registries (where no image registry answers)
	@python lab/build

test: dev ## All checks, then the whole platform on a real kind cluster
	@scripts/test $(ARGS)

quick: dev ## The checks that need no cluster
	@scripts/test --quick

lint: dev ## Style, types, playbooks and plain English (its rules: scripts/plain_english.yml)
	@scripts/test --only lint

sanity: dev
	@scripts/test --only sanity

unit: dev
	@scripts/test --only unit

cores: dev ## The unit tests on the other supported versions of ansible-core
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
	@scripts/setup requirements-dev.txt

engine: ## Start Docker's engine, after installing it if there is none; ENGINE=no: no command does that
	@scripts/engine

engine-remove: ## Undo what that changed on this machine, and nothing else
	@scripts/engine --remove
