# The two commands that do everything on a fresh machine are `make serve` and `make test`.

CARGO ?= cargo
export RUSTDOCFLAGS = -D warnings

.PHONY: test lint bench-training toolchain

## Runs every test; those that need the reference data say so where it is absent.
test: toolchain
	$(CARGO) test
	$(CARGO) check --target wasm32-unknown-unknown --no-default-features --lib

## Formatting, lints and documentation, without a warning, for both targets.
lint: toolchain
	$(CARGO) fmt --check
	$(CARGO) clippy --all-targets -- -D warnings
	$(CARGO) clippy --target wasm32-unknown-unknown --no-default-features --lib -- -D warnings
	$(CARGO) doc --no-deps

## Times a training step against TensorFlow's on this machine.
bench-training:
	benches/training_against_tensorflow.sh

toolchain:
	@command -v $(CARGO) >/dev/null || { echo "Rust is missing: install it from rustup.rs"; exit 1; }
	@rustup target list --installed | grep -qx wasm32-unknown-unknown || rustup target add wasm32-unknown-unknown
