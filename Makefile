# What you can ask for: `make`. Another interpreter: `make test PYTHON=python3.12 VENV=.venv-3.12`. With `VENV=`
# nothing is installed: $(PYTHON) is used with the packages it has (so does shell.nix).
PYTHON ?= python3
VENV ?= .venv
PY := $(if $(VENV),$(VENV)/bin/python,$(PYTHON))
RUN := $(PY) -m
READY := $(if $(VENV),$(VENV)/.ok)
READY_TO_RUN := $(if $(VENV),$(VENV)/.run)
PIP := $(RUN) pip install -qq --disable-pip-version-check
# A test that starts a program waits for it: one worker more than there are processors.
export WORKERS ?= $(shell echo $$(($$(nproc 2>/dev/null || echo 2) + 1)))
PYTEST := $(RUN) pytest -n $(WORKERS)
NO_INDEX := { echo "make: pip could not install what pyproject.toml names (its words are above); is the package index within reach?" >&2; exit 1; }
QUICK := $(if $(FULL),,-m 'not slow')
MEASURED := --cov --cov-report= --cov-fail-under=0

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help all venv check fmt fmt-check lint types floors test test-plain test-optimized test-nonroot test-hard test-fast test-all \
	laws golden crash prove cov doctest docs demo demos platform bench bench-quick wheel clean

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*  ## /\1\t/p' Makefile | while IFS="$$(printf '\t')" read -r n t; do printf '  %-16s%s\n' "$$n" "$$t"; done

$(VENV)/.run: pyproject.toml
	$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("pylightnix needs Python 3.11: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV) && { $(PIP) -e . || $(NO_INDEX); } && touch $@

$(VENV)/.ok: $(VENV)/.run
	@{ $(PIP) -e '.[dev]' || $(NO_INDEX); } && touch $@

venv: $(READY)  ## the environment for development, in .venv
all: check demo  ## everything that must hold, then the quick start

check: fmt-check lint types floors test doctest docs  ## the one door: all that must hold before a change lands

fmt: $(READY)  ## format, and mend what ruff can mend
	$(RUN) ruff check --fix --exit-zero --quiet . && $(RUN) ruff format .

fmt-check: $(READY)  ## is everything formatted?
	$(RUN) ruff format --check .

lint: $(READY)  ## ruff
	$(RUN) ruff check .

types: $(READY)  ## mypy --strict, tests too
	$(RUN) mypy

floors: $(READY)  ## who may import whom
	PATH="$(dir $(PY)):$$PATH" lint-imports --no-logo

test: test-plain $(if $(FULL),test-optimized test-nonroot,test-hard)  ## the whole suite; then all but the slow of it under python -O and as a user who is not root, at once (FULL=1: one by one, all of it)

test-plain: $(READY)  ## the suite once (COV=1 measures it too)
	$(PYTEST) $(if $(COV),$(MEASURED))
	$(if $(COV),$(RUN) coverage report && $(RUN) coverage report --include='src/pylightnix/core/*' --fail-under=100)

test-optimized: $(READY)  ## the suite with the library's asserts compiled away (the tests' own stay: see tests/arch)
	PYTHONOPTIMIZE=1 $(PYTEST) $(QUICK)

test-nonroot: $(READY)  ## the suite as nobody, where we are root
	PYTHON=$(PYTHON) tests/nonroot.sh $(QUICK)

test-hard: $(READY)  ## both of these in one pass; only the first where nobody cannot be had
	PYTHON=$(PYTHON) PYTHONOPTIMIZE=1 ELSE="$(PYTEST)" tests/nonroot.sh $(QUICK)

test-fast: $(READY)  ## the suite without what is marked slow
	$(PYTEST) -m 'not slow'

test-all:  ## the suite with every CPython from 3.11 on that is here
	tests/pythons.sh

laws: $(READY)  ## the laws, with many more examples
	$(PYTEST) tests/laws --hypothesis-profile=long

golden: $(READY)  ## bytes and hashes that must never change
	@PYLIGHTNIX_GOLDEN=diff $(RUN) pytest -q tests/golden || { echo "make: a format changes only with a new store version and a decision record that says why (docs/adr)" >&2; exit 1; }

crash: $(READY)  ## kill -9, failing system calls, power loss, interleavings: a few points of each
	$(PYTEST) tests/crash

prove: $(READY)  ## every proof at length, for hours; writes docs/proofs.md (SHORT=1: a minute or two, POINTS=n)
	$(RUN) tests.prove $(if $(SHORT),--short) $(if $(POINTS),--points $(POINTS)) $(if $(ONLY),--only $(ONLY))

cov:  ## the suite with branch coverage: 95 % overall, 100 % of core
	$(MAKE) test-plain COV=1

doctest: $(READY)  ## examples in docstrings and documents
	store=$$(mktemp -d) && trap "rm -rf $$store" EXIT && PYLIGHTNIX_ROOT=$$store $(RUN) pytest -p no:randomly -p no:cacheprovider --doctest-modules --doctest-glob='*.md' src docs *.md

docs: $(READY)  ## do the documents' links lead somewhere?
	$(RUN) pytest -q tests/arch/test_documents.py

demo: $(READY_TO_RUN)  ## the quick start, on a store in this folder
	PYLIGHTNIX_ROOT=$(CURDIR)/_pylightnix $(PY) demos/quickstart.py

.venv-demos/.ok: pyproject.toml
	$(PYTHON) -m venv .venv-demos && { .venv-demos/bin/python -m pip install -qq --disable-pip-version-check -e '.[demos]' || $(NO_INDEX); } && touch $@

demos: .venv-demos/.ok  ## weave demos/*.pmd
	.venv-demos/bin/python demos/weave.py

.venv-platform/.ok: pyproject.toml
	$(PYTHON) -m venv .venv-platform && { .venv-platform/bin/python -m pip install -qq --disable-pip-version-check -e '.[platform]' || $(NO_INDEX); } && touch $@

platform: .venv-platform/.ok  ## serve demos/platform on 127.0.0.1:8000
	.venv-platform/bin/python demos/platform/service.py demos/platform/platform.toml

.venv-bench/.ok: pyproject.toml
	$(PYTHON) -m venv .venv-bench && { .venv-bench/bin/python -m pip install -qq --disable-pip-version-check -e '.[bench]' || $(NO_INDEX); } && touch $@

.venv-bench-prior/.ok:  # an environment of its own: both libraries have one name
	$(PYTHON) -m venv .venv-bench-prior && .venv-bench-prior/bin/python -m pip install -qq --disable-pip-version-check pylightnix==0.3.0 && touch $@

.venv-bench-pypods/.ok:  # needs another package of the name `bson`
	$(PYTHON) -m venv .venv-bench-pypods && .venv-bench-pypods/bin/python -m pip install -qq --disable-pip-version-check pypods && touch $@

.venv-bench-appose/.ok:
	$(PYTHON) -m venv .venv-bench-appose && .venv-bench-appose/bin/python -m pip install -qq --disable-pip-version-check appose && touch $@

bench: .venv-bench/.ok  ## measure beside nix, ninja, joblib and 0.3.0 (ONLY=T5,T13 for some rows)
	-@$(MAKE) --no-print-directory .venv-bench-prior/.ok .venv-bench-pypods/.ok .venv-bench-appose/.ok
	.venv-bench/bin/python -m benchmarks $(if $(ONLY),--only $(ONLY))

bench-quick: .venv-bench/.ok  ## see in a minute or two that the benchmarks work
	-@$(MAKE) --no-print-directory .venv-bench-prior/.ok
	.venv-bench/bin/python -m benchmarks --quick

wheel: $(READY)  ## a wheel and a source archive, in dist/
	$(RUN) hatchling build

clean:  ## delete all that can be made again (not the demo's store)
	rm -rf .venv .venv-* dist build result .coverage .coverage.* .hypothesis .*_cache
	find src tests demos benchmarks -name __pycache__ -prune -exec rm -rf {} +
