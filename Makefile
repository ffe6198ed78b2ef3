# What people and continuous integration run. `make help` lists it.

SHELL := /bin/bash
CARGO ?= cargo
# Seconds per fuzz target, and which targets: all when empty.
FUZZ_SECONDS ?= 300
FUZZ_TARGETS ?=
# What `make demo` looks at; any capture will do.
DEMO ?= $(addprefix samples/,grpc-plaintext.pcapng tls12-mutual.pcapng tls12-client-declines.pcapng \
	tls12-expired-self-signed.pcapng tls13-mutual.pcapng)

.PHONY: help setup build demo test fmt format lint docs deny bench fuzz ci

help: ## List the targets
	@sed -nE 's/^([a-z]+):[^#]*## (.*)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 10

setup: ## Install what is missing (libpcap, a C compiler), with apt
	@.ci/setup

build: setup ## Build the program: target/release/wirelint
	$(CARGO) build --locked --release

demo: build ## Build, then audit some recorded samples
	@# Exit code 1 says that there are findings, and here there are.
	$(CARGO) run --locked --release --quiet -- check $(DEMO) || [ $$? -eq 1 ]

test: setup ## Run all tests
	$(CARGO) test --locked

fmt: ## Check the formatting
	$(CARGO) fmt --all --check

format: ## Format the sources
	$(CARGO) fmt --all

lint: ## Check the lints
	$(CARGO) clippy --locked --all-targets -- -D warnings

docs: ## Check the documentation of the code
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --no-deps

deny: ## Check licences and sources of dependencies (needs cargo-deny)
	@if $(CARGO) deny --version >/dev/null 2>&1; then $(CARGO) deny --locked check licenses bans sources; \
	else echo "cargo-deny is not installed: cargo install --locked cargo-deny"; fi

bench: build ## Measure whole-program speed beside libpcap's bare iteration
	benches/run

fuzz: ## Run the fuzz targets for FUZZ_SECONDS each (needs nightly Rust and cargo-fuzz)
	fuzz/seed
	@set -e; for target in $(or $(FUZZ_TARGETS),$$($(CARGO) +nightly fuzz list)); do \
		echo "==> fuzz $$target for $(FUZZ_SECONDS) s"; \
		dictionary=fuzz/dictionaries/$$target; \
		$(CARGO) +nightly fuzz run --sanitizer none "$$target" -- -max_total_time=$(FUZZ_SECONDS) -timeout=10 \
			-rss_limit_mb=2048 -max_len=16384 $$([ ! -e $$dictionary ] || echo "-dict=$$dictionary"); \
	done

ci: ## What continuous integration checks
	@.ci/run
