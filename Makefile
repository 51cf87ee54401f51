# Everything a newcomer runs. `make` lists the targets.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help setup demo serve test bench fuzz faults lint format stubs clean

help: ## show this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

$(READY): pyproject.toml requirements.txt setup.py $(wildcard server/*/native/*)
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $(READY)

setup: $(READY) ## make the virtual environment with pinned dependencies

demo: $(READY) ## show the main job in one go
	$(BIN)/lognotary demo

serve: $(READY) ## run the server on ./data
	$(BIN)/lognotary serve --data-dir data

test: $(READY) ## run all tests
	$(BIN)/pytest --numprocesses auto --maxprocesses 4 --dist worksteal

lint: $(READY) ## check style, types and the import rule
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

bench: $(READY) ## run the short benchmarks
	$(BIN)/python -m benchmarks --short

fuzz: $(READY) ## fuzz the compiled codec for two minutes, evidence and the OTLP ports for one each
	tests/fuzz/run --seconds 60
	$(BIN)/python -m tests.fuzz.differential --seconds 60
	$(BIN)/python -m tests.fuzz.evidence --seconds 60
	$(BIN)/python -m tests.fuzz.front_door --seconds 60

faults: $(READY) ## run 200 schedules of faults, in an hour
	$(BIN)/python -m tests.faults --schedules 200

format: $(READY) ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

stubs: $(READY) ## generate the API stubs from proto/
	PYTHON=$(abspath $(BIN)/python) proto/generate

clean: ## remove what was built and cached
	rm -rf $(VENV) .cache build dist *.egg-info server/*/_native.*.so .pytest_cache .mypy_cache .ruff_cache .hypothesis
