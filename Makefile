# SPDX-License-Identifier: Apache-2.0
#
#   make run                        build examples/two-vms and start it on QEMU
#   make SYSTEM=path/system.yaml    build another system
#   make help                       all targets and variables

SYSTEM ?= examples/two-vms/system.yaml
DEBUG  ?= 0
V      ?= 0

# A system is built into build/<name>: its folder's name, or the file's where that is not called system.yaml.
name := $(patsubst %.yaml,%,$(notdir $(SYSTEM)))
ifeq ($(name),system)
name := $(notdir $(patsubst %/,%,$(dir $(abspath $(SYSTEM)))))
endif
B := build/$(name)$(if $(filter 1,$(DEBUG)),-debug)

ELF := $(B)/bulkhead.elf
BIN := $(B)/bulkhead.bin

PYTHON     := /usr/bin/python3
CONFIGTOOL := bin/configtool
quiet      := $(if $(filter 1,$(V)),,@)

.DEFAULT_GOAL := build
.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: deps-run deps-test deps check gen build run test bench lint clean help FORCE

help:
	@echo "make check   check the system description ($(SYSTEM))"
	@echo "make gen     generate its configuration, tables and device trees into $(B)"
	@echo "make build   build $(ELF) and $(BIN) (default)"
	@echo "make run     build and start it as its board says"
	@echo "make test    run all tests"
	@echo "make bench   measure; make lint   check the sources; make deps   install what is missing; make clean"
	@echo "SYSTEM=path/system.yaml   another system;  DEBUG=1   a debug build;  V=1   show the commands"

# What is missing on this machine is installed first; when nothing is, this takes 0.1 s and says nothing.
deps-run:
	@bin/deps run
deps-test:
	@bin/deps test
deps: deps-test

clean:
	rm -rf build

include hypervisor/build.mk

build: $(ELF) $(BIN) $(B)/compile_commands.json

gen: $(B)/gen.stamp
	@:

check: $(guests) | deps-run
	@$(CONFIGTOOL) check $(SYSTEM) --guests $(B)/guests

run: build
	@$(CONFIGTOOL) run $(SYSTEM) --built $(B)

# JOBS: pytest's processes. TESTS: what to run.
JOBS  ?= 2
TESTS ?= tests

test: deps-test
	$(quiet)$(MAKE) --no-print-directory -C tests/unit PYTHON=$(PYTHON)
	$(quiet)$(PYTHON) -m pytest -q -n $(JOBS) $(TESTS)

bench: deps-test
	$(quiet)$(PYTHON) tests/bench

lint: deps-test
	$(quiet)$(PYTHON) -m mypy --strict configtool
	$(quiet)$(PYTHON) -m pyflakes configtool tests
