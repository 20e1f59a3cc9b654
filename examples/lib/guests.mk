# SPDX-License-Identifier: Apache-2.0
# Bare-metal guests. An image X.elf that the description names (or another one beside it, which it may extend), and that
# does not lie there, is made from the X.c that does, and from the runtime of this folder.
# Included by the Makefile; gives `guests`.

system_dir := $(patsubst %/,%,$(dir $(system)))
named  := $(sort $(shell grep -ohE '[A-Za-z0-9_.-]+\.elf' $(wildcard $(system) $(system_dir)/*.yaml) /dev/null))
guests := $(foreach elf,$(named),$(if $(wildcard $(system_dir)/$(elf)),,\
            $(if $(wildcard $(system_dir)/$(elf:.elf=.c)),$(B)/guests/$(elf))))

guest_arch    := $(if $(filter riscv%,$(TARGET)),riscv,$(TARGET))
guest_sources := $(sort $(wildcard examples/lib/src/*.c examples/lib/arch/$(guest_arch)/*.[cS]))
guest_objects := $(patsubst examples/lib/%,$(B)/guests/lib/%.o,$(guest_sources))
guest_script  := examples/lib/arch/$(guest_arch)/guest.ld
guest_flags   := $(common) -fdebug-prefix-map=$(abspath $(system_dir))=. -O2 -Wall -Wextra -Werror \
                 -Iexamples/lib/include -Iexamples/lib/arch/$(guest_arch)

$(B)/guests/flags: FORCE
	$(call keep,$(system) $(CC) $(guest_flags))

$(B)/guests/lib/%.o: examples/lib/% $(B)/guests/flags | deps-run
	@mkdir -p $(@D)
	$(quiet)$(CC) $(guest_flags) -MMD -MP -c $< -o $@

$(B)/guests/%.o: $(system_dir)/%.c $(B)/guests/flags | deps-run
	@mkdir -p $(@D)
	$(quiet)$(CC) $(guest_flags) -MMD -MP -c $< -o $@

$(B)/guests/%.elf: $(B)/guests/%.o $(guest_objects) $(guest_script)
	$(quiet)$(CC) $(guest_flags) -nostdlib -static -Wl,--gc-sections -Wl,--build-id=none -Wl,--no-warn-rwx-segments \
	    -Wl,-z,noexecstack -T $(guest_script) $(filter %.o,$^) $(libgcc) -o $@

.SECONDARY: $(guest_objects) $(guests:.elf=.o)

-include $(guest_objects:.o=.d) $(guests:.elf=.d)

# A system may say itself where other guests of its come from.
-include $(system_dir)/guests.mk
