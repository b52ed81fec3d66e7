# armvirtd: an emulated ARM64 virt machine with hot-pluggable vCPUs, as a QMP daemon.

PYTHON ?= python3
BIN    := .venv/bin
ARGS   ?=
PYTEST ?=

PACKAGES := daemon protocol machine tests

.DEFAULT_GOAL := help
.PHONY: help run demo test bench pictures clean
.DELETE_ON_ERROR:

help: ## show this
	@echo "armvirtd: an ARM64 virt machine with hot-pluggable vCPUs, as a QMP daemon"
	@echo
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{printf "%-16s %s\n", $$1, $$2}'
	@echo
	@echo "  make run ARGS='-smp 4,maxcpus=64 --trace -'    options of the daemon; ARGS=-help lists them"
	@echo "  make demo ARGS=--verbose                       every register access, too"
	@echo "  make test PYTEST='-k plug'                     options of pytest"
	@echo "  make test PYTHON=python3.12                    another Python for a new .venv (3.11 or later)"

run: .venv/.run ## start the daemon, its QMP monitor on ./qmp.sock
	@echo "Connect from another terminal, in this directory, with one of these:"
	@echo
	@echo "    $(BIN)/qmp-shell ./qmp.sock"
	@echo "    echo '{\"execute\": \"qmp_capabilities\"} {\"execute\": \"query-hotpluggable-cpus\"}' | socat - UNIX-CONNECT:./qmp.sock"
	@echo
	@echo "Ctrl-C ends it."
	@exec $(BIN)/armvirtd $(ARGS)

demo: .venv/.run ## scale a guest from 2 to 8 CPUs and back, showing each step of each layer
	@$(BIN)/python -m daemon.demo $(ARGS)

test: .venv/.dev ## lint, check types, test
	$(BIN)/ruff check $(PACKAGES)
	$(BIN)/ruff format --check $(PACKAGES)
	$(BIN)/mypy
	$(BIN)/pytest $(PYTEST)

bench: .venv/.dev ## measure start, plug, wire and memory on this machine, and QEMU's beside
	@$(BIN)/python -m tests.bench $(ARGS)

pictures: .venv/.run ## draw docs/pictures anew, from a run
	@$(BIN)/python -m daemon.sequence docs/pictures
	@$(BIN)/python -m daemon.top.picture docs/pictures

clean: ## remove .venv, caches and what a build leaves
	rm -rf .venv *.egg-info build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find $(PACKAGES) -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps: what is installed in .venv is what pyproject.toml asks for.

.venv/.run: pyproject.toml
	@$(call check_python)
	@$(call install,$(if $(wildcard .venv/.dev),'.[dev]',.))
	@touch $@ $(wildcard .venv/.dev)

.venv/.dev: pyproject.toml
	@$(call check_python)
	@$(call install,'.[dev]')
	@touch .venv/.run $@

define check_python
command -v $(PYTHON) >/dev/null \
	|| { echo "armvirtd needs Python 3.11 or later: there is no '$(PYTHON)'; say make PYTHON=..." >&2; exit 1; }; \
$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	|| { echo "armvirtd needs Python 3.11 or later: '$(PYTHON)' is older; say make PYTHON=python3.12 or the like" >&2; exit 1; }; \
$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null \
	|| { echo "'$(PYTHON)' can't make virtual environments: install its venv module (Debian: apt-get install python3-venv)" >&2; exit 1; }
endef

define install
echo "Installing armvirtd into .venv ..." \
	&& $(PYTHON) -m venv .venv \
	&& $(BIN)/python -m pip install --quiet --disable-pip-version-check --editable $(1)
endef
