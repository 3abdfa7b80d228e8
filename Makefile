# make reproduce   set up, run every notebook, write outputs/$(PRESET)/report.html
# make test        set up, run the linter and the tests
# make setup       the .venv alone

PRESET ?= tiny
PYTHON ?= python3
BIN := .venv/bin

.PHONY: reproduce test setup clean

reproduce: setup
	$(BIN)/aligndrift notebooks --preset $(PRESET)
	$(BIN)/aligndrift report --preset $(PRESET)

test: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m pytest

setup: .venv/installed

.venv/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "AlignDrift needs Python 3.11 or newer; name one with make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt torch
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	touch $@

clean:
	rm -rf .venv outputs/runs outputs/locks outputs/tiny outputs/smoke
