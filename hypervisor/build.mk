# SPDX-License-Identifier: Apache-2.0
# From a system description to the image. Included by the Makefile, whose variables it uses.

CROSS   ?= riscv64-unknown-elf-
CC      := $(CROSS)gcc
OBJCOPY := $(CROSS)objcopy

optimise := $(if $(filter 1,$(DEBUG)),-Og -DDEBUG,-O2)
warnings := -Wall -Wextra -Werror -Wpedantic -Wconversion -Wshadow -Wundef -Wstrict-prototypes -Wmissing-prototypes \
            -Wvla -Wwrite-strings -Wcast-align -Wframe-larger-than=512
# Nothing of the place where it is built gets into the image: two builds are equal bit for bit.
reproducible := -ffile-prefix-map=$(CURDIR)=. -fdebug-prefix-map=$(CURDIR)=.
machine := -march=rv64imac_zicsr_zifencei -mabi=lp64 -mcmodel=medany -msmall-data-limit=0
# gcc's own helpers. They are filed under the short name of the architecture, which -lgcc does not find from the long one.
libgcc  := $(shell $(CC) -march=rv64imac -mabi=lp64 -print-libgcc-file-name 2>/dev/null)
common  := -std=c11 -ffreestanding -fno-common -fno-pic -fno-asynchronous-unwind-tables -ffunction-sections \
           -fdata-sections -fno-tree-loop-distribute-patterns -g $(reproducible) $(machine)

# What a command depends on and no file's time shows: such a file is rewritten only when its text differs.
keep = @mkdir -p $(@D); echo '$1' | cmp -s - $@ || echo '$1' > $@

# --- Guests: each X.elf that the description names, that is not there beside it, while X.c is -----------------------

system_dir := $(patsubst %/,%,$(dir $(SYSTEM)))
named  := $(sort $(shell grep -oE '[A-Za-z0-9_.-]+\.elf' $(SYSTEM) 2>/dev/null))
guests := $(foreach elf,$(named),$(if $(wildcard $(system_dir)/$(elf)),,\
            $(if $(wildcard $(system_dir)/$(elf:.elf=.c)),$(B)/guests/$(elf))))

guest_arch    := riscv
guest_sources := $(sort $(wildcard examples/lib/src/*.c examples/lib/arch/$(guest_arch)/*.[cS]))
guest_objects := $(patsubst examples/lib/%,$(B)/guests/lib/%.o,$(guest_sources))
guest_flags    = $(common) -O2 -Wall -Wextra -Werror -Iexamples/lib/include -Iexamples/lib/arch/$(guest_arch)

$(B)/settings: FORCE
	$(call keep,$(abspath $(SYSTEM)) $(CC) $(guest_flags))

$(B)/guests/lib/%.o: examples/lib/% $(B)/settings | deps-run
	@mkdir -p $(@D)
	$(quiet)$(CC) $(guest_flags) -MMD -MP -c $< -o $@

$(B)/guests/%.o: $(system_dir)/%.c $(B)/settings | deps-run
	@mkdir -p $(@D)
	$(quiet)$(CC) $(guest_flags) -MMD -MP -c $< -o $@

$(B)/guests/%.elf: $(B)/guests/%.o $(guest_objects) examples/lib/arch/$(guest_arch)/guest.ld
	$(quiet)$(CC) $(guest_flags) -nostdlib -static -Wl,--gc-sections -Wl,--no-warn-rwx-segments \
	    -T examples/lib/arch/$(guest_arch)/guest.ld $(filter %.o,$^) $(libgcc) -o $@

.SECONDARY: $(guest_objects) $(guests:.elf=.o)

# --- configtool gen: once for all generated files; those whose content stays keep their time ------------------------

generated := $(addprefix $(B)/,plan.h config.c payload.S tables.bin link.ld config.mk)
configtool_sources := $(CONFIGTOOL) $(shell find configtool schemas -name '*.py' -o -name '*.json' | sort)

$(B)/gen.stamp: $(SYSTEM) $(guests) $(configtool_sources) $(B)/settings | deps-run
	@mkdir -p $(@D)
	$(quiet)$(CONFIGTOOL) gen $(SYSTEM) --out $(B) --guests $(B)/guests --depfile $(B)/gen.d
	@touch $@

$(generated): $(B)/gen.stamp ;

# The generated makefile is read only by goals that need it, so that `make clean` generates nothing.
ifneq ($(filter build gen run $(ELF) $(BIN),$(or $(MAKECMDGOALS),build)),)
include $(B)/config.mk
-include $(B)/gen.d
endif

# --- The hypervisor -------------------------------------------------------------------------------------------------

sources := $(sort $(wildcard hypervisor/core/*.c hypervisor/lib/*.c hypervisor/arch/$(ARCH)/*.[cS])) \
           $(VDEVS:%=hypervisor/vdev/%.c) $(DRIVERS:%=hypervisor/drivers/%.c)
objects := $(patsubst hypervisor/%,$(B)/obj/%.o,$(sources)) $(B)/obj/config.c.o $(B)/obj/payload.S.o
cflags  := $(common) $(optimise) $(warnings) -fstack-usage -Ihypervisor/include -Ihypervisor/arch/$(ARCH)/include -I$(B)
ldflags := -nostdlib -static -Wl,--gc-sections -Wl,--build-id=sha1 -Wl,--fatal-warnings -Wl,--print-memory-usage \
           -Wl,-z,max-page-size=4096 -T $(B)/link.ld

$(B)/flags: FORCE
	$(call keep,$(CC) $(cflags) $(ldflags) $(objects))

$(B)/obj/%.o: hypervisor/% $(B)/flags | $(generated)
	@mkdir -p $(@D)
	$(quiet)$(CC) $(cflags) -MMD -MP -c $< -o $@

$(B)/obj/%.o: $(B)/% $(B)/flags
	@mkdir -p $(@D)
	$(quiet)$(CC) $(cflags) -MMD -MP -c $< -o $@

$(B)/obj/payload.S.o: $(B)/tables.bin $(wildcard $(B)/images/*.bin)

# The linker shows how much of each window is used.
$(ELF): $(objects) $(B)/link.ld
	@echo "$@"
	$(quiet)$(CC) $(cflags) $(ldflags) $(objects) $(libgcc) -o $@

$(BIN): $(ELF)
	$(quiet)$(OBJCOPY) -O binary $< $@

# For editors and clang-tidy. clangd looks into build/ by itself.
define compile_command
{"directory": "$(CURDIR)", "file": "$1", "command": "$(CC) $(cflags) -c $1"}
endef
$(B)/compile_commands.json: $(B)/flags
	@printf '%s\n' $(foreach s,$(sources),'$(call compile_command,$s)') | \
	    sed -e '1s/^/[/' -e '$$!s/$$/,/' -e '$$s/$$/]/' > $@
	@ln -sf $(notdir $(B))/compile_commands.json build/compile_commands.json

-include $(objects:.o=.d) $(guest_objects:.o=.d) $(guests:.elf=.d)
