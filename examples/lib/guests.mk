# SPDX-License-Identifier: Apache-2.0
# Bare-metal guests. An image X.elf that the description names (or another one beside it, or one that it extends), and that
# does not lie beside it, is made from the X.c that does, and from the runtime of this folder. An image that a description in
# another folder names is made from what lies there, and goes to $(B)/guests/base/ with the way to that folder.
# Included by the Makefile; gives `guests`.

folder = $(patsubst $(CURDIR)/%,%,$(abspath $(dir $(1))))
unique = $(if $(1),$(firstword $(1)) $(call unique,$(filter-out $(firstword $(1)),$(1))))
named  = $(sort $(shell grep -ohE '[A-Za-z0-9_.-]+\.elf' $(wildcard $(1)) /dev/null))
made   = $(foreach elf,$(call named,$(1)),$(if $(wildcard $(2)/$(elf)),,\
           $(if $(wildcard $(2)/$(elf:.elf=.c)),$(B)/guests/$(3)$(elf))))
# Where configtool, too, takes the guests of another folder to be (language.py).
place  = base/$(subst ..,up,$(shell realpath -m -s --relative-to='$(system_dir)' '$(1)'))/

system_dir := $(call folder,$(system))
chain      := $(shell bin/target --files '$(system)')
bases      := $(filter-out $(system_dir),$(call unique,$(foreach file,$(chain),$(call folder,$(file)))))
guests     := $(call made,$(system_dir)/*.yaml $(chain),$(system_dir),) $(foreach dir,$(bases),\
                $(call made,$(foreach file,$(chain),$(if $(filter $(dir),$(call folder,$(file))),$(file))),$(dir),$(call place,$(dir))))

guest_arch    := $(if $(filter riscv%,$(TARGET)),riscv,$(TARGET))
guest_sources := $(sort $(wildcard examples/lib/src/*.c examples/lib/arch/$(guest_arch)/*.[cS]))
guest_objects := $(patsubst examples/lib/%,$(B)/guests/lib/%.o,$(guest_sources))
guest_script  := examples/lib/arch/$(guest_arch)/guest.ld
guest_flags   := $(common) $(foreach dir,$(system_dir) $(bases),-fdebug-prefix-map=$(abspath $(dir))=.) -O2 -Wall -Wextra -Werror \
                 -Iexamples/lib/include -Iexamples/lib/arch/$(guest_arch)

$(B)/guests/flags: FORCE
	$(call keep,$(system) $(CC) $(guest_flags))

$(B)/guests/lib/%.o: examples/lib/% $(B)/guests/flags | deps-run
	@mkdir -p $(@D)
	$(quiet)$(CC) $(guest_flags) -MMD -MP -c $< -o $@

$(B)/guests/%.o: $(system_dir)/%.c $(B)/guests/flags | deps-run
	@mkdir -p $(@D)
	$(quiet)$(CC) $(guest_flags) -MMD -MP -c $< -o $@

define guests_of
$(B)/guests/$(call place,$(1))%.o: $(1)/%.c $(B)/guests/flags | deps-run
	@mkdir -p $$(@D)
	$$(quiet)$$(CC) $$(guest_flags) -MMD -MP -c $$< -o $$@
endef
$(foreach dir,$(bases),$(eval $(call guests_of,$(dir))))

$(B)/guests/%.elf: $(B)/guests/%.o $(guest_objects) $(guest_script)
	$(quiet)$(CC) $(guest_flags) -nostdlib -static -Wl,--gc-sections -Wl,--build-id=none -Wl,--no-warn-rwx-segments \
	    -Wl,-z,noexecstack -T $(guest_script) $(filter %.o,$^) $(libgcc) -o $@

.SECONDARY: $(guest_objects) $(guests:.elf=.o)

-include $(guest_objects:.o=.d) $(guests:.elf=.d)

# A system may say itself where other guests of its come from, or the one that it extends: its folder is guests_dir.
guests_dir := $(firstword $(foreach dir,$(system_dir) $(bases),$(if $(wildcard $(dir)/guests.mk),$(dir))))
-include $(guests_dir:%=%/guests.mk)
