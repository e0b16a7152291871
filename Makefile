# The words a newcomer needs. Every one of them sets up what it lacks.
PYTHON := .venv/bin/python

.PHONY: help setup run demo test check format clean

help:
	@echo "make demo     watch the whole story, with no Azure account"
	@echo "make run      start the app and everything it needs on this machine, until Ctrl-C"
	@echo "make test     all tests"
	@echo "make check    format, lint, types and all tests: what the CI runs"
	@echo "make format   put the code in order"
	@echo "make clean    remove what setup and the runs have left"

setup: .venv/.ready local/azurite/node_modules/.ready

.venv/.ready: requirements.txt requirements-dev.txt local/setup
	@sh local/setup python

local/azurite/node_modules/.ready: local/azurite/package-lock.json local/setup
	@sh local/setup azurite

run: setup
	@$(PYTHON) -m local up

demo: setup
	@$(PYTHON) -m local demo

test: setup
	@$(PYTHON) -m pytest --cov --cov-report=term

check: setup
	@$(PYTHON) -m ruff format --check
	@$(PYTHON) -m ruff check
	@$(PYTHON) -m mypy
	@$(PYTHON) -m pytest --cov --cov-report=term

format: setup
	@$(PYTHON) -m ruff format
	@$(PYTHON) -m ruff check --fix

clean:
	rm -rf .venv .local .hypothesis .mypy_cache .pytest_cache .ruff_cache .coverage dist local/azurite/node_modules
