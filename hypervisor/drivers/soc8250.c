// SPDX-License-Identifier: Apache-2.0
/*
 * Console on an 8250 as systems on a chip have it. Where these differ from a 16550:
 * - Synopsys DW_apb_uart (registers IIR and USR): an interrupt "busy", which the boot loader can have left behind, ends when
 *   USR is read. A receive timeout can come with nothing received; it ends when the data register is read. The UART of TI's
 *   K3 does that, too (advisory i2310).
 * - Intel XScale (PXA255 developer's manual, chapters 10 and 17): the whole UART is off without IER.UUE, bit 6.
 * - Broadcom's mini UART: no receive interrupt without bit 2 of IER, which Broadcom's documents call unused. Linux's driver of
 *   8250s sets it always.
 */
#include <stdbool.h>

#include "8250.h"
#include "drivers.h"

enum { REG_USR = 31 };

#define IER_UNIT    0x40u /* XScale: on; 0 elsewhere */
#define IER_LINE    0x04u /* status of the line; reading LSR ends it */
#define FCR_ONE     0x01u /* FIFOs on, an interrupt for the first byte */
#define IIR_KIND    0x0fu
#define IIR_BUSY    0x07u
#define IIR_TIMEOUT 0x0cu

void uart_put(char c)
{
    while ((read_reg(REG_LSR) & LSR_EMPTY) == 0)
        ;
    write_reg(REG_DATA, (uint8_t)c);
}

static bool ready(void)
{
    return (read_reg(REG_LSR) & LSR_READY) != 0;
}

int uart_get(void)
{
    uint32_t kind;

    if (!ready()) {
        kind = read_reg(REG_IIR) & IIR_KIND;
        if (kind == IIR_BUSY)
            (void)read_reg(REG_USR);
        if (kind != IIR_TIMEOUT)
            return -1;
        if (!ready()) { /* else a byte came meanwhile */
            (void)read_reg(REG_DATA);
            return -1;
        }
    }
    return (int)(read_reg(REG_DATA) & 0xff);
}

void uart_enable_input(void)
{
    write_reg(REG_FCR, FCR_ONE);
    write_reg(REG_IER, (uint8_t)((read_reg(REG_IER) & IER_UNIT) | IER_LINE | IER_RECEIVED));
}
