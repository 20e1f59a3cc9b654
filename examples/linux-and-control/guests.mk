# SPDX-License-Identifier: Apache-2.0
# The Linux guest of this example: Debian's kernel, fetched once; its initramfs; a disk for it to use.

$(B)/gen.stamp check: $(B)/guests/Image $(B)/guests/rootfs.cpio.gz
# The disk is written to while the system runs, so nothing else is made anew on its account.
build: | $(B)/guests/disk.img

$(B)/guests/Image: tests/linux/fetch.py tests/linux/debian.py | deps-run
	$(quiet)$(PYTHON) tests/linux/fetch.py kernel riscv64 -o $@

$(B)/guests/rootfs.cpio.gz: tests/linux/initramfs.py tests/linux/fetch.py tests/linux/debian.py \
                            $(system_dir)/telemetry.sh | deps-run
	$(quiet)$(PYTHON) tests/linux/initramfs.py riscv64 --add $(system_dir)/telemetry.sh:/bin/telemetry -o $@

$(B)/guests/disk.img:
	@mkdir -p $(@D)
	$(quiet)echo "a disk for the Linux guest" > $@ && truncate -s 64M $@
