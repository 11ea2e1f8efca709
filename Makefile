# SPDX-License-Identifier: Apache-2.0
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.installed

.PHONY: help demo test lint type bench clean
.DEFAULT_GOAL := help

help: ## Show these lines
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 16

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[build,dev]'
	touch $@

demo: $(READY) ## Install, then build the default model from smartwatch recordings into build/watch
	$(BIN)/edgernn build --out build/watch --force

test: lint type ## Install, then lint, types, import contracts and all tests
	$(BIN)/pytest -q -n auto --dist worksteal

lint: $(READY) ## Check style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

type: $(READY) ## Check types and import contracts
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(READY) ## Measure accuracy over all folds and the time of a step; results go to benchmarks/results
	$(BIN)/python -m benchmarks

clean: ## Remove what the other targets made, the environment too
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find . -name __pycache__ -prune -exec rm -rf {} +
