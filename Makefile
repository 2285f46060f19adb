# Two commands: `make book` builds the book, `make test` checks everything.
# Each makes what it needs: .venv from requirements.lock, pages from sources.
# .venv takes the newest Python from 3.11 to 3.14 that is here; make PYTHON=python3.12 takes that one.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

# one fixed environment for every notebook and test
unexport MEDALLIANCE_PANEL
export PYTHONHASHSEED := 0
export OMP_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1
export MKL_NUM_THREADS := 1
export TZ := UTC
export LC_ALL := C.UTF-8
export PYTHONPATH := $(CURDIR)/src

VENV := .venv
PY := $(VENV)/bin/python
# a linked environment belongs to someone else and is used as it stands
STAMP := $(if $(shell test -L $(VENV) && echo linked),,$(VENV)/.stamp)
# another Python than that of .venv makes .venv again
OTHER := $(if $(and $(STAMP),$(PYTHON),$(wildcard $(PY))),$(shell \
  test "$$($(PY) -V 2>&1)" = "$$($(PYTHON) -V 2>&1)" || echo other))

PACKAGE := $(shell find src -name '*.py' -o -name '*.md')
FACTS := $(shell find data -type f -not -name datapackage.json)
CHAPTERS := $(shell find book -type f -not -path '*/.ipynb_checkpoints/*')
HTML := build/html/index.html

.PHONY: help env data data-mssp data-england notebooks readme book pdf test test-code explore lint bench bench-claims mutants grade measure messages refresh-peers lock new clean FORCE

help: ## print this list
	@echo "medalliance: a package and the book that it builds"
	@echo
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | \
	  while IFS=$$'\t' read -r target text; do printf '  make %-14s %s\n' "$$target" "$$text"; done

env: $(STAMP) ## make .venv from requirements.lock

$(VENV)/.stamp: requirements.lock $(if $(OTHER),FORCE)
	@PYTHON=$(PYTHON) bash tools/bootstrap.sh $(VENV) requirements.lock
	@touch $@

data: data/datapackage.json ## write the description of the data files

data/datapackage.json: $(FACTS) | $(STAMP)
	@$(PY) -m medalliance datapackage

data-mssp: $(STAMP) ## download the public Shared Savings files (MEDALLIANCE_MSSP_DIR=folder)
	@$(PY) -m medalliance get mssp -o $(or $(MEDALLIANCE_MSSP_DIR),build/mssp)

data-england: $(STAMP) ## download England's payments, name what must be fetched (MEDALLIANCE_ENGLAND_DIR=folder)
	@$(PY) -m medalliance get england -o $(or $(MEDALLIANCE_ENGLAND_DIR),build/england)

notebooks: $(STAMP) ## run all notebooks again in place (NB=book/x.ipynb for one)
	@bash tools/system.sh font
	@$(PY) -m medalliance notebooks $(NB)
	@$(PY) -m medalliance readme

messages: $(STAMP) ## bring the catalogues of the Chinese edition up to date (book/locale)
	@$(PY) -m medalliance messages

readme: $(STAMP) ## write the documents' tables and EXHIBITS.md from notebooks, data and lock
	@$(PY) -m medalliance readme

book: $(HTML) ## build the pages into build/html

$(HTML): $(CHAPTERS) $(FACTS) $(PACKAGE) requirements.lock | $(STAMP)
	@$(PY) -m medalliance build --output build/html
	@test -s $@ && touch $@

pdf: build/book.pdf ## print the whole book as build/book.pdf (needs Chromium)

build/book.pdf: $(HTML) tools/print_book.py
	@bash tools/system.sh font chromium
	@$(PY) tools/print_book.py build/html $@

test: $(HTML) ## build the book, run all tests, run every notebook again and compare
	@bash tools/system.sh font chromium
	@$(PY) -m pytest tests book --nbval --nbval-sanitize-with tests/book/sanitize.cfg \
	  -n 2 --dist loadscope -q $(ARGS)

test-code: $(STAMP) ## unit, oracle and property tests alone, as on the oldest Python in .ci/run
	@$(PY) -m pytest tests/unit tests/oracle tests/property -n 2 --dist loadscope -q $(ARGS)

explore: $(STAMP) ## property tests on new random examples (ROUNDS=5, ARGS="-k shifts")
	@for round in $$(seq $(or $(ROUNDS),1)); do seed=$$RANDOM; echo "seed $$seed"; \
	  $(PY) -m pytest tests -m hypothesis -n 2 --dist loadscope -q \
	    --hypothesis-profile=explore --hypothesis-seed=$$seed $(ARGS); done

lint: $(STAMP) ## ruff, import layers, types
	@$(VENV)/bin/ruff check src tests
	@$(VENV)/bin/ruff format --check src tests
	@$(VENV)/bin/lint-imports --no-cache
	@$(PY) -m mypy src

bench: $(STAMP) build/peers/.stamp ## compare our speed with the peers', then bench-claims
	@$(PY) benchmarks/run.py $(ARGS)
	@$(PY) benchmarks/claims.py

bench-claims: $(STAMP) ## claims to panel, up to 100 million rows, beside plain SQL (ARGS=--rows 1e6)
	@$(PY) benchmarks/claims.py $(ARGS)

grade: $(STAMP) ## grade every estimator on 1,000 draws; goes on where it stopped (ARGS=--draws 100)
	@$(PY) -m medalliance grade $(ARGS)

measure: $(STAMP) ## measure our commands in a fresh clone (ARGS="--python python3.11 env book test")
	@$(PY) tools/measure_runs.py $(ARGS)
	@$(PY) -m medalliance readme

mutants: $(STAMP) build/mutants/.stamp ## change the numeric core at random places: do tests notice? (ARGS="--size 40")
	@build/mutants/bin/python benchmarks/mutants.py --python $(CURDIR)/$(PY) $(ARGS)

build/mutants/.stamp: benchmarks/mutants.lock | $(STAMP)
	@$(PY) -m venv --clear build/mutants
	@$(VENV)/bin/uv pip sync -q --require-hashes --python build/mutants/bin/python $<
	@touch $@

refresh-peers: build/peers/.stamp ## run the peers again for the stored agreement numbers
	@build/peers/bin/python benchmarks/refresh_all.py

build/peers/.stamp: benchmarks/peers.lock | $(STAMP)
	@$(PY) -m venv --clear build/peers
	@$(VENV)/bin/uv pip sync -q --require-hashes --python build/peers/bin/python $<
	@touch $@

build/spark/.stamp: spark.lock | $(STAMP)
	@$(PY) -m venv --clear build/spark
	@$(VENV)/bin/uv pip sync -q --require-hashes --python build/spark/bin/python $<
	@touch $@

LOCKED := --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
  --no-emit-find-links --no-header --quiet $(or $(ARGS),--upgrade)

lock: $(STAMP) ## work out all locks again, newest versions (ARGS="-P numpy": that package alone)
	@$(VENV)/bin/uv pip compile pyproject.toml --extra book --extra test --extra claims \
	  $(LOCKED) --output-file requirements.lock
	@$(VENV)/bin/uv pip compile pyproject.toml --extra spark --constraints requirements.lock \
	  $(LOCKED) --output-file spark.lock
	@$(VENV)/bin/uv pip compile benchmarks/peers.in $(LOCKED) --output-file benchmarks/peers.lock
	@$(VENV)/bin/uv pip compile benchmarks/mutants.in $(LOCKED) --output-file benchmarks/mutants.lock

new: $(STAMP) ## start a case page: make new CASE=county_province
	@$(PY) -m medalliance new case $(CASE)

clean: ## remove what was built; .venv stays
	@rm -rf build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
