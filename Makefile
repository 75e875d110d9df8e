# `make` alone lists what there is.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# CI sets CI=true: what a plain machine may lack is then an error.
PIP_INSTALL := $(BIN)/python -m pip install --disable-pip-version-check --quiet --progress-bar off

.DEFAULT_GOAL := help
.PHONY: help demo test lint format lock bench load bench-scanner fuzz fuzz-scanner sbom tapirscan vendor guide system-demo system-test clean

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.run system-demo ## start everything on this machine, with a seeded programme (ARGS="--port 8080")
	$(BIN)/poincon demo $(ARGS)

test: $(VENV)/.dev system-test lint ## set up, then lint, types, import contracts and all tests
	$(BIN)/python -m pytest --numprocesses 3 --dist loadfile $(ARGS)

lint: $(VENV)/.dev ## ruff, mypy strict, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev ## let ruff lay the code out
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.dev ## speed beside its floor, in one run, to loadtests/results/bench.json (QUICK=1: under 3 minutes)
	$(BIN)/poincon bench scans $(if $(QUICK),--quick,--all) --json loadtests/results/bench.json $(ARGS)

load: $(VENV)/.dev ## phones of many kinds by locust, each answer verified (ARGS="--profile storm --web", or --url)
	$(BIN)/poincon bench load $(ARGS)

bench-scanner: $(VENV)/.dev system-test ## what each decoder and each stage reads (ARGS="--photos 4")
	$(BIN)/python -m loadtests.scanner_bench $(ARGS)

fuzz: $(VENV)/.dev ## hostile input for every parser and the HTTP contract (ARGS="--minutes 60")
	$(BIN)/python -m loadtests.fuzz $(ARGS)

sbom: $(VENV)/bin/python ## what runs and where it comes from, as CycloneDX (build/sbom.cdx.json)
	$(BIN)/python requirements/sbom.py build/sbom.cdx.json

fuzz-scanner: $(VENV)/.dev ## broken and hostile pictures through the reader's processes (ARGS="--minutes 60")
	$(BIN)/python -m loadtests.scanner_fuzz $(ARGS)

tapirscan: $(VENV)/.run ## one more decoder, which is used wherever it is installed: see docs/scanner.md
	$(PIP_INSTALL) --require-hashes --requirement requirements/tapirscan.txt

vendor: $(VENV)/.dev ## fetch what others wrote for the page (ARGS=--check compares only)
	$(BIN)/python -m mobile_web.vendor_files $(ARGS)

guide: $(VENV)/.dev ## the médiateur's guide as PDF (build/guide-mediateur.pdf)
	$(BIN)/python docs/print_guide.py

lock: $(VENV)/.dev ## refresh the locked dependencies (hashes, no index address)
	$(BIN)/uv pip compile --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	    --no-header --quiet --extra dev pyproject.toml --output-file requirements/dev.txt
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	    --no-header --quiet --extra build --constraint requirements/dev.txt pyproject.toml --output-file requirements/run.txt
	echo tapirscan | $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	    --no-header --quiet --constraint requirements/dev.txt - --output-file requirements/tapirscan.txt

clean: ## remove the virtual environment and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	    || { echo "Poinçon needs Python 3.11 or later: make demo PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -m venv $(VENV) \
	    || { rm -rf $(VENV); echo "Python's venv module is missing: on Debian, apt-get install python3-venv"; exit 1; }

$(VENV)/.run: $(VENV)/bin/python requirements/run.txt pyproject.toml
	$(PIP_INSTALL) --require-hashes --requirement requirements/run.txt
	$(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/bin/python requirements/dev.txt pyproject.toml
	$(PIP_INSTALL) --require-hashes --requirement requirements/dev.txt
	$(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@ $(VENV)/.run

# What needs more than wheels: installed where we may, asked for plainly where we may not.
system-demo: $(VENV)/bin/python
	@bash requirements/system.sh demo

system-test: $(VENV)/bin/python
	@bash requirements/system.sh test
