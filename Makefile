# make help lists the targets. PYTHON=/path/to/python chooses the interpreter of a new environment.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help compare test test-all lint docs bench clean

OUT = out/
ARGS =

# $(call install,ENVIRONMENT,LOCK): a fresh environment with what the lock pins, then this package from its source.
# The stamp is a copy of the lock, so that an environment is made again when the lock's content differs.
define install
@set -e; \
if ! cmp -s $(2) $(1)/installed.lock || ! $(1)/bin/python -c '' 2>/dev/null; then \
	python=$$(sh scripts/find_python.sh); \
	echo "Installing the pinned dependencies into $(1) with $$python: a few minutes, once."; \
	rm -rf $(1); \
	"$$python" -m venv $(1); \
	$(1)/bin/python -m pip install --quiet --disable-pip-version-check -r $(2); \
fi; \
$(1)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .; \
cp $(2) $(1)/installed.lock
endef

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' Makefile | while IFS='|' read -r name text; do printf '  make %-9s %s\n' "$$name" "$$text"; done

compare: .venv/installed.lock ## run the default study; results go to OUT (out/)
	.venv/bin/bayescompare run --out "$(OUT)" $(ARGS)

# One thread a process: results repeat, and parallel tests do not fight for cores.
test test-all: export OMP_NUM_THREADS = 1
test test-all: export OPENBLAS_NUM_THREADS = 1
test test-all: export MKL_NUM_THREADS = 1
test test-all: export NUMBA_NUM_THREADS = 1
test test-all: export TF_NUM_INTRAOP_THREADS = 1
test test-all: export TF_NUM_INTEROP_THREADS = 1
test test-all: export MPLBACKEND = Agg

# A file's tests stay in one process, which compiles once what they share.
test: .venv/installed.lock ## run the tests on all cores; ARGS="-k name" goes to pytest
	.venv/bin/python -m pytest -n auto --maxprocesses 4 --dist loadfile $(ARGS)

test-all: .venv/installed.lock ## run the tests with the slow ones
	.venv/bin/python -m pytest -m "slow or not slow" $(ARGS)

lint: .venv/installed.lock ## check style, types and the layers
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/python -m mypy
	.venv/bin/lint-imports

docs: .venv/installed.lock ## build the documentation: docs/_build/html/index.html
	.venv/bin/python -m sphinx -W --keep-going -q docs docs/_build/html

bench: .venv-bench/installed.lock ## measure speed against other packages (an environment of its own)
	.venv-bench/bin/python scripts/bench.py $(ARGS)

.venv/installed.lock: requirements.lock pyproject.toml
	$(call install,.venv,requirements.lock)

.venv-bench/installed.lock: requirements-bench.lock pyproject.toml
	$(call install,.venv-bench,requirements-bench.lock)

clean: ## remove the environments and what tools left behind; results in out/, out-fit/ and out-calibration/ stay
	rm -rf .venv .venv-bench build dist docs/_build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
