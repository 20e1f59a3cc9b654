# SPDX-License-Identifier: Apache-2.0
# From the generated files to the image. The Makefile calls it once they are there, with B, the build folder, and DEBUG.

.DEFAULT_GOAL := image
.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: image FORCE

include $(B)/gen/config.mk
include hypervisor/toolchain.mk

G   := $(B)/gen
ELF := $(B)/bulkhead.elf
BIN := $(B)/bulkhead.bin

optimise := $(if $(filter 1,$(DEBUG)),-Og -DDEBUG,-O2)
warnings := -Wall -Wextra -Werror -Wpedantic -Wconversion -Wshadow -Wundef -Wstrict-prototypes -Wmissing-prototypes \
            -Wvla -Wwrite-strings -Wcast-align -Wframe-larger-than=512

sources := $(sort $(wildcard hypervisor/core/*.c hypervisor/lib/*.c hypervisor/arch/$(ARCH)/*.[cS])) \
           $(PARTS:%=hypervisor/parts/%.c) $(VDEVS:%=hypervisor/vdev/%.c) $(DRIVERS:%=hypervisor/drivers/%.c)
objects := $(patsubst hypervisor/%,$(B)/obj/%.o,$(sources)) $(B)/obj/config.c.o $(B)/obj/payload.S.o
cflags  := $(common) $(optimise) $(warnings) -fstack-usage \
           -Ihypervisor/include -Ihypervisor/arch/$(ARCH)/include -Ihypervisor/vdev -I$(G)
ldflags := -nostdlib -static -Wl,--gc-sections -Wl,--build-id=sha1 -Wl,--fatal-warnings -Wl,--print-memory-usage \
           -Wl,-z,max-page-size=4096 -Wl,-z,noexecstack -T $(G)/link.ld

image: $(ELF) $(BIN) $(B)/compile_commands.json
	@:

$(B)/flags: FORCE
	$(call keep,$(CC) $(cflags) $(ldflags) $(objects))

$(B)/obj/%.o: hypervisor/% $(B)/flags
	@mkdir -p $(@D)
	$(quiet)$(CC) $(cflags) -MMD -MP -c $< -o $@

$(B)/obj/%.o: $(G)/% $(B)/flags
	@mkdir -p $(@D)
	$(quiet)$(CC) $(cflags) -MMD -MP -c $< -o $@

$(B)/obj/payload.S.o: $(G)/tables.bin $(wildcard $(G)/images/*.bin)

# With cache colours what is linked is taken apart page by page.
linked := $(if $(SCATTERED),$(B)/obj/linked.elf,$(ELF))

# The linker shows how much of each window is used.
$(linked): $(objects) $(G)/link.ld
	@echo "$@"
	$(quiet)$(CC) $(cflags) $(ldflags) $(objects) $(libgcc) -o $@

ifdef SCATTERED
$(ELF): $(linked) $(G)/pieces.txt
	@echo "$@"
	$(quiet)bin/configtool scatter $< $(G)/pieces.txt -o $@
	@touch $@
endif

# The finished image is opened and judged before anything is made of it.
$(B)/verified: $(ELF)
	$(quiet)bin/configtool verify -q $< $(SYSTEM) --guests $(B)/guests
	@touch $@

$(BIN): $(ELF) $(B)/verified
	$(quiet)$(if $(SCATTERED),bin/configtool scatter --flat $< -o $@,$(OBJCOPY) -O binary $< $@)
	@touch $@

# For editors and clang-tidy. clangd looks into build/ by itself.
define compile_command
{"directory": "$(CURDIR)", "file": "$1", "command": "$(CC) $(cflags) -c $1"}
endef
$(B)/compile_commands.json: $(B)/flags
	@printf '%s\n' $(foreach s,$(sources),'$(call compile_command,$s)') | \
	    sed -e '1s/^/[/' -e '$$!s/$$/,/' -e '$$s/$$/]/' > $@
	@ln -sf $(notdir $(B))/compile_commands.json build/compile_commands.json

-include $(objects:.o=.d)
