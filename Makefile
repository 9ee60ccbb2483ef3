# `make demo` and `make test` work on a fresh machine with Python 3.11 or newer and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 4
# a worker that has nothing left takes tests from another: those that last long lie together
PARALLEL := -n $(WORKERS) --dist worksteal
FUZZ_SECONDS ?= 15
API_SECONDS ?= 60
# tests begin a thousand processes: each would compile the whole package where this is set
unexport PYTHONDONTWRITEBYTECODE
# setuptools warns at each editable install that the package lies beside other folders, as it is meant to
INSTALL := PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --disable-pip-version-check

# what an install compiles; a change of it is installed anew
NATIVE := setup.py $(wildcard otel_trading/hotpath/native/*.[ch])

.PHONY: demo test coverage test-lowest test-sanitize test-free-threaded fuzz check format bench bench-hotpath bench-spans bench-collectors test-all test-shared backends test-backends clean help

help: ## lists the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

demo: $(VENV)/.demo ## runs the demo until Ctrl-C
	$(BIN)/otel-trading demo

test: $(VENV)/.dev ## runs the tests
	$(BIN)/pytest $(PARALLEL) -m "not shared and not backends"

test-sanitize: $(VENV)/.dev ## the engine's tests over native code built with AddressSanitizer and UndefinedBehaviorSanitizer
	$(BIN)/python tools/sanitize.py $(PARALLEL)

test-free-threaded: $(VENV)/bin/python ## the engine's tests on CPython without its GIL, which is built into a cache the first time
	$(BIN)/python -m tools.free_threaded -n 2

fuzz: fuzz-api fuzz-table fuzz-render ## random operations over the sanitized native build, by three fuzz targets; two at once with -j2

fuzz-api: $(VENV)/.dev
	$(BIN)/python tools/fuzz_api.py --seconds $(API_SECONDS)

fuzz-%: $(VENV)/.dev
	$(BIN)/python tools/fuzz_$*.py --seconds $(FUZZ_SECONDS)

check: $(VENV)/.dev ## format, lint, types, import contract, generated files, docs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m otel_trading.config.generate --check
	$(BIN)/python -m otel_trading.catalogue.generate --check
	$(BIN)/python tools/compliance.py --check
	$(BIN)/python tools/profiles.py --check
	$(BIN)/towncrier build --draft --version next > /dev/null
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet --site-dir $(VENV)/site

format: $(VENV)/.dev ## formats and mends what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/python -m otel_trading.config.generate
	$(BIN)/python -m otel_trading.catalogue.generate

# with BENCH_JSON=folder, each writes one JSON document there instead of its table
define benchmark
	@echo "== $(1)"
	$(if $(BENCH_JSON),@mkdir -p $(BENCH_JSON))
	$(BIN)/python benchmarks/$(1).py $(if $(BENCH_JSON),--json > $(BENCH_JSON)/$(1).json)
endef

bench: $(VENV)/.bench ## what metrics cost: a record, a scrape, a series, and the demo's whole pipeline; ten minutes
	$(call benchmark,hotpath)
	$(call benchmark,scrape)
	$(call benchmark,footprint)
	$(call benchmark,pipeline)

bench-hotpath: $(VENV)/.bench ## what the cells of both engines cost, as ratios taken in one run with their peers
	$(call benchmark,hotpath)
	$(call benchmark,footprint)

bench-spans: $(VENV)/.bench ## what a span costs beside the SDK's, how its export is felt, what is kept and lost
	$(call benchmark,spans)
	$(call benchmark,sampler)
	$(call benchmark,span_gaps)
	$(call benchmark,log_gaps)
	$(call benchmark,span_keeping)
	$(call benchmark,span_outage)

bench-collectors: $(VENV)/.dev backends ## what the collectors of collector-config need, with the real servers
	$(BIN)/python benchmarks/collectors.py

# what OpenTelemetry's version or the engine can change; `make test-all` runs the rest with them too
LOWEST := config context delivery exposition health logs metrics profiles resource runtime testing traces

coverage: $(VENV)/.dev ## the tests, with the share of lines and branches that they run
	$(BIN)/pytest $(PARALLEL) --cov --cov-report=term -m "not shared and not backends"

test-lowest: $(VENV)/.dev ## tests with the lowest dependencies, metrics recorded by the Python twin
	$(BIN)/nox -s lowest -- $(addprefix tests/,$(LOWEST))

test-all: $(VENV)/.dev ## the tests on each Python and at both ends of the dependency ranges
	$(BIN)/nox

test-shared: $(VENV)/.dev ## the checks that need recorded exchange data in ../shared
	$(BIN)/pytest -m shared

backends: $(VENV)/bin/python ## builds or installs the real servers, into a cache outside the checkout
	$(BIN)/python -m tools.backends build

# a file shares its servers; in this order those that take longest do not come last
test-backends: $(VENV)/.dev backends ## the tests against the real servers
	$(BIN)/pytest -m backends -n $(WORKERS) --dist loadfile --no-loadscope-reorder tests/backends

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
