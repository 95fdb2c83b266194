PYTHON ?= python3
SERVE ?= 1
VENV := .venv
BIN := $(VENV)/bin
DEMO_LIBRARY := .demo-library
# What it calls a fault differs between releases, and a new one would fail tests of an old page.
AXE_CORE := 4.14.1

.PHONY: help demo test check screenshots test-programs clean

help: ## Show the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "make %-14s %s\n", $$1, $$2}'

demo: $(VENV)/.installed ## Index sample_docs, answer three questions, serve the demo (SERVE=0: do not serve)
	@$(BIN)/pagelens ingest sample_docs/corpus --library $(DEMO_LIBRARY)
	@$(BIN)/pagelens search --top-k 3 --library $(DEMO_LIBRARY) \
		'How long was the power off because a tree had fallen across the line?' \
		'How many passengers did the ferry carry in its busiest month of 2024?' \
		'How low did the barometer fall in the storm of November 1931?'
ifneq ($(SERVE),0)
	@$(BIN)/pagelens serve --demo --library $(DEMO_LIBRARY)
endif

# Two workers keep two cores busy. With two threads each, those of torch wait for one another and
# spin meanwhile: what takes one thread 30 ms took four of them 170 ms of the cores.
test: $(VENV)/.installed-dev test-programs check ## Lint, type-check, run every test
	@OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist loadfile --max-worker-restart 2

check: $(VENV)/.installed-dev ## Lint and type-check only
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

screenshots: $(VENV)/.installed-dev test-programs ## Take the pictures of docs/ from the web page, anew
	@$(BIN)/python -m docs.take_screenshots

test-programs: ## Install Debian's chromium, curl, poppler, PostgreSQL and LibreOffice, and axe-core, for the tests where that is possible
	@{ command -v chromium && command -v curl && command -v pdftoppm && command -v soffice && \
		{ command -v pg_ctl || ls /usr/lib/postgresql/*/bin/pg_ctl; }; } >/dev/null 2>&1 || { \
		[ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 && apt-get update -q && \
		export DEBIAN_FRONTEND=noninteractive && \
		apt-get install -y -q chromium curl poppler-utils postgresql && \
		apt-get install -y -q --no-install-recommends libreoffice-writer-nogui \
			libreoffice-calc-nogui libreoffice-impress-nogui; } || true
	@grep -qs '"version": "$(AXE_CORE)"' $(VENV)/npm/node_modules/axe-core/package.json || \
		npm install --silent --no-audit --no-fund --prefix $(VENV)/npm axe-core@$(AXE_CORE) || true

clean: ## Remove the virtual environment and the demo library
	rm -rf $(VENV) $(DEMO_LIBRARY)

# Debian keeps the part of venv that brings pip in a package of its own.
$(BIN)/pip:
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { \
		[ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 && \
		apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q python3-venv; } || { \
		echo 'Python has no venv module here: run "apt-get install python3-venv" as root.' >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(BIN)/pip
	@echo 'Installing Pagelens into $(VENV) (a few minutes the first time)'
	@$(BIN)/pip install -qq --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml | $(BIN)/pip
	@echo 'Installing Pagelens and its test tools into $(VENV) (a few minutes the first time)'
	@$(BIN)/pip install -qq --disable-pip-version-check --editable '.[dev]'
	@touch $@ $(VENV)/.installed
