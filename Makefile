# The few commands of everyday work; `make help` lists them. All but `help` first install what is missing from Debian.

SHELL := /bin/bash
CARGO ?= cargo
DEMO := target/demo
PORT ?= 8443
DEPOT ?= folder
NAVETTE := $(CARGO) run --quiet --locked --bin navette --
# The tests wait more than they compute: where there are few processors, more of them go side by side.
export RUST_TEST_THREADS ?= $(shell n=$$(nproc); echo $$((n > 4 ? n : 4)))

.PHONY: help demo run test bench fuzz audit

help: ## This list
	@sed -nE 's/^([a-z]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

demo: built pki ## The main job before your eyes, with the fixtures or FILES="a.pdf b.png"; archives by DEPOT=sftp or folder; HUB=1 for the hub
	@$(NAVETTE) demo --dir $(DEMO) $(if $(HUB),--hub,--depot $(DEPOT) -- $(FILES))

run: built pki ## Leave the demonstration's gateway running, on port 8443 or PORT=…, and print a first call with curl
	@$(NAVETTE) demo --dir $(DEMO) --keep --port $(PORT) -- $(FILES)

test: ## Everything that must hold: format, clippy, documentation, fuzz targets that build, unit tests, journeys on SQLite and PostgreSQL
	@scripts/install-needed test
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings -A rustdoc::private_intra_doc_links" $(CARGO) doc --locked --no-deps --quiet
	$(CARGO) check --locked --manifest-path fuzz/Cargo.toml --no-default-features --target-dir target/fuzz --quiet
	$(CARGO) test --locked $(if $(QUIET),--quiet)

bench: ## The figures of the README, measured here; they go to target/bench/figures.json
	@scripts/install-needed bench
	$(CARGO) bench --locked --bench figures

fuzz: ## The readers of archives under a fuzzer, ten minutes each; needs a nightly toolchain and cargo-fuzz
	@fuzz/run

audit: ## The lock file against the published advisories, licences and sources (deny.toml); fetches them, needs cargo-deny
	@command -v cargo-deny > /dev/null || cargo install cargo-deny --locked
	$(CARGO) deny --locked check

.PHONY: built pki
built:
	@scripts/install-needed $(if $(filter sftp,$(DEPOT)),demo-sftp,demo)
	$(CARGO) build --locked --bin navette

pki: built
	@certs/make-pki.sh $(DEMO)/pki
