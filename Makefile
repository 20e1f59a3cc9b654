# SPDX-License-Identifier: Apache-2.0
#
#   make run                        build examples/two-vms and start it on QEMU
#   make SYSTEM=path/system.yaml    build another system
#   make help                       all targets and variables

ifneq ($(words $(CURDIR)),1)
$(error make cannot build in a folder with a space in its path, $(CURDIR): move it elsewhere)
endif

SYSTEM ?= examples/two-vms/system.yaml
DEBUG  ?= 0
STATS  ?= 0
V      ?= 0

# Inside the tree a path is relative, however it was given.
system := $(patsubst $(CURDIR)/%,%,$(abspath $(SYSTEM)))
# A system is built into build/<name>: its folder's name, or the file's where that is not called system.yaml.
name := $(patsubst %.yaml,%,$(notdir $(system)))
ifeq ($(name),system)
name := $(notdir $(patsubst %/,%,$(dir $(abspath $(system)))))
endif
B := build/$(name)$(if $(filter 1,$(DEBUG)),-debug)$(if $(filter 1,$(STATS)),-stats)

PYTHON     := /usr/bin/python3
CONFIGTOOL := bin/configtool
TARGET     := $(shell bin/target $(system))

.DEFAULT_GOAL := build
.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: help deps deps-run deps-test check gen build run test test-dtbs bench bench-configtool fuzz soak lint format clean FORCE

include hypervisor/toolchain.mk
include examples/lib/guests.mk

help:
	@echo "make build   build $(B)/bulkhead.elf and .bin from $(system) (the default)"
	@echo "make run     build it and start it as its board says"
	@echo "make check   check the system description"
	@echo "make gen     generate its configuration, tables and device trees into $(B)/gen"
	@echo "make test    run all tests"
	@echo "make test-dtbs   import every device tree of Debian's kernels, and say what became of each"
	@echo "make bench   measure;  BENCH='exits aia'   a part of it"
	@echo "make bench-configtool   measure configtool"
	@echo "make soak    random operations of a hostile guest beside others (OPS=10000000, SEED=, BOARDS='gicv3 aia')"
	@echo "make fuzz    configtool on damaged input, and random systems built and verified (SECONDS=60, SYSTEMS=10, SEED=1)"
	@echo "make lint    check the sources"
	@echo "make deps    install what is missing on this machine (the others do it, too)"
	@echo "make clean   remove build/"
	@echo "SYSTEM=path/system.yaml   another system;  DEBUG=1   a debug build;  V=1   show the commands"
	@echo "STATS=1   at the end, how often the hypervisor ran"

# What is missing on this machine is installed first; when nothing is, this takes 0.1 s and says nothing.
deps: deps-test
deps-run:
	@bin/deps run $(TARGET)
deps-test:
	@bin/deps test

check: $(guests) | deps-run
	@$(CONFIGTOOL) check $(system) --guests $(B)/guests

# gen replaces its folder as a whole; a file whose content stays keeps its time.
gen: $(B)/gen.stamp
	@:

configtool_sources := $(CONFIGTOOL) $(shell find configtool schemas -name "*.py" -o -name "*.json")

$(B)/gen.stamp: $(wildcard $(system)) $(guests) $(B)/guests/flags $(configtool_sources) | deps-run
	$(quiet)$(CONFIGTOOL) gen $(system) --out $(B)/gen --guests $(B)/guests --depfile $(B)/gen.d $(if $(filter 1,$(STATS)),--stats)
	@touch $@

-include $(B)/gen.d

# What is compiled depends on what was generated, hence a make of its own.
build: $(B)/gen.stamp
	@$(MAKE) --no-print-directory -f hypervisor/build.mk B=$(B) SYSTEM=$(system)

run: build
	@$(CONFIGTOOL) run $(system) --built $(B)

# JOBS: how many processes run the tests.
JOBS ?= 2
test: lint
	$(quiet)$(MAKE) --no-print-directory -C tests/unit
	$(quiet)$(PYTHON) -m pytest -q -n $(JOBS) tests

# BENCH: what to measure, all without: boot exits sizes linux ticks colours, and boards: plic aplic aia no-sstc gicv2 gicv3.
BENCH ?=
bench: deps-test
	$(quiet)$(PYTHON) tests/bench $(BENCH)

bench-configtool: deps-test
	$(quiet)$(PYTHON) tests/speed

# Every device tree of Debian's kernels: some 2,800, fetched once, 2 minutes.
test-dtbs: deps-test
	$(quiet)$(PYTHON) tests/dtbs/run.py

SECONDS ?= 60
SEED    ?= 1
SYSTEMS ?= 10
fuzz: deps-test
	$(quiet)$(PYTHON) tests/fuzz --seconds $(SECONDS) --seed $(SEED)
	$(quiet)$(PYTHON) tests/fuzz/whole.py --systems $(SYSTEMS) --seed $(SEED)

# Without a SEED of yours it takes another one each time, and prints it.
soak: deps-test
	$(quiet)$(PYTHON) tests/qemu/chaos.py --ops $(if $(OPS),$(OPS),10000000) \
	    $(if $(filter file,$(origin SEED)),,--seed $(SEED)) $(BOARDS)

lint: deps-test
	$(quiet)$(PYTHON) tests/lint --jobs $(JOBS)

# What lint's `format` asks for.
format: deps-test
	$(quiet)$(PYTHON) tests/lint --format

clean:
	rm -rf build
