# Rowhouse: everything a person or a machine does with this repository. `make help` lists it.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

# What is not in a Debian system with Swift: the lab's outer machine and guest kernels are unpacked from packages by
# guests/linux, these are installed.
PACKAGES := qemu-system-x86 qemu-utils e2fsprogs zlib1g-dev liburing-dev liblzma-dev libzstd-dev liblz4-dev libxxhash-dev \
  acpica-tools cpio lz4 xz-utils zstd gcc libc6-dev make git python3 python3-prometheus-client tmux iproute2 \
  iputils-ping passt socat picocom screen zsh fish
# What pictures are drawn with, which tests look at; and what disks are used with, only for `make bench…`.
PICTURE_PACKAGES := python3-matplotlib
BENCH_PACKAGES := $(PICTURE_PACKAGES) fio strace
# What a kernel is built with besides.
KERNEL_PACKAGES := bc binutils bison flex libelf-dev libssl-dev

SUDO := $(if $(filter 0,$(shell id -u)),,sudo)

# Programs are fully static, so that they run in any initramfs, and stripped, so that they are small there. Functions of
# the same code, whose addresses nobody takes, are kept once: that is 100 KiB of a VMM, and 200 of what is in memory.
# What a guest's start runs lies together, in that order: else it is all over the program, and each piece is a page fault.
# And types are asked for by the functions that make them, not by names that are taken apart while the program runs.
WITH_SYMBOLS := -c release -Xswiftc -static-executable -Xswiftc -use-ld=lld -Xlinker --icf=safe \
  -Xlinker --symbol-ordering-file=$(CURDIR)/Sources/rowhouse-vmm/startup.order -Xlinker --no-warn-symbol-ordering \
  -Xswiftc -Xfrontend -Xswiftc -function-sections \
  -Xswiftc -Xfrontend -Xswiftc -disable-concrete-type-metadata-mangled-name-accessors
RELEASE_FLAGS := $(WITH_SYMBOLS) -Xlinker --strip-all
RELEASE := swift build $(RELEASE_FLAGS) --scratch-path .build-release
PROGRAMS := bin/rowhouse bin/rowhouse-vmm

.PHONY: help deps build guests linux small-linux demo test fuzz bench bench-host bench-lab bench-deps bench-startup \
  bench-disk bench-metering bench-street bench-console startup-order reference clean FORCE

FORCE:

help:                ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 24

# Installs those Debian packages of a list that are missing.
install = missing=$$(for package in $(1); do \
  dpkg -s $$package 2>/dev/null | grep -q '^Status: install ok' || echo $$package; done); \
  [ -z "$$missing" ] && exit 0; \
  echo "installing $$missing"; \
  $(SUDO) apt-get update -qq && \
  $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing

deps:                ## install the Debian packages that building, testing and the lab need
	@$(call install,$(PACKAGES))

build: $(PROGRAMS)   ## the two programs, static, in bin/

# SwiftPM knows best what is out of date, but not of the list by which programs are linked. A program that runs cannot be
# overwritten, but can be replaced (cp -f). Each is as old as its build's beginning, by which benchmarks know whether it was
# made of what the sources are now (Tests/Benchmarks/results.py).
$(PROGRAMS) &: FORCE
	@mkdir -p bin .build-release && touch .build-release/begun && for program in rowhouse rowhouse-vmm; do \
	  [ .build-release/release/$$program -nt Sources/rowhouse-vmm/startup.order ] || rm -f .build-release/release/$$program; done
	@$(RELEASE)
	@for program in rowhouse rowhouse-vmm; do \
	  cmp -s .build-release/release/$$program bin/$$program || cp -f .build-release/release/$$program bin/$$program; \
	  touch -r .build-release/begun bin/$$program; done

guests:              ## the small guest kernels, in guests/build/
	@$(MAKE) --no-print-directory -C guests

linux:               ## Debian's kernels and an initramfs, in guests/linux/build/ (downloaded once)
	@$(MAKE) --no-print-directory -C guests/linux

small-linux: deps    ## the small Linux of the benchmarks, in guests/linux/build/ (built once, cached in ~/.cache/rowhouse)
	@$(call install,$(KERNEL_PACKAGES))
	@guests/linux/small/build guests/linux/build

# A stock kernel needs a KVM on virtualization hardware; a host without it has the lab, where both programs and kernels are.
KVM := $(shell [ -r /dev/kvm ] && [ -w /dev/kvm ] && echo yes)
HARDWARE_KVM := $(and $(KVM),$(shell grep -qwE 'svm|vmx' /proc/cpuinfo && echo yes))
ON_HARDWARE := $(if $(HARDWARE_KVM),env PATH="bin:$$PATH" LINUX=guests/linux/build,Tests/Lab/lab -- env LINUX=/linux)

demo: deps           ## install, build, boot a guest of ours and Debian, show the meters and the start-up benchmark
	@$(MAKE) --no-print-directory build guests linux
	@$(if $(KVM),,echo "This machine has no /dev/kvm that you may open: everything runs in the lab, a machine with KVM in software.")
	@echo; echo '--- A guest of our own, on $(if $(KVM),this machine,the lab)'
	@$(if $(KVM),bin/rowhouse run guests/build/hello.elf,Tests/Lab/lab -- rowhouse run /guests/hello.elf) < /dev/null
	@echo; echo '--- Debian with two CPUs, on $(if $(HARDWARE_KVM),this machine,the lab: the KVM of this machine cannot run a stock kernel)'
	@$(ON_HARDWARE) sh -c 'rowhouse run $$LINUX/vmlinuz-6.12 --initrd $$LINUX/initramfs-6.12.cpio.gz --cpus 2 \
	  --timeout 120 --verdict /tmp/demo.json -- console=ttyS0 quiet panic=-1 boot_timer "run=\"uname -a; nproc; uptime\"" && \
	  echo && echo "--- Its meters" && cat /tmp/demo.json && rm /tmp/demo.json' < /dev/null
	@$(if $(KVM),echo; echo '--- How long a guest takes to start'; Tests/Benchmarks/bench-startup --times 10 --exit-times 1 || true)

# Unpacked and not installed, which would start a server: it looks at what `rowhouse metrics` prints.
.build-tools/promtool: | deps
	@mkdir -p $(@D) && cd $(@D) && apt-get download -qq prometheus && \
	dpkg-deb --fsys-tarfile prometheus_*.deb | tar -xO ./usr/bin/promtool > promtool.new && rm prometheus_*.deb && \
	chmod +x promtool.new && mv promtool.new promtool

# The integration tests start the programs in bin/ and the guests, so all of that comes first.
test: deps .build-tools/promtool  ## build all, then run all tests: units, guests on this host's KVM, Linux in the lab
	@$(call install,$(PICTURE_PACKAGES))
	@$(MAKE) --no-print-directory build guests linux small-linux
	python3 -m unittest discover -q Tests/Lab
	python3 -m unittest discover -q Tests/Benchmarks
	ROWHOUSE_WERROR=1 Tests/host-tests
	@# So long only that what anybody would find by it is found here.
	@$(MAKE) --no-print-directory fuzz FUZZ_SECONDS=5
	@# Apart from the others: an emulated machine that has to share two cores with them runs out of time. Line by line, so
	@# that a log shows how far it is.
	ROWHOUSE_WERROR=1 stdbuf -oL swift test --scratch-path .build --skip-build --filter StockKernelTests

# Seconds for each target; 600 for a run that counts. FUZZ_TARGETS names some, FUZZ_FLAGS=--keep adds to the corpus.
FUZZ_SECONDS ?= 10
FUZZ_TARGETS ?=
FUZZ_FLAGS ?=

fuzz:                ## fuzz queues, devices, image formats and loaders, FUZZ_SECONDS each (10 unless said)
	@ROWHOUSE_FUZZER=1 swift build -c release --scratch-path .build-fuzz --product fuzzer \
	  -Xswiftc -sanitize=fuzzer,address -Xswiftc -g -Xswiftc -use-ld=lld
	@Tests/Fuzzer/fuzz --seconds $(FUZZ_SECONDS) $(FUZZ_FLAGS) .build-fuzz/release/fuzzer $(FUZZ_TARGETS)

# What misses a promise on this machine keeps nothing from being measured in the lab.
bench:               ## measure all that docs/benchmarks.md tells, beside other VMMs, and write it
	@kept=0; $(MAKE) --no-print-directory bench-host || kept=$$?; \
	$(MAKE) --no-print-directory bench-lab && exit $$kept

bench-deps: deps
	@$(call install,$(BENCH_PACKAGES))

# The part that wants a machine with little else to do, and the part that hardly any disturbs.
bench-host: bench-deps
	@$(MAKE) --no-print-directory build guests
	@Tests/Benchmarks/bench host
	@$(MAKE) --no-print-directory bench-street

bench-lab: bench-deps small-linux
	@$(MAKE) --no-print-directory build guests linux
	@Tests/Benchmarks/bench lab
	@Tests/Benchmarks/bench-exits
	@Tests/Benchmarks/bench-document
	@Tests/Benchmarks/bench-glance

bench-startup: deps  ## how long a guest takes to start, beside a bare C program and QEMU
	@$(MAKE) --no-print-directory build guests
	@Tests/Benchmarks/bench-startup

bench-disk: bench-deps    ## a disk's throughput beside QEMU's, in the lab (docs/disk-throughput.md)
	@$(MAKE) --no-print-directory build guests linux
	@$(if $(KVM),Tests/Benchmarks/bench-calls)
	@Tests/Benchmarks/bench-disk --keep
	@Tests/Benchmarks/bench-document

bench-metering: deps ## how exactly guests are held to what they may use, and metered (docs/metering.md)
	@$(MAKE) --no-print-directory build guests linux
	@Tests/Benchmarks/bench-metering

# What `bench-metering` compares with: the same VMM, which counts no exit and samples neither time nor memory.
.build-unmetered/release/rowhouse-vmm: FORCE
	@ROWHOUSE_UNMETERED=1 swift build $(RELEASE_FLAGS) --scratch-path .build-unmetered --product rowhouse-vmm

bench-street: bench-deps   ## what 1, 10 and 100 guests at once cost each other (docs/density.md)
	@$(MAKE) --no-print-directory build guests
	@kept=0; Tests/Benchmarks/bench-street || kept=$$?; \
	Tests/Benchmarks/bench-document && Tests/Benchmarks/bench-glance && exit $$kept

bench-console: deps  ## whether viewers of a console slow its guest down
	@$(MAKE) --no-print-directory build guests
	@kept=0; Tests/Benchmarks/bench-console || kept=$$?; Tests/Benchmarks/bench-document && exit $$kept

# From the objects of `make build`, which links the program anew afterwards.
startup-order: build guests  ## Sources/rowhouse-vmm/startup.order: which functions a guest's start runs (needs /dev/kvm)
	@swift build $(WITH_SYMBOLS) --scratch-path .build-release --product rowhouse-vmm
	@Tests/Benchmarks/startup-order .build-release/release/rowhouse-vmm guests/build/hello.elf \
	  > startup.order.new && mv startup.order.new Sources/rowhouse-vmm/startup.order

reference: build     ## docs/commands.md, made of what the argument parser knows
	@Tests/Reference/reference bin/rowhouse > docs/commands.md.new && mv docs/commands.md.new docs/commands.md

clean:               ## remove everything that was built
	rm -rf .build .build-* bin guests/build guests/linux/build Tests/Lab/build
