# All development tasks. `make` lists the targets.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PIP := $(BIN)/pip install --disable-pip-version-check --progress-bar on
define WHICH_CODEC
from server.codec.choose import why_not_native
why = why_not_native()
print(f"The compiled codec is missing ({why}). The reference codec takes its place, and needs about 30 times the CPU."
      "\nTo build it: install a C++ compiler (on Debian, g++ and libssl-dev), then make clean setup."
      if why else "The compiled codec is built.")
endef
export WHICH_CODEC
define WHICH_EXPLORER
from server.explorer.assets import built_files, why_not_built
why = why_not_built(built_files())
print(f"The explorer, the server's web page, is missing: {why}. The server runs without it."
      "\nTo build it, with the npm registry within reach: make explorer." if why else "The explorer is built.")
endef
export WHICH_EXPLORER
WEB := server/explorer/web
PYTEST := $(BIN)/pytest --dist worksteal --durations=15
# Slow tests spend half of their time waiting for servers, so one more worker than there are processors.
WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2) + 1)

.DEFAULT_GOAL := help
.PHONY: help setup demo serve test test-all test-slow test-fast all-branches coverage audit wheel release verify-release bench fuzz faults lint format stubs explorer screenshots clean

help: ## show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 11

$(READY): pyproject.toml requirements.txt setup.py $(wildcard build_support/*.py) $(wildcard server/*/native/*) $(WEB)/package-lock.json
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.12 ..."; exit 1; }
	@echo "Setting up $(VENV): about 400 MB to download, 1.4 GB of disk (800 MB for embedded storage), a few minutes."
	@echo "1/3 Creating the virtual environment"
	@$(PYTHON) -m venv $(VENV)
	@echo "2/3 Installing the packages that requirements.txt pins"
	@$(PIP) -r requirements.txt
	@echo "3/3 Building and installing Lognotary, with the compiled codec if there is a C++ compiler, and the explorer: about a minute"
	@$(PIP) --no-deps --editable .
	@$(BIN)/python -c "$$WHICH_CODEC"
	@$(BIN)/python -c "$$WHICH_EXPLORER"
	@touch $(READY)

setup: $(READY) ## create the virtual environment with pinned dependencies

demo: $(READY) ## run the demo: send logs, verify them, tamper with one, detect it
	$(BIN)/lognotary demo

serve: $(READY) ## run the server on ./data
	$(BIN)/lognotary serve --data-dir data

test: $(READY) ## run the fast tests: units, embedded storage, a smoke test of each system
	TEST_PROFILE=quick $(PYTEST) --numprocesses auto --maxprocesses 4 -m "not slow"

test-all: $(READY) ## run all tests
	TEST_PROFILE=patient $(PYTEST) --numprocesses $(WORKERS)

test-slow: $(READY) ## run the tests that 'make test' leaves out
	$(PYTEST) --numprocesses $(WORKERS) -m slow

test-fast: $(READY) ## run the tests of 'make test' with as many generated examples as TEST_PROFILE says
	$(PYTEST) --numprocesses auto --maxprocesses 4 -m "not slow"

all-branches: $(READY) ## check that tests cover all branches of server/notary and server/check.py
	$(BIN)/pytest tests/notary tests/test_check_*.py -m "not hypothesis" \
		--numprocesses auto --maxprocesses 4 --quiet \
		--cov=server.notary --cov=server.check --cov-report=term --cov-fail-under=100

coverage: all-branches ## measure the coverage of the fast tests
	$(PYTEST) --numprocesses auto --maxprocesses 4 -m "not slow" --cov --cov-report=term

lint: $(READY) ## check style, types and import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	@if command -v npm > /dev/null && [ -d $(WEB)/node_modules ]; then cd $(WEB) && npm run --silent check; \
	else echo "The TypeScript of $(WEB) is not checked: install Node.js 20.19 or newer with npm, then: make explorer" >&2; fi

audit: $(READY) ## ask PyPI for vulnerabilities of dependencies, and scan the files for secrets
	$(BIN)/python -m release.leaks
	$(BIN)/python -m release.audit

wheel: $(READY) ## build the wheel and the source distribution of the current commit into dist/
	$(BIN)/python -m release build

release: $(READY) ## build a release twice, compare, and sign it: make release KEY=release-key.pem
	@test -n "$(KEY)" || { echo "give the release key: make release KEY=release-key.pem" >&2; exit 2; }
	$(BIN)/python -m release.audit --strict
	$(BIN)/python -m release make --key "$(KEY)"

verify-release: $(READY) ## check a release: make verify-release DIR=dist KEY=release-key.pub
	@test -n "$(DIR)" -a -n "$(KEY)" || { echo "give both: make verify-release DIR=dist KEY=release-key.pub" >&2; exit 2; }
	$(BIN)/python -m release verify "$(DIR)" --key "$(KEY)"

bench: $(READY) ## run the short benchmarks
	$(BIN)/python -m benchmarks --short

fuzz: $(READY) ## fuzz the compiled codec for four minutes, evidence and the OTLP ports for one minute each
	tests/fuzz/run --seconds 60
	tests/fuzz/run --seconds 60 --signal traces
	$(BIN)/python -m tests.fuzz.differential --seconds 60
	$(BIN)/python -m tests.fuzz.differential --seconds 60 --signal traces
	$(BIN)/python -m tests.fuzz.evidence --seconds 60
	$(BIN)/python -m tests.fuzz.front_door --seconds 60

faults: $(READY) ## run 200 fault schedules, which takes about 40 minutes
	$(BIN)/python -m tests.faults --schedules 200

format: $(READY) ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

explorer: $(READY) ## build the explorer's page again, after a change of server/explorer/web/
	$(BIN)/python -m build_support

screenshots: $(READY) ## take the screenshots of docs/explorer.md, with Chromium
	$(BIN)/python -m docs.screenshots

stubs: $(READY) ## generate the API stubs from proto/
	PYTHON=$(abspath $(BIN)/python) proto/generate

clean: ## remove build results and caches
	rm -rf $(VENV) .cache .coverage build dist *.egg-info server/*/_native.*.so server/explorer/static $(WEB)/node_modules .pytest_cache .mypy_cache .ruff_cache .hypothesis
