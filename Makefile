# Everything is installed inside this folder, once; each command can be run again.
PYTHON ?= python3
BIN := .venv/bin
FORK := --network ethereum:mainnet-fork:foundry
WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help setup demo test scenarios gas lint slither prove mutate fuzz-bench lock clean

help: ## what can be made
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: ## install the tools and build the replica
	@command -v $(PYTHON) >/dev/null 2>&1 || { echo "setup: $(PYTHON) is not on the PATH: install python 3.11 or newer" >&2; exit 1; }
	@$(PYTHON) tools/setup.py
	@$(BIN)/python -m ballast.replica build

demo: setup ## thirty days of a vault on the replica; writes build/demo/report.html
	@$(BIN)/ape run demo

test: setup lint slither ## all tests, on a fork of the replica (WORKERS=1 for one at a time)
	@$(BIN)/python -m ballast.compiled
	@. tools/replica.sh && with_replica $(BIN)/ape test tests $(FORK) -q -n $(WORKERS) $(PYTEST_ARGS)

scenarios: setup ## all days to survive with all strategies and with enemies (minutes); writes docs/scenarios.md
	@$(BIN)/ape run scenario all --hostile --write --workers $(WORKERS)

gas: setup ## what the vault costs beside bare ones, against the snapshot (UPDATE=1 renews it); writes build/gas.json
	@$(BIN)/ape run gas $(if $(UPDATE),--write)

lint: setup ## format and lint checks of the Python code
	@$(BIN)/ruff format --check --quiet . && $(BIN)/ruff check --quiet .

fuzz-bench: setup ## speed of the fuzzer: revm with one worker and two, anvil, forge
	@$(BIN)/python -m ballast.compiled
	@$(BIN)/ape run fuzz bench

slither: setup ## static analysis of the contracts; tools/slither.yaml says why what it finds is accepted
	@$(PYTHON) tools/setup.py slither
	@$(BIN)/python -m tools.slither $(SLITHER_ARGS)

prove: setup ## prove the arithmetic of price, unlock, fees and loss budget with halmos
	@$(PYTHON) tools/setup.py halmos
	@$(BIN)/python -m tools.prove $(PROVE_ARGS)

mutate: setup ## change the vault's code in small ways and count which changes the tests notice (MUTATE_ARGS="--sample 40")
	@$(BIN)/python -m tools.mutate $(MUTATE_ARGS)

lock: setup ## write the lock files again, without registry addresses (needs uv)
	for name in requirements tools/slither tools/halmos; do uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet $$name.in -o $$name.lock || exit; done
	npm install --package-lock-only --ignore-scripts --omit-lockfile-registry-resolved --no-audit --no-fund

clean: ## remove what was built and installed
	rm -rf .venv .tools .build build node_modules .cache .pytest_cache .hypothesis
