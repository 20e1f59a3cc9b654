# SPDX-License-Identifier: Apache-2.0
# The compiler and the flags that the hypervisor and the bare-metal guests have in common, for TARGET.

cross_riscv64   := riscv64-unknown-elf-
machine_riscv64 := -march=rv64imac_zicsr_zifencei -mabi=lp64 -mcmodel=medany -msmall-data-limit=0
# gcc's own helpers, filed under the short name of the architecture: -lgcc does not find them from the long one.
helpers_riscv64 := -march=rv64imac -mabi=lp64

# uint32_t is unsigned int, as everywhere else: of the same size, but this compiler would take unsigned long.
cross_riscv32   := $(cross_riscv64)
machine_riscv32 := -march=rv32imac_zicsr_zifencei -mabi=ilp32 -mcmodel=medany -msmall-data-limit=0 \
                   -U__UINT32_TYPE__ -U__INT32_TYPE__ -D__UINT32_TYPE__=unsigned -D__INT32_TYPE__=int
helpers_riscv32 := -march=rv32imac -mabi=ilp32

# A guest runs with its MMU off at first, where no access may be unaligned.
cross_aarch64   := aarch64-linux-gnu-
machine_aarch64 := -march=armv8-a -mgeneral-regs-only -mstrict-align -mno-outline-atomics
helpers_aarch64 :=

CROSS   ?= $(cross_$(TARGET))
CC      := $(CROSS)gcc
OBJCOPY := $(CROSS)objcopy

machine := $(machine_$(TARGET))
# Nothing of the place where it is built gets into the image: two builds are equal bit for bit.
reproducible := -ffile-prefix-map=$(CURDIR)=. -fdebug-prefix-map=$(CURDIR)=.
common  := -std=c11 -ffreestanding -fno-common -fno-pic -fno-asynchronous-unwind-tables -ffunction-sections \
           -fdata-sections -fno-tree-loop-distribute-patterns -g $(reproducible) $(machine)
libgcc   = $(shell $(CC) $(helpers_$(TARGET)) -print-libgcc-file-name 2>/dev/null)

quiet := $(if $(filter 1,$(V)),,@)

# What a command depends on and no file's time shows: such a file is rewritten only when its text differs.
keep = @mkdir -p $(@D); echo '$1' | cmp -s - $@ || echo '$1' > $@
