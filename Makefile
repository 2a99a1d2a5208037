# Every target makes the virtual environment on first use; nothing outside this folder is touched.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
PIP_QUIET := install --disable-pip-version-check --quiet
# What runs the bot in earnest is apart from what develops it: it holds the packages of constraints-runtime.txt only, or
# with EXTRAS (any value) those of constraints-extras.txt, which are those of the extras otel and mcp too.
LIVE := venv
# The pins that are installed there, and those of what builds cmbot there: also what `sbom` and `audit` are about.
LIVE_PINS = constraints-$(if $(EXTRAS),extras,runtime).txt
BUILD_PINS := constraints-build.txt

define HAS_PYTHON
$(PYTHON) -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	echo "cmbot needs Python 3.11 or newer with its venv module (Debian: apt-get install python3-venv);" \
	     "name another with: make PYTHON=python3.12"; exit 1; }
endef

# Compiled modules are kept, in folders that git ignores: to collect the tests then takes half the time.
unexport PYTHONDONTWRITEBYTECODE

# Tests with one of these marks have a target each; .ci/run runs all but `chaos` and `long`, which are run before a release.
MARKED := browser or chaos or fuzz or long or matrix or system
# One worker more than processors: many tests wait for a process or a deadline.
WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
PARALLEL := -n $(WORKERS) --dist worksteal
SUITE := $(PARALLEL) -m "not ($(MARKED))"
FAST := tests/unit tests/contract tests/property

.PHONY: install demo quick test test-chaos test-fuzz test-long test-matrix test-system test-all test-image browser gallery coverage check hooks \
	bench chaos soak fuzz docs docs-zh pins sbom audit release format clean

install:  ## the bot alone, into venv/: what a real installation runs; with the packages of the extras: make install EXTRAS=otel
	@$(HAS_PYTHON)
	@echo "installing into $(LIVE) (about a minute)..."
	@$(PYTHON) -m venv $(LIVE)
	@$(LIVE)/bin/pip $(PIP_QUIET) --require-hashes -r $(LIVE_PINS)
	@$(LIVE)/bin/pip $(PIP_QUIET) --require-hashes -r $(BUILD_PINS)
	@$(LIVE)/bin/pip $(PIP_QUIET) --no-deps --no-build-isolation --force-reinstall .
	@echo "done: $(LIVE)/bin/cmbot --help"

demo: $(READY)  ## a simulated cluster and a local workspace in the browser
	$(BIN)/cmbot demo

quick: $(READY)  ## unit, contract and property tests, with fewer examples for each property
	$(BIN)/pytest $(SUITE) --hypothesis-profile=quick $(FAST)

test: $(READY)  ## all tests but the marked ones
	$(BIN)/pytest $(SUITE)

test-chaos test-fuzz test-long test-matrix test-system: test-%: $(READY)  ## the tests with that mark
	$(BIN)/pytest $(PARALLEL) -m $*

browser: $(READY)  ## the demo page driven by headless Chromium (Debian's package chromium)
	$(BIN)/pytest -m browser

gallery: $(READY)  ## pictures of every view at two widths in two themes, in .gallery/index.html (Debian's package chromium)
	$(BIN)/python -m tests.gallery

test-all:  ## `make test` on every supported Python of this machine: make test-all [CMBOT_PYTHONS=/opt/python3.12/bin/python3:...]
	@$(HAS_PYTHON)
	$(PYTHON) .ci/pythons.py test -- $(SUITE)

test-image:  ## unit, contract and property tests on the Python of the container image, where this machine has it
	@$(HAS_PYTHON)
	$(PYTHON) .ci/pythons.py test --only image -- $(SUITE) $(FAST)

coverage: $(READY)  ## `make test` and `make test-system`, measured; fails below the threshold of pyproject.toml
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest $(PARALLEL) -m "system or not ($(MARKED))"
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

check: $(READY)  ## format, lint, types, architecture, wording, Dockerfile
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python .ci/words.py
	$(BIN)/hadolint Dockerfile

hooks: $(READY)  ## run the commands of `make check` before every commit
	$(BIN)/pre-commit install

bench: $(READY)  ## speed and memory, as ratios measured in one run
	$(BIN)/python -m tests.bench

chaos: $(READY)  ## kill replicas and single processes for an hour: make chaos [CHAOS="--seed 7"]
	$(BIN)/python -m tests.chaos $(CHAOS)

soak: $(READY)  ## three replicas, fifty clusters, faults in one call of twenty, for an hour: make soak [MINUTES=60] [SOAK="--clusters 10"]
	$(BIN)/python -m tests.soak --minutes $(or $(MINUTES),60) $(SOAK)

fuzz: $(READY)  ## coverage-guided fuzzing, ten minutes a target: make fuzz [FUZZ="--minutes 1 slash_text"]
	$(BIN)/pip $(PIP_QUIET) --require-hashes -r constraints-fuzz.txt
	$(BIN)/python -m tests.fuzz $(FUZZ)

docs: $(READY)  ## write the generated pages of docs/
	$(BIN)/python -m tests.docgen.commands
	$(BIN)/python -m tests.docgen.alerts
	$(BIN)/python -m tests.docgen.preflight
	$(BIN)/python -m tests.docgen.phrasebook
	$(BIN)/python -m tests.docgen.block_samples
	$(BIN)/python -m tests.docgen.jobs
	$(BIN)/python -m tests.docgen.metrics
	$(BIN)/python -m tests.docgen.dashboards
	$(BIN)/python -m tests.docgen.compatibility
	$(BIN)/python -m bot config schema > docs/config.schema.json
	$(BIN)/python -m tests.e2e.day

docs-zh: $(READY)  ## which Chinese pages lag behind their English page
	@$(BIN)/python -m tests.docgen.chinese

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

pins: $(READY)  ## choose new pinned versions
	$(BIN)/uv pip compile pyproject.toml --extra dev --extra postgres --extra otel --extra mcp --universal --upgrade --generate-hashes --no-emit-index-url \
		--no-emit-find-links --custom-compile-command "make pins" -o constraints.txt
	$(BIN)/uv pip compile pyproject.toml --extra postgres --universal --upgrade --generate-hashes --no-emit-index-url \
		--no-emit-find-links --custom-compile-command "make pins" -o constraints-runtime.txt
	$(BIN)/uv pip compile pyproject.toml --extra postgres --extra otel --extra mcp --universal --generate-hashes --no-emit-index-url \
		--no-emit-find-links --custom-compile-command "make pins" -c constraints.txt \
		-o constraints-extras.txt
	echo hatchling | $(BIN)/uv pip compile - --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-emit-find-links --custom-compile-command "make pins" -c constraints.txt \
		-o constraints-build.txt
	echo 'atheris>=3,<3.1' | $(BIN)/uv pip compile - --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-emit-find-links --no-annotate --custom-compile-command "make pins" -o constraints-fuzz.txt

sbom: $(READY)  ## what `make install` installs, in sbom.cdx.json (CycloneDX); of one with the extras: make sbom EXTRAS=mcp
	$(BIN)/python .ci/sbom.py --build $(BUILD_PINS) --out sbom.cdx.json $(LIVE_PINS)

audit: $(READY)  ## compare the same pins with published advisories: make audit [EXTRAS=mcp]; exit status 3 if these cannot be had
	@$(BIN)/python .ci/audit.py $(LIVE_PINS) $(BUILD_PINS)

release: $(READY)  ## check that a version can be released and print how to tag it: make release VERSION=x.y.z
	@$(BIN)/python .ci/release.py "$(VERSION)"

$(READY): constraints.txt pyproject.toml
	@$(HAS_PYTHON)
	@echo "installing into .venv (a minute or two)..."
	$(PYTHON) -m venv .venv
	$(BIN)/pip $(PIP_QUIET) --require-hashes -r constraints.txt
	$(BIN)/pip $(PIP_QUIET) --no-deps --no-build-isolation -e .
	@touch $@

clean:
	rm -rf .venv .venvs .coverage .coverage.* .demo .mypy_cache .ruff_cache .pytest_cache .hypothesis
