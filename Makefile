# A fresh machine needs two commands: `make serve` and `make test`. Each does its whole set-up in
# .venv from Python 3.11+ with pip, and does it once.

PYTHON ?= python3
TORCH ?= torch==2.13.0
RECIPE ?= sentiment
PORT ?= 8000
TARGET ?= serve
WORKERS ?= 2

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: serve test check train models starters bench image test-ops test-docker
.PHONY: test-orchestrators story lock clean

serve: $(VENV)/.base  ## Answer over HTTP with the starter models.
	$(BIN)/valence serve --port $(PORT)

test: $(VENV)/.dev  ## All tests but the long ones.
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --cov --cov-report=term:skip-covered \
		--cov-fail-under=90 -m "not slow and not ops and not docker"

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

test-ops: $(VENV)/.dev  ## Real Prometheus and PostgreSQL (Debian's packages, installed if missing).
	tests/ops/install.sh
	$(BIN)/python -m pytest tests -m ops

image: $(VENV)/bin/python  ## Build the image TARGET: serve (default), serve-cuda or train.
	$(BIN)/python docker/scripts/image.py $(TARGET) $(if $(BASE),--base $(BASE))

test-docker: $(VENV)/.dev  ## Build the images and run them: Debian, as root, without a Docker engine.
	@docker/scripts/prepare-host.sh localhost/valence-base:bookworm; status=$$?; \
	if [ $$status = 77 ]; then echo "test-docker: SKIPPED, see the line above"; \
	elif [ $$status != 0 ]; then exit $$status; \
	else $(BIN)/python -m pytest tests/docker -m docker -v -s --timeout 1500; fi

test-orchestrators: $(VENV)/.dev  ## The examples for Airflow and Prefect, run by both (0.6 GB).
	docker/scripts/orchestrators.sh .orchestrators
	$(BIN)/python -m pytest tests/orchestrators -m slow

story: $(VENV)/.dev  ## Drift, feedback, a refused and a promoted challenger, a rollback: 4 minutes.
	tests/ops/install.sh
	VALENCE_DATA=$${VALENCE_DATA:-../shared/data} $(BIN)/python -m benchmarks.story

lock: $(VENV)/.dev  ## Make docker/locks anew from pyproject.toml (UPGRADE=--upgrade: newest versions).
	docker/scripts/lock.sh $(UPGRADE)

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
