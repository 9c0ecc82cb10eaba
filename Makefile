# A fresh machine needs two commands: `make serve` and `make test`. Each does its whole set-up in
# .venv from Python 3.11+ with pip, and does it once.

PYTHON ?= python3
TORCH ?= torch==2.13.0
RECIPE ?= sentiment
PORT ?= 8000
WORKERS ?= 2

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: serve test check train models starters bench clean

serve: $(VENV)/.base  ## Answer over HTTP with the starter models.
	$(BIN)/valence serve --port $(PORT)

test: $(VENV)/.dev  ## All tests but the long ones.
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --cov --cov-report=term:skip-covered \
		--cov-fail-under=90 -m "not slow and not ops"

check: $(VENV)/.dev  ## Lint, format, types, layers.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_layers.py

train: $(VENV)/.train  ## Train RECIPE (default: sentiment) and publish it.
	$(BIN)/valence train $(RECIPE)

models: $(VENV)/.train  ## Train every shipped recipe into a local store (hours; goes on after a kill).
	$(BIN)/valence train-all

starters: $(VENV)/.train  ## Train the shipped starter models anew, from the data sets.
	$(BIN)/python -m benchmarks.starters

bench: $(VENV)/.dev  ## Requests a second, latency, and the ratio to the bare runtime.
	$(BIN)/python -m benchmarks.serving

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage*

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "valence needs Python 3.11 or later: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.base: pyproject.toml | $(VENV)/bin/python
	$(PIP) -e .
	@touch $@

$(VENV)/.train: pyproject.toml | $(VENV)/bin/python
	$(PIP) $(TORCH)
	$(PIP) -e '.[train]'
	@touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/bin/python
	$(PIP) $(TORCH)
	$(PIP) -e '.[train,dev]'
	@touch $@
