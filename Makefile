# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= $(shell for p in python3.12 python3.11 python3.13 python3; do \
	$$p -c 'import sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
STUDY ?= sample_data/study
OUT ?= demo_output
JOBS ?= 2

.PHONY: demo test check setup benchmark golden docs format clean

demo: setup  ## pipeline on the sample study, then the dashboard on http://127.0.0.1:8501
	$(BIN)/cordtrack run $(STUDY) $(OUT) --jobs $(JOBS)
	$(BIN)/cordtrack dashboard $(OUT)

test: setup  ## all tests
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal

check: setup  ## style, types, imports; the other house rules are tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

setup: .venv/.ready  ## the virtual environment with the cordtrack command

.venv/.ready: pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "cordtrack needs Python 3.11, 3.12 or 3.13; none was found. Install one, or: make PYTHON=/path/to/python"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev,hospital]'
	$(BIN)/python -m dashboard.viewer.fetch_niivue
	touch $@

benchmark: setup  ## accuracy and speed on real and synthetic truth, written to docs/benchmarks.md
	$(BIN)/python -m tests.benchmark $(if $(DATA),$(foreach folder,$(DATA),--data $(folder)))

golden: setup  ## remake the expected measurements of the sample study; look at the diff before committing
	$(BIN)/python -m tests.golden

docs: setup  ## remake docs/data-model.md from the comments of the views, and the picture of the rooms from the code
	$(BIN)/python -m tests.data_model
	$(BIN)/python -m tests.room_map

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(OUT) .pytest_cache .ruff_cache .mypy_cache test-results
