// SPDX-License-Identifier: Apache-2.0
/* Console on an ns16550a. Source: TI PC16550D data sheet, section 8. */
#include "8250.h"
#include "drivers.h"

void uart_put(char c)
{
    while ((read_reg(REG_LSR) & LSR_EMPTY) == 0)
        ;
    write_reg(REG_DATA, (uint8_t)c);
}

int uart_get(void)
{
    return (read_reg(REG_LSR) & LSR_READY) != 0 ? (int)(read_reg(REG_DATA) & 0xff) : -1;
}

void uart_enable_input(void)
{
    write_reg(REG_IER, IER_RECEIVED);
}
