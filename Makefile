# `make demo` and `make test` do all the setting-up they need. `make help` lists the rest.
PYTHON ?= python3.11
BIN := .venv/bin
TOOLS := .tools/bin
PROGRESS = $(PYTHON) tools/setup/progress.py
export SOLCX_BINARY_PATH := $(CURDIR)/.tools/solcx
export PATH := $(CURDIR)/$(BIN):$(CURDIR)/$(TOOLS):$(PATH)
export TOKENIZERS_PARALLELISM := false
export HF_HUB_DISABLE_TELEMETRY := 1
export FOUNDRY_PROFILE ?= ci
# Where this is set, as in many images, every program that is started would compile its libraries anew.
unexport PYTHONDONTWRITEBYTECODE

SOURCES := $(shell find contracts interfaces -name '*.sol')

.PHONY: help setup demo explorer test lint docs transcripts slither forge unit tests cuda fuzz twins attacks bench chaos load pace kubo-pace rows exports machines installed containers compose units benchmarks claims trackers alerts kubo geth kubo-if-go chromium-if-there explorer-load explorer-example clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

setup: .venv/.installed .tools/.installed .tools/.compiled  ## virtual environment, npm tools, compiled contracts
	@$(if $(filter setup,$(MAKECMDGOALS)),echo 'Everything is set up. `make demo` shows a federation at work.')

demo: setup  ## four sites fine-tune one model together over a local Ethereum node (DEMO="--rounds 4 …")
	$(BIN)/fedlab demo $(DEMO)

explorer: setup  ## the newest demo run in the browser again (RUN=20261128-140000 for another one)
	$(BIN)/fedlab explorer $(RUN)

test:  ## every check and every test
	@# pip waits for the network and uses one core at most: what needs no Python packages goes on beside it.
	@$(MAKE) --no-print-directory -j 2 setup kubo-if-go chromium-if-there forge
	@$(MAKE) --no-print-directory -j 2 --output-sync=target lint slither docs
	@$(MAKE) --no-print-directory tests

lint: .venv/.installed .tools/.compiled
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(TOOLS)/forge fmt --check tests/forge
	$(BIN)/mypy
	$(BIN)/lint-imports --cache-dir .tools/import-linter
	$(BIN)/python tools/export_abi.py --check

docs: .venv/.installed  ## the documentation site in build/site; open build/site/index.html
	$(BIN)/python tools/docs/gather.py build/docs
	$(BIN)/zensical build --strict

transcripts: setup  ## run the commands of docs/operating.md again, and write down what they print
	$(BIN)/python tools/docs/transcripts.py

slither: .tools/.installed .venv/.installed  ## static analysis of the contracts; each finding has its answer
	$(BIN)/python tools/slither/check.py

forge: .tools/.installed  ## fuzz and invariant tests of the contracts (FOUNDRY_PROFILE=deep: for hours)
	$(PYTHON) tests/forge/run.py

unit: .venv/.installed  ## the tests that need no chain, no model and no other program, in about a minute
	$(BIN)/pytest tests/unit -m 'not model and not process' -n 2 --dist loadfile -q

tests: setup
	@# three at once: on two cores a fourth only adds the seconds that it takes to load every test
	$(BIN)/pytest tests --ignore tests/end_to_end --ignore tests/cuda --ignore tests/geth -n 3 --dist loadfile --no-loadscope-reorder --durations 12
	$(BIN)/pytest tests/end_to_end -n 3 --dist loadfile --durations 8

cuda: .venv/.installed  ## tests of training on a GPU, which CI has none of
	FED_TEST_DEVICE=cuda $(BIN)/pytest tests/cuda tests/unit/node/test_training.py

fuzz: .venv/.installed  ## fuzz the parsers of others' bytes (FUZZ="car --runs 1000000", FUZZ=--list)
	PYTHONPATH=tests:tests/trials $(BIN)/python -m fuzz $(FUZZ)

twins: .venv/.installed .tools/.installed  ## the rules' contracts against NumPy, for millions of values (TWINS="--rule median --values 1000000")
	PYTHONPATH=tests:tests/trials $(BIN)/python -m twins $(TWINS)

attacks: setup  ## attacks on real programs, and who paid (ATTACKS="name …", ATTACKS=--list)
	PYTHONPATH=tests:tests/trials $(BIN)/python -m attacks $(ATTACKS)

chaos: setup kubo  ## a federation that is killed, starved and lied to all the time (CHAOS="--seed 1 --rounds 20")
	PYTHONPATH=tests:tests/trials $(BIN)/python -m chaos $(CHAOS)

bench: .venv/.installed  ## how fast this machine aggregates (BENCH="--values 1000000 --clients 16")
	$(BIN)/fedaggregator bench $(BENCH)

pace: .venv/.installed  ## how fast a node trains beside a bare PyTorch loop, and how long it takes to start (PACE="--turns 3")
	PYTHONPATH=tests:tests/trials $(BIN)/python -m pace $(PACE)

trackers: .tools/trackers/.installed  ## a node's figures, handed to the real TensorBoard, W&B, MLflow and Trackio, and read back
	PYTHONPATH=tests:tests/trials .tools/trackers/bin/python -m trackers $(TRACKERS)

# $(call beside,NAME,EXTRA): .tools/NAME, an environment beside that of the tests, with what one of fednode's extras brings.
# A folder that is named alone would not bring our packages, which are installed editable.
define beside
	$(PYTHON) -m venv .tools/$(1)
	echo "import site; site.addsitedir('$$(ls -d $(CURDIR)/.venv/lib/python3*/site-packages)')" > $$(ls -d .tools/$(1)/lib/python3*/site-packages)/beside.pth
	$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("node/pyproject.toml", "rb"))["project"]["optional-dependencies"]["$(2)"], sep="\n")' > .tools/$(1)/wanted
	.tools/$(1)/bin/pip install --quiet -r .tools/$(1)/wanted
	@touch .tools/$(1)/.installed
endef

.tools/trackers/.installed: .venv/.installed node/pyproject.toml  # brownie pins older versions of what these need
	$(call beside,trackers,loggers)

benchmarks: .tools/benchmarks/.installed  ## `fednode evaluate --tasks` with the real lm-evaluation-harness, beside fednode's own score
	PYTHONPATH=tests:tests/trials .tools/benchmarks/bin/python -m benchmarks

.tools/benchmarks/.installed: .venv/.installed node/pyproject.toml  # with scikit-learn, transformers takes longer to load
	$(call beside,benchmarks,benchmarks)

alerts: setup  ## dashboards and alert rules on a real Prometheus, which asks real programs (needs `prometheus`)
	PYTHONPATH=tests:tests/trials $(BIN)/python -m alerts

load: setup  ## rounds of 16, 64 and 256 clients with full-size updates: time, gas, memory
	PYTHONPATH=tests:tests/trials $(BIN)/python -m load $(LOAD)

kubo-pace: .venv/.installed kubo  ## publishing and fetching through Kubo, beside Kubo's own import and export
	PYTHONPATH=tests:tests/trials $(BIN)/python -m kubo_pace $(PACE)

rows: .venv/.installed  ## what files of ten to five million rows cost a node: time, memory (ROWS="--rows 10 50000")
	PYTHONPATH=tests:tests/trials $(BIN)/python -m rows $(ROWS)

explorer-load: setup  ## the explorer with 1,000 rounds of 32 clients and 50 of 256: how long each page takes
	PYTHONPATH=tests:tests/trials $(BIN)/python -m explorer_load $(LOAD)

explorer-example: setup  ## docs/explorer-example again: the explorer's pages of a small federation, as files
	PYTHONPATH=tests $(BIN)/python tools/explorer_example.py

exports: .venv/.installed  ## exported GGUF files in llama.cpp beside fednode; needs xllamacpp (EXPORTS="--base FOLDER")
	PYTHONPATH=tests:tests/trials $(BIN)/python -m exports $(EXPORTS)

machines: setup kubo  ## three sites and an aggregator in network namespaces, each with its own Kubo (needs root)
	PYTHONPATH=tests:tests/trials $(BIN)/python -m machines

installed: setup  ## wheels in an empty environment, and a federation from an empty folder, with every Python that is there
	PYTHONPATH=tests:tests/trials $(BIN)/python -m installed $(INSTALLED)

containers: setup  ## images of the programs, and a federation in containers of them (needs podman or docker)
	PYTHONPATH=tests:tests/trials $(BIN)/python -m containers $(CONTAINERS)

compose: setup  ## the compose file as one site of a federation (needs the images it names; COMPOSE=--no-grafana)
	PYTHONPATH=tests:tests/trials $(BIN)/python -m compose $(COMPOSE)

units: setup  ## a federation under the systemd units, in a container with systemd (needs root, podman and `make containers`)
	PYTHONPATH=tests:tests/trials $(BIN)/python -m units

claims: .venv/.installed  ## federated training against everything else, for hours; goes on where it stopped (CLAIMS=--quick)
	$(BIN)/fedlab experiment lab/experiments/$(or $(CLAIMS:--%=%),claims).toml
	$(if $(CLAIMS),,$(BIN)/python -m fedlab.experiment.claims lab/experiments/claims.toml all_losses)

kubo: $(TOOLS)/ipfs  ## the IPFS daemon, built with Go (about two minutes)

$(TOOLS)/ipfs: tools/kubo/go.mod tools/kubo/build.sh
	tools/kubo/build.sh

geth: $(TOOLS)/geth setup  ## geth, built with Go (about five minutes), and the federation's tests on it
	$(BIN)/pytest tests/geth

$(TOOLS)/geth: tools/geth/go.mod tools/geth/build.sh
	tools/geth/build.sh

chromium-if-there:
	@if { command -v chromium || command -v chromium-browser || command -v google-chrome; } >/dev/null; then :; \
	elif [ -n "$$FED_NEEDS_CHROMIUM" ]; then echo "Chromium is needed: apt-get install chromium"; exit 1; \
	else echo "!! Chromium is not installed: the explorer's tests in a browser will NOT run"; fi

kubo-if-go:
	@if command -v go >/dev/null; then $(MAKE) --no-print-directory kubo; \
	else echo "!! Go is not installed: the tests against a real Kubo daemon will NOT run"; fi

.venv/.installed: tools/setup/packages.sh constraints.txt requirements-dev.txt protocol/pyproject.toml aggregator/pyproject.toml node/pyproject.toml explorer/pyproject.toml lab/pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 is needed: make PYTHON=/path/to/python3.11"; exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv .venv
	@$(PROGRESS) python tools/setup/packages.sh .venv
	@touch $@

.tools/.installed: package-lock.json tools/solc
	@command -v npm >/dev/null || { echo "Node 20 with npm is needed"; exit 1; }
	@# Not `npm ci`: it wants every platform's binaries in the lock file, and registries may carry only some of them.
	@$(PROGRESS) chain npm install --no-save --ignore-scripts --no-audit --no-fund --loglevel=error
	@mkdir -p $(TOOLS) .tools/solcx
	@ln -sf ../../tools/solc .tools/solcx/solc-v0.8.28
	@for tool in anvil forge; do \
	  ln -sf ../../$$(ls -d node_modules/@foundry-rs/$$tool-*/bin/$$tool | head -1) $(TOOLS)/$$tool; done
	@touch $@

.tools/.compiled: .tools/.installed .venv/.installed $(SOURCES) brownie-config.yaml
	@mkdir -p .tools/home
	@# What is compiled, so that tests can tell whether build/ is of the sources that they find.
	@cat $(sort $(SOURCES)) brownie-config.yaml | sha256sum | cut -c1-64 > $@.draft
	@# --all: brownie does not see changes of remappings and comments, which the metadata of every contract holds.
	@HOME=$(CURDIR)/.tools/home $(PROGRESS) contracts $(BIN)/brownie compile --all
	@mv $@.draft $@

clean:  ## remove everything that was installed, built or run
	rm -rf .venv .tools node_modules build runs .pytest_cache .mypy_cache .ruff_cache .hypothesis
