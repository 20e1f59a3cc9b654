// SPDX-License-Identifier: Apache-2.0
#include "../gicv3/config.c"
