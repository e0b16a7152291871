# The words a newcomer needs. Every one of them sets up what it lacks.
PYTHON := .venv/bin/python
# Each of these processes has a stack of its own; a file's tests share what the file sets up. Half the time of a
# journey is waiting, so two cores have work for four; and the journeys, which last longest, come before the rest.
PARALLEL := --numprocesses=4 --dist=loadfile --no-loadscope-reorder

.PHONY: help setup run demo lint check test test-client test-browser format chaos chaos-short bench package bicep lock openapi reference screenshots clean

help:
	@echo "make demo          watch the whole story, with no Azure account; CHAPTER=7 tells one, FAST=1 does not pause"
	@echo "make run           start the app and all it needs, until Ctrl-C; PORT=8071 moves it, STATE=DIR keeps it there"
	@echo "make setup         install what the others need, which they do by themselves"
	@echo "make lint          format, lint, types, imports"
	@echo "make check         all of that and the quick tests: under a minute"
	@echo "make test          all of that and every other test, each once: what the CI runs"
	@echo "make test-client   the TypeScript client, alone and against the local stack"
	@echo "make test-browser  the page in a real browser, which is Debian's chromium"
	@echo "make format        put the code in order"
	@echo "make chaos         hundreds of sessions, random failures, and every one has its right ending"
	@echo "make chaos-short   the same with a few of them, in a minute"
	@echo "make bench         what a start, a request and a sweep cost, as ratios to a floor; three minutes"
	@echo "make package       the zip that Azure receives"
	@echo "make bicep         lint, build and format infra/, and compare it with its snapshots (BICEP= names a compiler)"
	@echo "make reference     install what draws the API's reference on the page's server"
	@echo "make screenshots   take the pictures of the documents again"
	@echo "make openapi       write the OpenAPI document anew, and the types of the client from it"
	@echo "make lock          pin every package with its hashes again, from requirements*.in"
	@echo "make clean         remove what setup and the runs have left"

setup:
	@sh local/setup

# Without settings of your own, the page may keep pictures.
run: setup
	@$(if $(wildcard local.settings.json),,SESSION_IMAGE=$${SESSION_IMAGE:-allow} )$(PYTHON) -m local up $(if $(PORT),--port '$(PORT)') $(if $(STATE),--state '$(STATE)')

demo: setup
	@$(PYTHON) -m local demo $(if $(CHAPTER),--chapter $(CHAPTER)) $(if $(FAST),--fast)

test-client: setup
	@npm ci --prefix clients/typescript --ignore-scripts --no-audit --no-fund
	@npm test --prefix clients/typescript
	@npm run test:stack --prefix clients/typescript

lint: setup
	@$(PYTHON) -m ruff format --check
	@$(PYTHON) -m ruff check
	@$(PYTHON) -m mypy
	@.venv/bin/lint-imports --no-logo --no-cache

check: lint
	@$(PYTHON) -m pytest --quiet $(PARALLEL) tests/unit tests/rules

test: lint
	@$(PYTHON) -m pytest --quiet $(PARALLEL) --cov --cov-report=term

test-browser: setup
	@npm ci --prefix tests/browser --ignore-scripts --no-audit --no-fund --loglevel=error
	@npm test --prefix tests/browser

reference:
	@npm ci --prefix local/web/reference --ignore-scripts --no-audit --no-fund --loglevel=error
	@echo "make run, and open http://127.0.0.1:7079/api-reference"

screenshots: setup
	@npm ci --prefix tests/browser --ignore-scripts --no-audit --no-fund --loglevel=error
	@npm run screenshots --prefix tests/browser

format: setup
	@$(PYTHON) -m ruff format
	@$(PYTHON) -m ruff check --fix

chaos: setup
	@$(PYTHON) -m tests.chaos

chaos-short: setup
	@$(PYTHON) -m tests.chaos --sessions 60 --seconds 15

bench: setup
	@for each in cold_start requests verify sweep peers; do echo "\n# $$each" && $(PYTHON) -m bench.$$each || exit 1; done

package:
	@python3 scripts/package

bicep:
	@infra/check $(SNAPSHOTS)

openapi: setup
	@$(PYTHON) -m local.openapi
	@[ -d clients/typescript/node_modules/openapi-typescript ] || npm ci --prefix clients/typescript --ignore-scripts --no-audit --no-fund
	@npm run types --silent --prefix clients/typescript

lock: setup
	@$(PYTHON) -m pip install --quiet pip-tools==7.6.2
	@CUSTOM_COMPILE_COMMAND='make lock' $(PYTHON) -m piptools compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links --strip-extras --output-file requirements.txt requirements.in
	@CUSTOM_COMPILE_COMMAND='make lock' $(PYTHON) -m piptools compile --quiet --generate-hashes --allow-unsafe --no-emit-index-url --no-emit-find-links --strip-extras --output-file requirements-dev.txt requirements-dev.in

clean:
	rm -rf .venv .local .hypothesis .mypy_cache .pytest_cache .ruff_cache .coverage dist local/azurite/node_modules examples/server-node/node_modules examples/server-python/.venv local/web/reference/node_modules tests/browser/node_modules tests/face_client/node_modules tests/kusto/node_modules clients/typescript/node_modules clients/typescript/dist clients/typescript/build
