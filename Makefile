# Deploy Agent. Needs Python 3.11, make and git; everything else is installed by these commands.

.DEFAULT_GOAL := help
.PHONY: help run demo setup test soak bench screenshots image lock audit licences clean

help: ## Show this
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-11s  %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Serve the page, after installing what is missing
	@exec scripts/run

demo: ## Show twelve gateways in every state; Ctrl-C removes them
	@exec scripts/demo

setup: ## Install what is missing: Python packages, engine, Compose, OpenClaw image
	@exec scripts/setup

test: ## Run lint, types, layers and all tests; PYTEST_ARGS='-k launch' picks some
	@exec scripts/test $(PYTEST_ARGS)

soak: ## Run all tests in full: a kill at every step, thousands of inputs; takes hours
	@exec scripts/test --soak $(PYTEST_ARGS)

bench: ## Measure Deploy Agent beside the plain way; BENCH_ARGS='list pages' picks some
	@exec scripts/bench $(BENCH_ARGS)

screenshots: ## Take the README's pictures of the demo again
	@exec scripts/demo screenshots

image: ## Build the OpenClaw image on this machine (root, on Debian or Ubuntu)
	@scripts/engine
	@exec images/openclaw/build

lock: ## Write requirements.lock from requirements.txt; UPGRADE=1 takes the newest versions
	@exec scripts/lock

audit: ## Look up known vulnerabilities of the packages in requirements.lock
	@exec scripts/audit

licences: ## Show the licenses of these packages; fails if one is not allowed
	@scripts/venv
	@exec .venv/bin/python scripts/licences.py

clean: ## Remove .venv, .cache and .docker; never deployments
	@rm -rf .venv .cache .docker
