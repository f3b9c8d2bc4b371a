# SPDX-License-Identifier: MIT
# The front door. `make demo` and `make test` need nothing but git and make on a fresh Debian or Ubuntu.
PREFIX ?= /usr/local
BUILD := build/release
DEMO_ARGS ?= --model cifar-cnn --data glyphs --epochs 2 --seed 1 --out runs/demo --force
BENCH_ARGS ?= tiny-cnn mlp lenet cifar-cnn
SOURCES = git ls-files -co --exclude-standard -- '*.h' '*.cpp' '*.mm' '*.cu'

.PHONY: help build demo test bench docs examples fuzz install format check clean bootstrap
.NOTPARALLEL:

help:
	@echo "make demo     install what is missing, build, train a small CNN on built-in data (writes runs/demo)"
	@echo "make test     install what is missing, build, run every test"
	@echo "make build    install what is missing, build everything into $(BUILD)"
	@echo "make bench    build and measure (BENCH_ARGS='tiny-cnn mlp ...')"
	@echo "make docs     write the API reference to build/docs/html (installs doxygen)"
	@echo "make examples build and run every example at full size (the tests run them at reduced size)"
	@echo "make fuzz     build the fuzz targets and run each for FUZZ_SECONDS (default 120)"
	@echo "make install  build and install (PREFIX=$(PREFIX))"
	@echo "make format   reformat the sources; make check: formatting, layers and other rules; make clean"

bootstrap:
	@tools/bootstrap

# ninja runs CMake again by itself when CMake's files or the set of sources change.
$(BUILD)/build.ninja: | bootstrap
	@cmake --preset release

build: bootstrap $(BUILD)/build.ninja
	@cmake --build $(BUILD)

demo: bootstrap $(BUILD)/build.ninja
	@cmake --build $(BUILD) --target ingot_command
	$(BUILD)/ingot train $(DEMO_ARGS)

test: build
	@tools/run_tests $(BUILD)

bench: build
	$(BUILD)/ingot bench $(BENCH_ARGS)
	@for program in $(BUILD)/bench/*; do if [ -f "$$program" ]; then echo "== $$program"; "$$program" || exit 1; fi; done

docs:
	@tools/bootstrap --docs
	@mkdir -p build/docs
	@doxygen docs/Doxyfile
	@echo "build/docs/html/index.html"

examples: build
	@tools/run_examples $(BUILD)

fuzz:
	@tools/bootstrap --dev
	@cmake --preset fuzz
	@cmake --build --preset fuzz
	@tools/run_fuzz build/fuzz

install: build
	@cmake --install $(BUILD) --prefix $(PREFIX)

format:
	@$(SOURCES) | xargs clang-format -i

check:
	@tools/check

clean:
	rm -rf build
