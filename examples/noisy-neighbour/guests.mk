# SPDX-License-Identifier: Apache-2.0
# The Linux guest of the variants that have one.

ifneq ($(findstring linux,$(name)),)
include tests/linux/guests.mk
endif
