.DEFAULT_GOAL := help
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: help install demo serve page test bench lint clean

help:  ## list the commands
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

$(STAMP): requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "nodewise needs Python 3.11 or later: set PYTHON=/path/to/python3" >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(STAMP)

install: $(STAMP)  ## create .venv from the lock file

demo: $(STAMP)  ## generate a batch, allocate it, compare with order-at-a-time routing
	$(BIN)/nodewise demo

serve: $(STAMP)  ## serve allocations over HTTP on this machine, with a demo network
	$(BIN)/nodewise serve

# what a process keeps to itself: the fuzzer's cases share their names, so that two processes would take most of them
# for one; Ray and the browser's driver leave threads, files and an event loop behind
ALONE := tests/api/service/test_openapi.py tests/engine/test_workers_ray.py tests/page

test: $(STAMP)  ## the whole test suite
	$(BIN)/python -m pytest -n 2 --dist loadfile $(ALONE:%=--ignore %)
	for part in $(ALONE); do $(BIN)/python -m pytest $$part || exit 1; done

bench: $(STAMP)  ## measurements, two hours in all; a part: BENCH="--only CASE ..."; writes benchmarks/RESULTS.md
	$(BIN)/python -m benchmarks $(BENCH)

lint: $(STAMP)  ## ruff and strict mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:  ## forget compiled kernels (needed after editing one that others call)
	find api engine solver benchmarks tests -name '*.nb[ci]' -delete
