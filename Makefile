# Everything a clone needs: `make demo` shows the product, `make test` tests it. Works with GNU make 3.81 and later.

.DEFAULT_GOAL := help
.PHONY: help setup demo test node-clients check bench soak kills fuzz mutants docs site pictures lock dist clean

# Tests start commands by the hundred: let Python keep what it has compiled, also where the environment says otherwise.
unexport PYTHONDONTWRITEBYTECODE

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PYTEST := $(BIN)/python -m pytest
LAWS := tests/test_layers.py tests/test_imports.py tests/test_lock.py tests/docs

# The newest Python that the locked packages are known to install on. PYTHON=/path/to/python overrides it.
PYTHON ?= $(shell for python in python3.13 python3.12 python3.11 python3 python3.14; do \
    if $$python -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then echo $$python; break; fi; done)

help:  ## list what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

setup: $(READY)  ## make .venv with the locked packages; runs again only when a lock changes

$(READY): requirements.lock requirements-dev.lock pyproject.toml
	@if [ -z "$(PYTHON)" ]; then \
	    echo "syncflow needs Python 3.11 or newer with its venv module; none of python3.13, python3.12, python3.11, python3 is." >&2; \
	    echo "Install one (Debian and Ubuntu: python3 and python3-venv), or name one: make PYTHON=/path/to/python3 ..." >&2; \
	    exit 1; \
	fi
	@echo "Setting up $(VENV) with $(PYTHON)"
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV)
	@echo "Installing the locked packages, which takes a minute or two"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@echo "Installing syncflow itself"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(READY)

demo: setup  ## run the whole product against mock systems, for half a minute
	@$(BIN)/python examples/demo.py

test: setup  ## run all tests
	$(PYTEST) -n auto --dist worksteal

NODE_PACKAGES := tests/mock/node tests/console/node tests/sources/objects/node

node-clients: $(NODE_PACKAGES:=/node_modules/.ready)  ## install what tests use of Node: the vendors' clients, axe-core, and a stand-in for Azure

%/node_modules/.ready: %/package-lock.json
	cd $* && npm ci --loglevel=error
	@touch $@

check: setup  ## formatting, types, import layers, documentation
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(if $(LAWS),$(PYTEST) -n auto $(LAWS))

bench: setup  ## measure, and write bench/results/
	$(BIN)/python -m bench

SEEDS ?= 2000
FIRST ?= 0

soak: setup  ## live many seeded lives of a run: make soak SEEDS=20000
	$(BIN)/python -m tests.simulation.soak $(SEEDS) $(FIRST)

KILLS ?= 200

kills: setup  ## kill runs, journals and a system, again and again: make kills KILLS=200
	$(BIN)/python -m tests.journeys.kill_loop $(KILLS)

EFFORT ?= 20

fuzz: setup  ## look for counterexamples with new random ones, and more: make fuzz EFFORT=100
	EFFORT=$(EFFORT) $(PYTEST) -n auto --timeout=0 $$(grep -rlE '^ *@given' tests)

mutants: setup  ## change the code a line at a time: make mutants MUTANTS=lanes; each change must make a test fail
	$(BIN)/python -m tests.mutants $(MUTANTS)

docs: setup  ## write the pages that are made from the code: docs/reference/ and docs/functions.md
	$(BIN)/syncflow docs --write docs/reference
	$(BIN)/python -m syncflow.compiler.functions > docs/functions.md

pictures: setup  ## make the pictures of README and docs anew: the console in a browser, a terminal
	$(BIN)/python docs/pictures/console.py
	$(BIN)/python docs/pictures/terminal.py

SITE := build/site
SITE_READY := $(SITE)/.venv/.ready
SOURCE_URL ?=

site: $(SITE_READY)  ## build the documentation as a site in build/site/html; SOURCE_URL=… is where the repository can be read
	@$(SITE)/.venv/bin/python -m website $(SITE) --source-url "$(SOURCE_URL)"

$(SITE_READY): website/requirements.lock
	@rm -rf $(SITE)/.venv && mkdir -p $(SITE) && $(PYTHON) -m venv $(SITE)/.venv
	@$(SITE)/.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r website/requirements.lock
	@touch $(SITE_READY)

# Resolved on the oldest Python, so that what only an old one needs is locked too.
LOCK_PYTHON ?= python3.11
COMPILE := pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-header --no-annotate \
    --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options

lock:  ## resolve the dependencies of pyproject.toml anew
	@rm -rf build/lock && $(LOCK_PYTHON) -m venv build/lock
	@build/lock/bin/python -m pip install --quiet --disable-pip-version-check pip-tools
	@build/lock/bin/python -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['dependency-groups']['dev'], sep='\n')" > build/lock/dev.in
	@PIP_FIND_LINKS= build/lock/bin/$(COMPILE) --upgrade --output-file requirements.lock pyproject.toml
	@PIP_FIND_LINKS= build/lock/bin/$(COMPILE) --upgrade --constraint requirements.lock --output-file requirements-dev.lock pyproject.toml build/lock/dev.in
	@for group in bench-others:bench/requirements-others.lock site:website/requirements.lock; do \
	    build/lock/bin/python -c "import sys, tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['dependency-groups'][sys.argv[1]], sep='\n')" $${group%%:*} > build/lock/group.in && \
	    rm -f build/lock/group.lock && PIP_FIND_LINKS= build/lock/bin/$(COMPILE) --upgrade --output-file build/lock/group.lock build/lock/group.in && \
	    grep -v '^\(#\|$$\)' build/lock/group.lock > $${group#*:} || exit 1; done
	@rm -rf build/lock
	for folder in $(NODE_PACKAGES); do (cd $$folder && npm install --package-lock-only --loglevel=error) || exit 1; done

dist: setup  ## build the packages in dist/, and the list of what they depend on in build/sbom.json
	@rm -rf dist build/sbom
	$(BIN)/python -m build --no-isolation --outdir dist .
	@$(PYTHON) -m venv build/sbom
	@build/sbom/bin/python -m pip install --quiet --disable-pip-version-check cyclonedx-bom
	@build/sbom/bin/cyclonedx-py requirements requirements.lock --pyproject pyproject.toml --no-validate --output-format JSON --output-file build/sbom.json
	@rm -rf build/sbom

clean:  ## remove what was made
	rm -rf $(VENV) $(NODE_PACKAGES:=/node_modules) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .syncflow
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
