# Two commands set everything up: `make run` and `make test`. Needs Python 3.11+, make and git.
SHELL  := /bin/bash
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
PORTABLE := .venv-portable

.PHONY: run test portable chaos lint lint-types lint-sql format dev docs demo-failure clean-store lock portal-css
.DELETE_ON_ERROR:

run: $(READY)
	@$(BIN)/cornerstone run

test: $(READY) lint
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

# The models tagged `portable` on Spark, compared with the tables of the store (CORNERSTONE_STORE). Needs Java 17.
portable: $(READY) $(PORTABLE)/.ready
	@$(BIN)/python -m tests.portable

# Fifty runs killed, starved of disk or crossed by seed; the report is store/chaos/chaos.md. Another: make chaos SEED=2
chaos: $(READY)
	@$(BIN)/python -m tests.chaos --runs 50 --seed $(or $(SEED),1)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@$(MAKE) --no-print-directory --jobs 2 lint-types lint-sql

# Side by side: mypy works on one core for as long as sqlfluff does on two.
lint-types: $(READY)
	$(BIN)/mypy

lint-sql: $(READY)
	$(BIN)/sqlfluff lint --processes 2 dbt_project docs/queries

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/sqlfluff fix --processes 2 dbt_project docs/queries

dev: $(READY)
	@$(BIN)/cornerstone prepare
	@export DAGSTER_HOME="$$($(BIN)/cornerstone prepare --print-dagster-home)"; exec $(BIN)/dagster dev -w workspace.yaml

docs: $(READY)
	@$(BIN)/cornerstone docs

demo-failure: $(READY)
	@$(BIN)/python -m tests.end_to_end.demo_failure

clean-store: $(READY)
	@$(BIN)/cornerstone clean-store

# The virtual environment, from the hashed lock file; byte-code is compiled because imports dominate a small run.
$(READY): requirements.lock pyproject.toml
	@echo "Setting up $(VENV) from requirements.lock (about half a minute, once) ..."
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Cornerstone needs Python 3.11 or later; set PYTHON=/path/to/python3.11" >&2; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@# uv itself comes from the lock file, hashes checked; it then installs the rest four times faster than pip.
	@sed -n '/^uv==/,/^[^ ]/{/^uv==/p;/^ .*--hash/p}' requirements.lock > $(VENV)/uv.lock
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(VENV)/uv.lock
	@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip sync --quiet --require-hashes --compile-bytecode requirements.lock
	@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(PORTABLE)/.ready: requirements-portable.lock $(READY)
	@echo "Setting up $(PORTABLE) from requirements-portable.lock (about a minute, once) ..."
	@test -x $(PORTABLE)/bin/python || $(PYTHON) -m venv $(PORTABLE)
	@VIRTUAL_ENV=$(PORTABLE) $(BIN)/uv pip sync --quiet --require-hashes requirements-portable.lock
	@touch $@

# Re-resolve the lock files after editing pyproject.toml. They name no package index.
lock: $(READY)
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--group dev --custom-compile-command "make lock" --output-file requirements.lock pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--group portable --custom-compile-command "make lock" --output-file requirements-portable.lock

# Compile the portal's style sheet after editing orchestration/release/portal/styles; needs Node.js. The result is committed, so
# that nothing else does.
portal-css:
	@tools="$$(mktemp -d)" && npm install --silent --prefix "$$tools" govuk-frontend@6.6.0 sass && \
		"$$tools/node_modules/.bin/sass" --load-path="$$tools/node_modules" --style=compressed --no-source-map --quiet-deps \
		orchestration/release/portal/styles/portal.scss orchestration/release/portal/static/portal.css && rm -rf "$$tools"
