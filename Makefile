# make demo   build .venv if needed, then the study of README's first screen
# make test   build .venv if needed, then lint, types and tests
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin

.PHONY: demo test install clean

demo: install
	$(BIN)/python -m sweeper.run -m model=pt,rd seed=1,2,3

test: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder

install: .venv/installed

# torch is asked for by its exact version: a range would take the newest build. fairseq comes without what it asks for,
# since it asks for a hydra of 2020: what it needs is the extra of its name. PIP_CONSTRAINT holds for its build, too.
.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11) and "Python 3.11 is needed: make PYTHON=…")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check torch==2.13.0 --constraint constraints.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[fairseq,test]' --constraint constraints.txt
	PIP_CONSTRAINT=constraints.txt $(BIN)/pip install --quiet --disable-pip-version-check --no-deps fairseq==0.12.2
	touch $@

clean:
	rm -rf .venv
