# make report   compare the VAE with the GAN and write the report
# make test     run the tests, as many at a time as there are cores
# make lint     format, style and types
# make lock     pin the newest versions that fit pyproject.toml (needs uv)
#
# Each makes .venv first and installs requirements.txt into it when it is missing or out of date.

PYTHON ?= python3.11
VENV ?= .venv
UV ?= uv
BIN = $(VENV)/bin

.PHONY: report test lint venv lock

report: venv
	$(BIN)/tfgenxai compare vae-gan

test: venv
	$(BIN)/pytest --numprocesses auto --dist worksteal

lint: venv
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

venv: $(VENV)/.installed

$(VENV)/.installed: requirements.txt pyproject.toml $(wildcard requirements/innvestigate/*.*)
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null || { \
	    echo 'tfgenxai needs Python 3.11, 3.12 or 3.13, and "$(PYTHON)" is none of them here.' \
	         'Install one, or name it: make PYTHON=python3.12' >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -r requirements.txt
	@touch $@

lock:
	sed -n '/^#/!q;p' requirements.txt > requirements.new
	$(UV) pip compile --universal --fork-strategy fewest --python-version 3.11 \
	    --extra lrp --extra dev --no-header --annotation-style line \
	    --no-emit-package innvestigate pyproject.toml >> requirements.new
	printf '%s\n' ./requirements/innvestigate '-e .[lrp]' >> requirements.new
	mv requirements.new requirements.txt
