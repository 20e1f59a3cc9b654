# SPDX-License-Identifier: Apache-2.0
# The Linux guest of this example, and a disk for it to use.

rootfs_files := $(guests_dir)/telemetry.sh:/bin/telemetry
include tests/linux/guests.mk

# The disk is written to while the system runs, so nothing else is made anew on its account.
build: | $(B)/guests/disk.img

$(B)/guests/disk.img:
	@mkdir -p $(@D)
	$(quiet)echo "a disk for the Linux guest" > $@ && truncate -s 64M $@
