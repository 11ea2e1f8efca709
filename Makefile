# SPDX-License-Identifier: Apache-2.0
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.installed
DEV := $(VENV)/.installed-dev
BENCH := $(VENV)/.installed-bench
INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable
C_SOURCES := CMakeLists.txt $(wildcard edgernn/native/*.[ch] edgernn/backends/c/runtime/*.[ch])

# Compilers and emulators of all boards, and what the checks of the C need.
BOARD_PACKAGES := $(sort $(shell sed -n 's/^PACKAGES := //p' firmware_stubs/*/board.mk))
PACKAGES := $(sort $(BOARD_PACKAGES) clang cmake cppcheck g++ libclang-rt-14-dev ninja-build openssh-client \
  openssh-server valgrind)
MISSING = $(shell for package in $(PACKAGES); do \
  dpkg-query -W -f '$${Status}' $$package 2>/dev/null | grep -q 'ok installed' || echo $$package; done)

ARTIFACT ?= build/watch
BOARD ?= cortex_m4
OPTIMIZE ?= 2

.PHONY: help demo test tools runtimes lint type firmware qemu bench agree nightly clean
.DEFAULT_GOAL := help

help: ## Show these lines
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 18

$(READY): pyproject.toml constraints.txt $(C_SOURCES)
	@echo "Installs Python packages into $(VENV), most of all TensorFlow: 2.6 GB, which takes about 4 minutes."
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) '.[build]'
	touch $@

$(DEV): $(READY)
	$(INSTALL) '.[build,dev]'
	touch $@

$(BENCH): $(DEV)
	$(INSTALL) '.[bench]'
	touch $@

demo: $(READY) ## Install (2.6 GB), then build the default model from smartwatch recordings into build/watch
	@echo "Trains the default model in three stages and checks it on every runtime: about a minute on two cores."
	@mkdir -p build
	$(BIN)/edgernn init - --source watch >build/watch.toml
	$(BIN)/edgernn build build/watch.toml --out build/watch --force

test: $(DEV) tools runtimes lint type ## Install, then lint, types, import contracts and all tests, every emulated board included
	$(BIN)/pytest -q -n auto --dist worksteal

tools: ## Install cross compilers, emulators and checkers (Debian packages; as root, or with sudo)
	@missing='$(strip $(MISSING))'; test -z "$$missing" || { \
	  command -v apt-get >/dev/null || { echo "install these tools, by their names in Debian: $$missing"; exit 1; }; \
	  sudo=; test "$$(id -u)" = 0 || sudo=sudo; \
	  $$sudo apt-get update -qq && \
	  $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing; }

runtimes: $(READY) tools ## Install the runtimes that need an environment of their own, into the user's cache folder
	$(BIN)/edgernn runtimes install all

lint: $(DEV) ## Check style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

type: $(DEV) ## Check types and import contracts
	$(BIN)/mypy
	$(BIN)/lint-imports

firmware: $(READY) ## Build a board's image: make firmware BOARD=cortex_m4 ARTIFACT=build/watch
	$(BIN)/edgernn firmware "$(ARTIFACT)" --board $(BOARD) --optimize $(OPTIMIZE) --out build/firmware/$(BOARD)

qemu: firmware ## Run it in QEMU, its serial line at TCP port 5555
	$(MAKE) -C firmware_stubs run BOARD=$(BOARD) OUT=../build/firmware/$(BOARD)

bench: $(BENCH) tools runtimes ## Measure accuracy, time beside other runtimes, and every board; into benchmarks/results
	$(BIN)/python -m benchmarks

agree: $(READY) tools runtimes ## Compare every runtime and board on random models too; into benchmarks/results
	$(BIN)/python -m benchmarks agree

nightly: $(DEV) tools runtimes ## Run the tests that take longer than CI may; into benchmarks/results
	$(BIN)/python -m benchmarks nightly

clean: ## Remove what the other targets made, the environment too
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find . -name __pycache__ -prune -exec rm -rf {} +
