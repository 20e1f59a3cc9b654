# SPDX-License-Identifier: Apache-2.0
include tests/linux/guests.mk
