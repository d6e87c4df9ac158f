# For GNU make 3.81 (macOS) and later. `make` alone says what there is.

PYTHON  := .venv/bin/python
# For two cores. Who waits for a browser leaves room for a third; `test-fast` never waits.
WORKERS ?= $(if $(filter test,$@),3,2)
ARGS    ?=
UPGRADE ?=

COMPILE_LOCK := PATH="$(CURDIR)/.venv/bin:$$PATH" uv pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header $(UPGRADE)

# Without compiled files each program that a test starts would compile all modules again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help run test test-fast lint format bench messages docs lock venv venv-dev

help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

run: venv ## Start the service and a demo application on this machine (Ctrl-C stops both)
	@exec $(PYTHON) -m authn demo

test: venv-dev ## Run every test, on SQLite and PostgreSQL and in Chromium (ARGS="-k word" chooses)
	@$(PYTHON) -m tests.chromium
	@tools/openid-client
	@$(PYTHON) -m tests.samples.apache
	$(PYTHON) -m pytest -n $(WORKERS) --dist worksteal $(ARGS)

test-fast: venv-dev ## Run one case of each test on SQLite; no command, attack, garbage or browser
	$(PYTHON) -m pytest -n $(WORKERS) --dist worksteal --first-case -m "not postgresql and not journey and not thorough" $(ARGS)

lint: venv-dev ## Check style, types and the layers of imports; change nothing
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy
	.venv/bin/lint-imports

format: venv-dev ## Bring the code into its one form
	$(PYTHON) -m ruff check --fix --exit-zero .
	$(PYTHON) -m ruff format .

bench: venv-dev ## Measure: operations per second and core, latency, commits, memory
	$(PYTHON) -m bench $(ARGS)

messages: venv-dev ## Take new sentences over into the catalogues of nl, fr and de
	$(PYTHON) -m tools.messages

docs: venv-dev ## Write the pages of docs that are made from the code
	$(PYTHON) -m tools.settings_page
	$(PYTHON) -m tools.profiles_page
	$(PYTHON) -m tools.audit_page
	$(PYTHON) -m tools.desk_api_page

lock: ## Write both lock files anew from pyproject.toml (UPGRADE=--upgrade takes newer versions)
	@PATH="$(CURDIR)/.venv/bin:$$PATH" command -v uv >/dev/null || { echo "uv is needed: .venv/bin/pip install uv" >&2; exit 1; }
	$(COMPILE_LOCK) pyproject.toml --output-file requirements.lock
	$(COMPILE_LOCK) pyproject.toml --extra development --constraints requirements.lock --output-file requirements-dev.lock

venv:
	@tools/venv requirements.lock

venv-dev:
	@tools/venv requirements-dev.lock
