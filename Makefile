# The ways in: `make demo` shows the product, `make test` proves it. Both set up what they need.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
KIND := sim
WORKERS := 2
CLUSTER_TESTS = VENV=$(VENV) WORKERS=$(WORKERS) sh tools/cluster_tests.sh $(TESTS)

.PHONY: help setup demo test testbed test-cluster cluster-up cluster-down check lint types layers quality docs site bench clean lock image

help: ## Show the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## Make .venv with the runner, Ansible and the collection.

$(STAMP): pyproject.toml requirements/dev.txt tools/setup.sh
	@PYTHON=$(PYTHON) VENV=$(VENV) sh tools/setup.sh
	@touch $@

demo: setup ## Carry a signed push through a whole strategy on this machine.
	@$(BIN)/kabanero demo $(DEMO)

test: setup check ## All checks and all tests; what needs a real cluster runs where its parts are there.
	@$(BIN)/python -m pytest -n $(WORKERS) -m "not cluster" $(TESTS)
	@$(CLUSTER_TESTS)

testbed: setup ## Build the parts of a real cluster that are missing; the first time takes some ten minutes.
	@$(BIN)/python -m tests.testbed build --kind all

test-cluster: testbed ## Build them, then run what needs a real cluster.
	@$(CLUSTER_TESTS)

cluster-up: setup ## Start a real cluster with Tekton here; KIND=real lets pods run.
	@$(BIN)/python -m tests.testbed up --kind $(KIND)

cluster-down: setup ## End it, and remove all it left.
	@$(BIN)/python -m tests.testbed down

check: setup lint types layers quality ## Style, types, layers, and what Ansible's own judges say of the collection.

lint:
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .

types:
	@$(BIN)/mypy

layers:
	@$(BIN)/lint-imports --no-logo

quality: setup ## Ansible's own judges; QUALITY="lint sanity" names some, QUALITY=--again runs what passed before too.
	@$(BIN)/python -m tools.quality $(QUALITY)

docs: setup ## Write the generated reference anew.
	@$(BIN)/python -m tools.docs

site: setup ## Build the documentation as a site: build/site/index.html.
	@$(BIN)/python -m tools.docsite

bench: setup ## Measure, side by side with peers; prints a table and writes JSON.
	@$(BIN)/python -m tests.bench $(BENCH)

image: ## Build the runner's image with podman, or with what CONTAINER_TOOL names.
	@$${CONTAINER_TOOL:-podman} build --tag $${IMAGE:-kabanero-runner:0.1.0} .

lock: ## Pin the versions that are installed now.
	@$(BIN)/pip freeze --exclude-editable --local | grep -v '^-e' > requirements/dev.txt
	@$(BIN)/python tools/lock.py

clean: ## Remove what was made here.
	rm -rf $(VENV) .demo .mypy_cache .ruff_cache .pytest_cache build dist
