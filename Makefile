# `make demo` and `make test` work on a fresh machine with Python 3.11 or newer and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 4
FUZZ_SECONDS ?= 60
# setuptools warns at each editable install that the package lies beside other folders, as it is meant to
INSTALL := PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --disable-pip-version-check

# what an install compiles; a change of it is installed anew
NATIVE := setup.py $(wildcard otel_trading/hotpath/native/*.[ch])

.PHONY: demo test test-sanitize fuzz check format bench bench-hotpath bench-collectors test-all test-shared backends test-backends clean help

help: ## lists the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

demo: $(VENV)/.demo ## runs the demo until Ctrl-C
	$(BIN)/otel-trading demo

test: $(VENV)/.dev ## runs the tests and shows their coverage
	$(BIN)/pytest -n $(WORKERS) --cov --cov-report=term -m "not shared and not backends"

test-sanitize: $(VENV)/.dev ## the engine's tests over native code built with AddressSanitizer and UndefinedBehaviorSanitizer
	$(BIN)/python tools/sanitize.py

fuzz: $(VENV)/.dev ## a minute of random operations over the sanitized native build, for each fuzz target
	for target in tools/fuzz_table.py $(wildcard tools/fuzz_render.py); do \
		$(BIN)/python $$target --seconds $(FUZZ_SECONDS) || exit 1; \
	done

check: $(VENV)/.dev ## format, lint, types, import contract, generated files, docs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m otel_trading.config.generate --check
	$(BIN)/python tools/compliance.py --check
	$(BIN)/towncrier build --draft --version next > /dev/null
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet --site-dir $(VENV)/site

format: $(VENV)/.dev ## formats and mends what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/python -m otel_trading.config.generate

bench: $(VENV)/.dev ## benchmarks, as ratios taken in one run
	$(BIN)/python benchmarks/record.py

bench-hotpath: $(VENV)/.bench ## what the cells of both engines cost, as ratios taken in one run with their peers
	$(BIN)/python benchmarks/hotpath.py
	$(BIN)/python benchmarks/footprint.py

bench-collectors: $(VENV)/.dev backends ## what the collectors of collector-config need, with the real servers
	$(BIN)/python benchmarks/collectors.py

test-all: $(VENV)/.dev ## the tests on each Python and at both ends of the dependency ranges
	$(BIN)/nox

test-shared: $(VENV)/.dev ## the checks that need recorded exchange data in ../shared
	$(BIN)/pytest -m shared

backends: $(VENV)/bin/python ## builds or installs the real servers, into a cache outside the checkout
	$(BIN)/python -m tools.backends build

test-backends: $(VENV)/.dev backends ## the tests against the real servers
	$(BIN)/pytest -m backends -n 3 --dist loadfile tests/backends

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: pyproject.toml $(NATIVE) | $(VENV)/bin/python
	$(INSTALL) -e ".[demo]"
	@touch $@

$(VENV)/.dev: pyproject.toml $(NATIVE) | $(VENV)/bin/python
	$(INSTALL) -e ".[dev]"
	@touch $@ $(VENV)/.demo

$(VENV)/.bench: $(VENV)/.dev
	$(INSTALL) -e ".[bench]"
	@touch $@

clean: ## removes what was built and installed
	rm -rf $(VENV) .nox build dist *.egg-info otel_trading/hotpath/*.so .coverage* .mypy_cache .pytest_cache .ruff_cache .hypothesis
