// SPDX-License-Identifier: Apache-2.0
/* The same system as with a GICv3. */
#include "../gicv3/config.c"
