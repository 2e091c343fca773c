# Everything on a fresh machine: `make test`, and `make serve` for the page.

CARGO ?= cargo
WASM := wasm32-unknown-unknown
export RUSTDOCFLAGS = -D warnings

.PHONY: test lint bench-training toolchain

## Runs every test; those that need the reference data say so where it is absent.
test: toolchain
	$(CARGO) test
	$(CARGO) check --target $(WASM) --no-default-features --features web --lib

## Formatting, lints and documentation, without a warning, for both targets.
lint: toolchain
	$(CARGO) fmt --check
	$(CARGO) clippy --all-targets -- -D warnings
	$(CARGO) clippy --target $(WASM) --no-default-features --features web --lib -- -D warnings
	$(CARGO) doc --no-deps

## Times a training step against TensorFlow's on this machine.
bench-training:
	benches/training_against_tensorflow.sh

toolchain:
	@command -v $(CARGO) >/dev/null || { echo "Rust is missing: install it with rustup"; exit 1; }
	@rustup target list --installed | grep -qx $(WASM) || rustup target add $(WASM)
