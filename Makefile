# Two commands do everything on a fresh machine: `make nightly` and `make test`.
# Nothing is needed but Python 3.11 or later, make, and the package index pip is set up with.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Set-up runs again only when what is installed could have changed.
STAMP := $(VENV)/.installed

.PHONY: setup nightly test test-slow fuzz setup-hashed hashes verify-packages audit-packages lint types check year bench clean constraints docs

nightly: $(STAMP) ## run the main job on the simulated sample; ARCHIVE=<dir> reads an offline archive, SOURCE=cboe downloads
	$(BIN)/alvh nightly $(if $(ARCHIVE),--source archive --archive $(ARCHIVE),$(if $(ALVH_ARCHIVE),,--source $(or $(SOURCE),$(ALVH_SOURCE),sample)))

test: $(STAMP) ## run the tests; TESTS=<path or options> narrows them
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder -m "not slow" $(TESTS)

test-slow: $(STAMP) ## the long tests that `make test` counts as deselected: a year of nights, random kills, long fuzzing
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile -m slow $(TESTS)

fuzz: $(STAMP) ## fuzz every reader, FUZZ_SECONDS each (60), and write the counts to docs/fuzzing.md; TARGETS narrows it
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev,fuzz]' || echo 'atheris has no wheel here: mutation only'
	$(BIN)/python -m tests.fuzz.campaign --seconds $(or $(FUZZ_SECONDS),60) $(TARGETS)

lint: $(STAMP) ## style of Python
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP) ## mypy strict
	$(BIN)/mypy

check: lint types test ## everything CI runs

year: $(STAMP) ## live through a year of nights in YEAR_FOLDER, or go on with it; YEAR has options of python -m tests.year
	$(BIN)/python -m tests.year $(or $(YEAR_FOLDER),build/year) $(YEAR)

bench: $(STAMP) ## measure everything and write benchmarks/RESULTS.md; BENCH=<subject> measures one
	$(BIN)/python -m benchmarks $(BENCH)

setup: $(STAMP) ## make .venv and install the pinned packages

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "alvh needs Python 3.11 or later, this is " + sys.version.split()[0])'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@

setup-hashed: ## as setup, and nothing is installed whose SHA-256 is not in hashes.txt (Linux on x86_64)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary :all: -r hashes.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	$(BIN)/python -m pip check
	touch $(STAMP)

hashes: $(STAMP) ## write hashes.txt for constraints.txt (then read the diff)
	$(BIN)/python .ci/packages.py write

verify-packages: $(STAMP) ## compare what would be installed, and what is, with hashes.txt
	$(BIN)/python .ci/packages.py check

audit-packages: $(STAMP) ## known vulnerabilities of the pinned packages, where pip-audit and its services can be reached
	@$(BIN)/python -m pip_audit --version >/dev/null 2>&1 || { echo 'pip-audit is not installed: nothing was audited. Where an index has it: $(BIN)/python -m pip install pip-audit'; exit 1; }
	$(BIN)/python -m pip_audit --requirement hashes.txt --require-hashes --disable-pip

constraints: ## pin what a fresh resolution installs (then read the diff)
	rm -rf .venv-constraints
	$(PYTHON) -m venv .venv-constraints
	.venv-constraints/bin/python -m pip install --quiet --disable-pip-version-check '.[dev]'
	.venv-constraints/bin/python -m pip freeze --exclude alvh --exclude-editable > constraints.txt
	rm -rf .venv-constraints

docs: $(STAMP) ## write the generated pages: data dictionary, lineage, configuration
	$(BIN)/python -m warehouse.dictionary > docs/data_dictionary.md.new
	mv docs/data_dictionary.md.new docs/data_dictionary.md
	$(BIN)/python -m warehouse.lineage
	$(BIN)/python -m flows.configuration

clean: ## remove the environment and caches, never the home folder
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info
