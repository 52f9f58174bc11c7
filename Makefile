# `make` is check and test. Every target makes what it needs in .venv, from a fresh clone.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
ROWS ?= 1000000

.PHONY: all check test test-all demo schema golden bench step docs format clean

all: check test

# The environment: once, and again when pyproject.toml changes.
$(READY): pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	touch $(READY)

# What can be told by reading: style, types, floors, a fresh schema, clean specs.
check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pylint engine
	$(BIN)/lint-imports
	$(BIN)/python -m engine.spec.derive | diff -u schema.json - || { echo 'schema.json is stale: run make schema'; exit 1; }
	$(BIN)/engine lint specs

# The tests run as two halves side by side, $(1) being options of both; `s` is how it ends. What HALF says is shown last, with
# what was left out.
HALF := tests/postgres tests/mariadb tests/crash
define side_by_side
half=$$(mktemp); COVERAGE_FILE=.coverage.half $(BIN)/python -m pytest $(1) $(HALF) >$$half 2>&1 & \
pid=$$!; trap 'kill $$pid' INT TERM; s=0; \
COVERAGE_FILE=.coverage.rest $(BIN)/python -m pytest $(1) tests $(addprefix --ignore=,$(HALF)) || s=$$?; \
wait $$pid || s=$$?
endef

# All tests but the slow ones, with the coverage of engine/.
test: $(READY)
	$(call side_by_side,--cov=engine --cov-report= --cov-fail-under=0); \
	$(BIN)/coverage combine --quiet .coverage.half .coverage.rest && $(BIN)/coverage report || s=$$?; \
	cat $$half; rm -f $$half; exit $$s

# The slow proofs: killed at random, a whole shop there and back.
test-all: $(READY)
	$(call side_by_side,-m slow); cat $$half; rm -f $$half; exit $$s

# See it work: 100,000 rows moved, killed, resumed, taken back.
demo: $(READY)
	$(BIN)/python tests/demo/demo.py

# Write schema.json from the step modules.
schema: $(READY)
	$(BIN)/python -m engine.spec.derive > schema.json.new && mv schema.json.new schema.json

# Write the expected screens in tests/golden again; review the diff.
golden: $(READY)
	$(BIN)/python -m pytest -q tests/test_golden.py --golden

# Compare with the raw statements: time as ratios, memory (ROWS=1000000); five times as many with a fiftieth of them.
bench: $(READY)
	s=0; $(BIN)/python tests/bench/bench.py --rows $(ROWS) || s=$$?; \
	$(BIN)/python tests/bench/scale.py --rows $$((5 * $(ROWS))) || s=$$?; \
	$(BIN)/python tests/bench/postgres.py --rows $(ROWS) || s=$$?; \
	$(BIN)/python tests/bench/lint.py || s=$$?; exit $$s

# Begin a verb: make step NAME=split.
step: $(READY)
	$(BIN)/python tests/scaffold/step.py '$(NAME)'

# Write docs/verbs.md and docs/rules.md from the modules.
docs: $(READY)
	$(BIN)/python tests/scaffold/pages.py

# Format engine/ and tests/ as `make check` wants them.
format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Take away what was made: the environment and the caches.
clean:
	rm -rf .venv .coverage .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist
