// SPDX-License-Identifier: Apache-2.0
/* The same with address translation on. */
#define TRANSLATED
#include "deep.c"
