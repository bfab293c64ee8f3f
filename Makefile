# Every target sets up what it needs: Debian packages that are missing, virtual environments below .venv/.

SHELL := /bin/sh
.SHELLFLAGS := -euc
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

.PHONY: help setup setup-run setup-molecule setup-bench demo test lint unit sanity integration molecule bench bench-jails clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):[^#]*## /  \1\t/p' Makefile | expand -t 16

setup: ## packages and virtual environments for everything below
	@python3 scripts/setup.py test

setup-run:
	@python3 scripts/setup.py run

setup-molecule:
	@python3 scripts/setup.py molecule

setup-bench:
	@python3 scripts/setup.py bench

demo: setup-run ## two container networks on this host, in a private namespace: made, shown, pinged, taken away
	@scripts/demo .venv/controller

test: setup setup-molecule ## everything: lint, unit, sanity, integration, molecule (two scenarios of it)
	@scripts/test lint unit sanity integration molecule

lint unit sanity integration: setup ## (each by itself)
	@scripts/test $@

molecule: setup-molecule ## all scenarios on virtual machines of two Debian releases, or one: SCENARIO=name
	@scripts/scenarios $(SCENARIO)

bench: setup-bench ## speed beside the kernel's own limit and other tools; ARGS="--help" tells the options
	@scripts/private scripts/in-collection .venv/controller/bin/python -m benchmarks $(ARGS)

bench-jails: setup-bench ## what a jail costs a TCP stream, and a UDP socket that is not connected; 20 rounds
	@scripts/private .venv/controller/bin/python benchmarks/jails.py $(ARGS)

clean: ## remove the virtual environments and what tools left behind
	rm -rf .venv .ansible .hypothesis .mypy_cache .pytest_cache .ruff_cache *.tar.gz
	find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +
