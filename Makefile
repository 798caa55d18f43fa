# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= $(shell for p in python3.12 python3.11 python3.13 python3; do \
	$$p -c 'import sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null && echo $$p && break; done)
, := ,
BIN := .venv/bin
STUDY ?= sample_data/study
OUT ?= demo_output
JOBS ?= 2
PORT ?= 8501
TESTS ?= tests
# uv installs in seconds what pip installs in minutes; it is used where it is there and reaches its packages.
UV := $(shell command -v uv 2>/dev/null)
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable
ifdef UV
INSTALL = $(UV) pip install --quiet --python $(BIN)/python --constraint constraints.txt --editable '$(1)' \
	|| { echo "uv could not install it; pip tries"; $(PIP) '$(1)'; }
else
INSTALL = $(PIP) '$(1)'
endif

.PHONY: demo test check audit setup guide tools benchmark golden docs format clean

demo: setup guide  ## the pages of the sample study on http://127.0.0.1:8501, while it is measured behind them
	@echo "2/2 The pages open on http://127.0.0.1:$(PORT) (stop with Ctrl+C); patients appear as they are measured"
	$(BIN)/cordtrack serve $(STUDY) $(OUT) --port $(PORT) --jobs $(JOBS) --run

test: tools  ## all tests; hundreds of commands are started, so what is compiled is kept whatever the shell says
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n $(JOBS) --dist worksteal $(TESTS)

check: tools  ## style and types, then the house rules: imports, purity, lengths, what is committed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q -n 0 tests/test_architecture.py

audit: .venv/.ready  ## known holes in the pinned libraries; asks a database on the network, with pip-audit if it is there
	@$(BIN)/python -m tests.audit

setup: .venv/.ready  ## the virtual environment with the cordtrack command: what a user needs
guide: .venv/.guide  ## what docs/ says, as pages with search, served beside the pages of a study
tools: .venv/.tools .venv/.guide  ## and what tests and checks need: hospital libraries, linters, test tools

.venv/.ready: pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "cordtrack needs Python 3.11, 3.12 or 3.13; none was found. Install one, or: make PYTHON=/path/to/python"; exit 1; }
	@echo "1/2 Setting up .venv with $(if $(UV),uv,pip): once, about a minute"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(call INSTALL,.[guide])
	@$(BIN)/python dashboard/viewer/fetch_niivue.py
	@touch $@

.venv/.guide: .venv/.ready mkdocs.yml $(wildcard docs/*.md docs/*/*)
	@$(BIN)/zensical build --clean --strict --config-file mkdocs.yml >.venv/guide.log || { cat .venv/guide.log; exit 1; }
	@touch $@

.venv/.tools: .venv/.ready
	@echo "Adding what tests and checks need to .venv"
	@$(call INSTALL,.[cluster$(,)dev$(,)guide$(,)hospital])
	@touch $@

benchmark: tools  ## accuracy and speed on real and synthetic truth, written to docs/benchmarks.md
	$(BIN)/python -m tests.benchmark $(if $(DATA),$(foreach folder,$(DATA),--data $(folder)))

golden: tools  ## remake the expected measurements of the sample study; look at the diff before committing
	$(BIN)/python -m tests.golden

docs: tools  ## remake docs/data-model.md from the comments of the views, docs/commands.md, the picture of the rooms
	$(BIN)/python -m tests.data_model
	$(BIN)/python -m tests.command_reference
	$(BIN)/python -m tests.room_map

format: tools
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(OUT) .pytest_cache .ruff_cache .mypy_cache test-results
