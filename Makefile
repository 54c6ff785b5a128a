# Deploy Agent. Nothing but Python 3.11, make and git needs to be there before.

.DEFAULT_GOAL := help
.PHONY: help run demo setup test soak bench screenshots image lock audit licences clean

help: ## Show this
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-11s  %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Serve the page, after installing what is missing
	@exec scripts/run

demo: ## Show twelve gateways in every state, and take them away at Ctrl-C
	@exec scripts/demo

setup: ## Install what is missing: Python packages, engine, Compose, OpenClaw image
	@exec scripts/setup

test: ## Lint, types, architecture and all tests; PYTEST_ARGS='-k launch' picks some
	@exec scripts/test $(PYTEST_ARGS)

soak: ## All tests in full: die at every step, try thousands of inputs; takes hours
	@exec scripts/test --soak $(PYTEST_ARGS)

bench: ## Measure, beside the plain way; BENCH_ARGS='list pages' picks some tables
	@exec scripts/bench $(BENCH_ARGS)

screenshots: ## Take the README's pictures again, of the demo
	@exec scripts/demo screenshots

image: ## Build the OpenClaw image on this machine (root, on Debian or Ubuntu)
	@scripts/engine
	@exec images/openclaw/build

lock: ## Write requirements.lock from requirements.txt; UPGRADE=1 takes the newest
	@exec scripts/lock

audit: ## Ask public lists for vulnerabilities of the packages in requirements.lock
	@exec scripts/audit

licences: ## Show the licences of these packages; fails on one that is not allowed
	@scripts/venv
	@exec .venv/bin/python scripts/licences.py

clean: ## Remove what make has put here: .venv, .cache, .docker; never deployments
	@rm -rf .venv .cache .docker
