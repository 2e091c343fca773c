# Everything on a fresh machine: `make test`, and `make serve` for the page.

CARGO ?= cargo
WASM := wasm32-unknown-unknown
TARGET := $(abspath $(or $(CARGO_TARGET_DIR),target))
TOOLS := $(TARGET)/tools
# wasm-bindgen must be of the version that the crate was compiled with.
BINDGEN := $(shell sed -n '/^name = "wasm-bindgen"$$/{n;s/.*"\(.*\)"/\1/p;}' Cargo.lock)
# What browsers know that the page is for; --all-features writes what they do not read.
FEATURES := $(addprefix --enable-,simd bulk-memory nontrapping-float-to-int sign-ext mutable-globals \
	reference-types multivalue)
MADE_UP := $(TARGET)/made-up-weights
FUZZ_SECONDS ?= 300
# All of them.
FUZZ_TARGETS ?=
# Networks to be timed: weights that nobody has trained, and the same as ONNX.
BENCHMARK := $(TARGET)/benchmark
NETWORKS := cnn dnn resnet18 multiscale compact
PEERS := $(TARGET)/benchmark-python
FIGURES := $(TARGET)/figures
# Options of a benchmark, such as '--networks cnn,dnn --rounds 3'.
ARGUMENTS ?=
# Built quickly rather than to run fast.
INSTALL = CARGO_PROFILE_RELEASE_OPT_LEVEL=1 $(CARGO) install --quiet --root $(TOOLS) --target-dir $(TOOLS)/build
export PATH := $(TOOLS)/bin:$(CURDIR)/node_modules/.bin:$(PATH)
export RUSTDOCFLAGS = -D warnings

.PHONY: test test-core test-page lint fuzz bench bench-gpu bench-web bench-pool bench-start bench-models bench-training toolchain tools browser pkg serve dist figures

## Runs every test; those that need the reference data say so where it is absent.
test: toolchain
	$(CARGO) test
	$(MAKE) test-page
	$(MAKE) test-core

## The core in the browser.
test-core: tools browser
	timeout 3600 wasm-pack test --headless --chrome --release

## The page in the browser, with weights that nobody has trained.
test-page: pkg browser $(MADE_UP)/manifest.json
	$(CARGO) test --quiet --no-run --test command_predict # the command, with what `make test` has built
	ECGNET_WEIGHTS=$(MADE_UP) ECGNET_PROGRAM=$(TARGET)/debug/ecgnet CHROMIUM="$${CHROMIUM:-$$(command -v chromium)}" timeout 900 npm test

$(MADE_UP)/manifest.json: examples/made_up_weights/folder.rs src/network/ensemble.rs Makefile
	$(CARGO) run --quiet --example made_up_weights -- $(MADE_UP) cnn compact ensemble

## Builds the page's wasm.
pkg: tools
	wasm-pack build --target web --out-dir pkg
	wasm-opt -O3 $(FEATURES) pkg/ecgnet_bg.wasm -o pkg/ecgnet_bg.wasm
	cp src/web/PACKAGE.md pkg/README.md
	node tools/list-page.mjs

## Builds the page and serves it on this computer.
serve: pkg
	$(CARGO) run -- serve

## A folder that any static host can serve or, from a USB stick, the program in it.
dist: pkg
	$(CARGO) build --release
	rm -rf dist
	mkdir dist
	cp -R index.html service-worker.js www pkg dist/
	rm -f dist/pkg/.gitignore
	if [ -d weights ]; then cp -R weights dist/; fi
	cp $(TARGET)/release/ecgnet LICENSE-MIT LICENSE-APACHE dist/
	@echo "dist/ is ready: any static host, or ./ecgnet serve in it"

## The figures of the model card from the weights, PTB-XL in the folder PTBXL and Georgia's and CPSC's ECGs in CHALLENGE.
figures:
	@test -d "$(PTBXL)" -a -d "$(CHALLENGE)" || { echo "say where they are: make figures PTBXL=... CHALLENGE=..."; exit 1; }
	$(CARGO) build --release
	$(TARGET)/release/ecgnet evaluate --data $(PTBXL) --raw-only --weights weights --out $(FIGURES)/ptb-xl
	$(TARGET)/release/ecgnet evaluate --data $(CHALLENGE) --part all --weights weights --out $(FIGURES)/other-hospitals

## Formatting, lints and documentation, without a warning, for both targets.
lint: toolchain
	$(CARGO) fmt --check
	$(CARGO) clippy --all-targets -- -D warnings
	$(CARGO) clippy --target $(WASM) --lib -- -D warnings
	$(CARGO) doc --no-deps

## Fuzzes every reader for five minutes each, from the test data as seeds where it is there; docs/fuzzing.md says more.
fuzz: $(TOOLS)/bin/cargo-fuzz
	tools/fuzz.sh $(FUZZ_SECONDS) $(FUZZ_TARGETS)

## Times inference on this machine's processor against ONNX Runtime's and TensorFlow's.
bench: bench-models $(PEERS)/bin/python
	program=$$($(CARGO) bench --quiet --bench inference --no-run --message-format json | \
		sed -n 's/.*"executable":"\([^"]*inference[^"]*\)".*/\1/p') && \
	$(PEERS)/bin/python benches/native/run.py --models $(BENCHMARK) --program "$$program" $(ARGUMENTS)

## Times inference on the graphics card, layer by layer, and against PyTorch's where there is an NVIDIA card.
bench-gpu: bench-models $(PEERS)/bin/python
	! command -v nvidia-smi >/dev/null || timeout 1800 $(PEERS)/bin/pip install --quiet torch || echo "without PyTorch"
	programs=$$($(CARGO) bench --quiet --features wgpu --bench inference --bench layers --no-run --message-format json | \
		sed -n 's/.*"executable":"\([^"]*\)".*/\1/p') && \
	$(PEERS)/bin/python benches/native/gpu.py --models $(BENCHMARK) \
		--inference "$$(echo "$$programs" | grep inference)" --layers "$$(echo "$$programs" | grep layers)" $(ARGUMENTS)

## Times inference in the browser against onnxruntime-web's and TensorFlow.js's.
bench-web: pkg browser bench-models benches/web/node_modules/.package-lock.json
	node benches/web/run.mjs --models $(BENCHMARK) $(ARGUMENTS)

## Times what several workers bring the page on the processor.
bench-pool: pkg browser $(BENCHMARK)/manifest.json
	node benches/web/pool.mjs --models $(BENCHMARK) $(ARGUMENTS)

## Times the page from its opening to the first estimate.
bench-start: pkg browser
	node benches/web/start.mjs $(ARGUMENTS)

bench-models: $(BENCHMARK)/manifest.json $(NETWORKS:%=$(BENCHMARK)/%.onnx)

$(BENCHMARK)/manifest.json: examples/made_up_weights/folder.rs Makefile
	$(CARGO) run --quiet --example made_up_weights -- $(BENCHMARK) $(NETWORKS)

$(BENCHMARK)/%.onnx: $(BENCHMARK)/manifest.json
	$(CARGO) run --quiet -- export --format onnx $(BENCHMARK)/$*.safetensors --out $@

# To be thrown away: `rm -r` it, and the next benchmark installs the newest.
$(PEERS)/bin/python:
	python3 -m venv $(PEERS)
	timeout 1800 $(PEERS)/bin/pip install --quiet onnx onnxruntime tensorflow-cpu || { rm -rf $(PEERS); exit 1; }

benches/web/node_modules/.package-lock.json: benches/web/package-lock.json
	cd benches/web && timeout 600 npm ci --no-audit --no-fund --loglevel error
	@touch $@

## Times a training step against TensorFlow's on this machine.
bench-training:
	benches/training_against_tensorflow.sh

toolchain:
	@command -v $(CARGO) >/dev/null || { echo "Rust is missing: install it with rustup"; exit 1; }
	@rustup target list --installed | grep -qx $(WASM) || rustup target add $(WASM)

# The browser that tests the page; on Debian, root can install it.
browser:
	@command -v chromium >/dev/null && command -v chromedriver >/dev/null || \
		{ test "$$(id -u)" = 0 && command -v apt-get >/dev/null && \
		timeout 300 apt-get update -qq && DEBIAN_FRONTEND=noninteractive timeout 900 apt-get install -y -qq chromium chromium-driver >/dev/null; } || \
		{ echo "Chromium with chromedriver is missing: install both, on Debian as root with apt-get"; exit 1; }

# What builds and tests the page; each is installed once.
tools: toolchain $(TOOLS)/bin/wasm-bindgen-$(BINDGEN) $(TOOLS)/bin/wasm-pack node_modules/.package-lock.json

$(TOOLS)/bin/wasm-bindgen-$(BINDGEN):
	$(INSTALL) wasm-bindgen-cli --version $(BINDGEN)
	ln -sf wasm-bindgen $@

$(TOOLS)/bin/cargo-fuzz:
	$(INSTALL) --debug cargo-fuzz

# It only calls others, so that its own speed is no matter.
$(TOOLS)/bin/wasm-pack:
	$(INSTALL) --debug wasm-pack

node_modules/.package-lock.json: package-lock.json
	@command -v npm >/dev/null || { echo "Node.js with npm is missing"; exit 1; }
	timeout 600 npm ci --no-audit --no-fund --loglevel error
	@touch $@
