# `make demo` and `make test` need Python 3.11-3.13, a C compiler, make and a package index; nothing else.
# The first run builds llama.cpp (5-10 minutes on two cores); pip keeps the wheel for the next one.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# llama.cpp's vision part is not used; leaving it out halves the build.
export CMAKE_ARGS ?= -DLLAVA_BUILD=OFF

.PHONY: demo test lint completions bench clean

demo: $(READY)
	$(BIN)/genair demo --force

test: $(READY)
	$(BIN)/python -m pytest

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

completions: $(READY)
	$(BIN)/python -m genair_cli.generate .

bench: $(READY)
	$(BIN)/python benchmarks/loss.py
	$(BIN)/python benchmarks/stages.py

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade --constraint constraints.txt pip
	$(BIN)/python -m pip install --constraint constraints.txt --editable '.[llamacpp,transformers,dev]'
	touch $(READY)

clean:
	rm -rf $(VENV) genair-demo
