# Rowhouse: everything a person or a machine does with this repository. `make help` lists it.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

# What is not in a Debian system with Swift: the lab's outer machine and guest kernels are unpacked from packages by
# guests/linux, these are installed.
PACKAGES := qemu-system-x86 qemu-utils zlib1g-dev acpica-tools cpio lz4 xz-utils zstd gcc libc6-dev make git python3 tmux

SUDO := $(if $(filter 0,$(shell id -u)),,sudo)

# Programs are fully static, so that they run in any initramfs, and stripped, so that they are small there.
RELEASE := swift build -c release --scratch-path .build-release -Xswiftc -static-executable -Xlinker --strip-all
PROGRAMS := bin/rowhouse bin/rowhouse-vmm

.PHONY: help deps build guests linux test bench-startup clean FORCE

FORCE:

help:                ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 24

deps:                ## install the Debian packages that building, testing and the lab need
	@missing=$$(for package in $(PACKAGES); do dpkg -s $$package 2>/dev/null | grep -q '^Status: install ok' || echo $$package; done); \
	[ -z "$$missing" ] && exit 0; \
	echo "installing $$missing"; \
	$(SUDO) apt-get update -qq && \
	$(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing

build: $(PROGRAMS)   ## the two programs, static, in bin/

# SwiftPM knows best what is out of date.
$(PROGRAMS) &: FORCE
	@$(RELEASE)
	@mkdir -p bin && for program in rowhouse rowhouse-vmm; do \
	  cmp -s .build-release/release/$$program bin/$$program || cp .build-release/release/$$program bin/$$program; done

guests:              ## the small guest kernels, in guests/build/
	@$(MAKE) --no-print-directory -C guests

linux:               ## Debian's kernels and an initramfs, in guests/linux/build/ (downloaded once)
	@$(MAKE) --no-print-directory -C guests/linux

# The integration tests start the programs in bin/ and the guests, so all of that comes first.
test: deps           ## build all, then run all tests: units, guests on this host's KVM, Linux in the lab
	@$(MAKE) --no-print-directory build guests linux
	ROWHOUSE_WERROR=1 swift test --scratch-path .build

bench-startup: build guests  ## how long a guest takes to start, beside a bare C program and QEMU
	@Tests/Benchmarks/bench-startup

clean:               ## remove everything that was built
	rm -rf .build .build-* bin guests/build guests/linux/build Tests/Lab/build
