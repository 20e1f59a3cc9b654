# SPDX-License-Identifier: Apache-2.0
# A Linux guest: Debian's kernel, fetched once, as Image, and an initramfs as rootfs.cpio.gz, unless the user has
# put his own beside the description. A system's own guests.mk includes this; it may set rootfs_files to more that the
# initramfs is to hold, each as FILE:PATH.

linux_files := $(foreach file,Image rootfs.cpio.gz,$(if $(wildcard $(addsuffix /$(file),$(system_dir) $(bases))),,$(B)/guests/$(file)))
linux_arch  := $(if $(filter aarch64,$(TARGET)),arm64,$(TARGET))
linux_tools := tests/linux/packages.py tests/linux/fetch.py
rootfs_from := $(foreach pair,$(rootfs_files),$(firstword $(subst :, ,$(pair))))

$(B)/gen.stamp check: $(linux_files)

$(B)/guests/Image: $(linux_tools) | deps-run
	$(quiet)$(PYTHON) tests/linux/fetch.py kernel $(linux_arch) -o $@

$(B)/guests/rootfs.cpio.gz: tests/linux/initramfs.py $(linux_tools) $(rootfs_from) | deps-run
	$(quiet)$(PYTHON) tests/linux/initramfs.py $(linux_arch) $(addprefix --add ,$(rootfs_files)) -o $@
