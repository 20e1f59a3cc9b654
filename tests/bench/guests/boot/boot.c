// SPDX-License-Identifier: Apache-2.0
/* What is measured has happened before this guest's first instruction. */
#include "../mark.h"
#include "cpu.h"

GUEST_AT(0xa0000000);

void guest_main(void)
{
    power_off();
}
