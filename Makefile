# Everything that people and machines do here. `make` alone lists the targets.

PYTHON  ?= python3
EXTRAS  := images,cluster,deepnet,figures,notebooks,docs,dev
BUILDER := hatchling
VENV    := .venv
RUN     := $(VENV)/bin/python
PIP     := $(RUN) -m pip --disable-pip-version-check
INSTALL := $(PIP) install --quiet --no-compile --constraint constraints.txt
ARGS    ?=
SITE     = $(RUN) -m sphinx --conf-dir docs/site --doctree-dir results/site_trees --fresh-env --quiet --jobs $(WORKERS)
WORKERS ?= 2
QUICK   := $(addprefix tests/, test_architecture.py simulate/problems/test_scales.py simulate/dynamics/test_plan.py \
           simulate/dynamics/test_stopping.py simulate/test_error/test_tails.py simulate/runs/test_resuming.py \
           simulate/boundaries simulate/sweeps/test_sweep_store.py simulate/house/test_storage.py \
           theory/formulas/test_conditions.py theory/ledger theory/page theory/experiments/test_lab.py \
           deepnet/learning/test_loop.py deepnet/learning/test_masks.py deepnet/learning/test_sharpness.py \
           deepnet/methods/test_ascent.py deepnet/metrics/test_tug_of_war.py deepnet/studies/test_keys.py \
           deepnet/report paper_figs/tables paper_figs/workshop)

# Modules are byte-compiled on first use; to compile all of them doubles the time of the installation.
export PYTHONDONTWRITEBYTECODE :=

define CHECK_PYTHON
fail() { echo "sharpmu needs $$1" >&2; exit 1; }; \
command -v "$(PYTHON)" > /dev/null || \
    fail "Python 3.11 or newer, but there is no $(PYTHON): name one with 'make PYTHON=...'."; \
"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
    fail "Python 3.11 or newer, but has $$("$(PYTHON)" -V 2>&1): name a newer one with 'make PYTHON=...'."; \
"$(PYTHON)" -c 'import ensurepip, venv' 2> /dev/null || \
    fail "Python's module venv, which $(PYTHON) lacks: install it (on Debian, the package python3-venv)."
endef

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help verify ledger atlas test quick mutants lint check coverage bench lab figures docs links gallery lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo "PYTHON=... names the interpreter that makes $(VENV); ARGS=... is passed on to what a target runs."

verify: $(VENV)/.core ## check the theory in some five minutes: phase maps, then the ledger of claims
	$(RUN) -m simulate verify --out results/verify $(filter --overwrite,$(ARGS))
	$(RUN) -m theory verify --out results/ledger $(ARGS)

ledger: $(VENV)/.core ## the ledger with its full budget, within an hour (ARGS="--images DIR" for real images)
	$(RUN) -m theory verify --budget full --out results/ledger_full $(ARGS)

atlas: $(VENV)/.core ## where the claims hold, over what they leave open; goes on where it was interrupted (hours)
	$(RUN) -m theory atlas --out results/atlas $(ARGS)

test: $(VENV)/.full ## run the test suite in two processes (WORKERS=... for more, ARGS="-m slow" for the long tests)
	$(RUN) -m pytest --numprocesses $(WORKERS) --dist worksteal $(ARGS)

quick: $(VENV)/.full ## run the core of each package's tests in under a minute, for work in progress
	$(RUN) -m pytest --numprocesses $(WORKERS) --dist worksteal $(QUICK) $(ARGS)

mutants: $(VENV)/.full ## plant the faults of a sample that were not planted yet, into docs/mutants.csv and docs/mutants.md (hours)
	$(RUN) -m tests.mutation.sample $(ARGS)

lint: $(VENV)/.full ## style, spelling, types and import directions, without the test suite
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m codespell_lib
	$(RUN) -m mypy
	$(RUN) -m pytest -q tests/test_architecture.py

check: lint test ## lint and test: everything that must hold before a change goes in

# In one process: those of xdist may be ended before they have written what they reached.
coverage: $(VENV)/.full ## lines and branches that the tests reach, into results/coverage.md (about twenty minutes)
	$(RUN) -m coverage erase
	$(RUN) -m coverage run -m pytest $(ARGS)
	$(RUN) -m coverage combine --quiet
	@mkdir -p results
	$(RUN) -m coverage json --quiet -o results/coverage.json
	$(RUN) -m tests.coverage_page results/coverage.json results/coverage.md

bench: $(VENV)/.full ## measure speed and memory
	$(RUN) -m tests.benchmarks $(ARGS)

lab: $(VENV)/.lab ## open the lessons in JupyterLab
	$(RUN) -m jupyterlab --LabApp.default_url=/lab/tree/notebooks/lesson_1_signal_and_noise.ipynb \
	    $(if $(filter 0,$(shell id -u)),--allow-root) $(ARGS)

figures: $(VENV)/.figures ## figures and tables of the paper, and the deep ledger's pages (ARGS="--budget quick" for a preview)
	$(RUN) -m deepnet judge paper_figs/data/*/ --out results/judged || [ $$? -eq 1 ]  # 1: a control asks for care
	$(RUN) -m paper_figs all $(ARGS)

docs: $(VENV)/.full ## build the site of docs, lessons, reference and ledgers into results/site, without a network
	$(SITE) --builder html --fail-on-warning . results/site $(ARGS)

links: $(VENV)/.made ## ask the network whether links to other sites lead somewhere
	$(RUN) docs/site/links.py

gallery: $(VENV)/.full ## draw the site's gallery anew with the quick budget, into docs/gallery (some minutes)
	$(RUN) docs/site/gallery.py $(ARGS)

lock: ## write constraints.txt anew from the newest versions that pyproject.toml allows (a minute; installs nothing)
	@$(CHECK_PYTHON)
	@set -e; fresh=$$(mktemp -d); trap 'rm -rf "$$fresh"' EXIT; \
	$(PYTHON) -m venv "$$fresh"; \
	"$$fresh/bin/python" -m pip --disable-pip-version-check install --quiet --dry-run --ignore-installed \
	    --report "$$fresh/report.json" $(BUILDER) ".[$(EXTRAS)]"; \
	"$$fresh/bin/python" -m tests.lock "$$fresh/report.json" "$(EXTRAS)" > "$$fresh/constraints.txt"; \
	cp "$$fresh/constraints.txt" constraints.txt
	@echo "constraints.txt is new; run 'make check'."

clean: ## remove .venv and every cache; results/ stays
	rm -rf $(VENV) build dist .coverage .coverage.* htmlcov .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- the environment: each stamp says that an installation finished -------------------------------------

$(VENV)/.core: pyproject.toml constraints.txt | $(VENV)/.made
	@echo "Installing the core into $(VENV) ..."
	@$(INSTALL) $(BUILDER)
	@$(INSTALL) --no-build-isolation --editable ".[images]"
	@touch $@

$(VENV)/.figures: $(VENV)/.core
	@echo "Installing what the figures need into $(VENV) ..."
	@$(INSTALL) --no-build-isolation --editable ".[images,figures]"
	@touch $@

$(VENV)/.lab: $(VENV)/.core
	@echo "Installing JupyterLab into $(VENV) ..."
	@$(INSTALL) --no-build-isolation --editable ".[images,notebooks]"
	@touch $@

$(VENV)/.full: $(VENV)/.core
	@echo "Installing what the tests need, PyTorch among it, into $(VENV): 6 GB, some minutes ..."
	@$(INSTALL) --no-build-isolation --editable ".[$(EXTRAS)]"
	@touch $@

$(VENV)/.made:
	@$(CHECK_PYTHON)
	@$(PYTHON) -m venv $(VENV)
	@touch $@
