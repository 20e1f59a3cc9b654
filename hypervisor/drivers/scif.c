// SPDX-License-Identifier: Apache-2.0
/*
 * Console on a SCIF or HSCIF of Renesas R-Car and RZ. Source: R-Car Gen3 hardware manual, sections SCIF and HSCIF; the registers
 * and flags compared with Linux's sh-sci.h and OpenSBI's renesas-scif.c. Control and status have 16 bits, data has 8. A flag
 * goes out where 0 is written after 1 was read.
 */
#include <stdbool.h>

#include "config.h"
#include "drivers.h"
#include "mmio.h"

enum { SCSCR = 2, SCFTDR = 3, SCFSR = 4, SCFRDR = 5, SCFCR = 6, SCFDR = 7, SCLSR = 9 };

#define SCSCR_BOTH    0x0030u /* transmitter and receiver */
#define SCSCR_RIE     0x0040u
#define SCFSR_SENT    0x0060u /* TEND, TDFE: all is sent; room to send */
#define SCFSR_TDFE    0x0020u
#define SCFSR_GOT     0x0093u /* ER, BRK, RDF, DR */
#define SCFCR_TRIGGER 0x00c0u /* 0: RDF from the first byte on */
#define SCFDR_WAITING 0x00ffu /* a SCIF has five bits of it */
#define SCLSR_ORER    0x0001u /* overrun: nothing is received until it is cleared */

static uint64_t uart(uint32_t reg)
{
    return config.console.base + ((uint64_t)reg << config.console.reg_shift);
}

static void clear(uint32_t reg, uint16_t bits)
{
    mmio_write16(uart(reg), (uint16_t)(mmio_read16(uart(reg)) & (uint16_t)~bits));
}

static bool waits(void)
{
    return (mmio_read16(uart(SCFDR)) & SCFDR_WAITING) != 0;
}

void uart_put(char c)
{
    uint16_t control = mmio_read16(uart(SCSCR));

    if ((control & SCSCR_BOTH) != SCSCR_BOTH)
        mmio_write16(uart(SCSCR), control | SCSCR_BOTH);
    while ((mmio_read16(uart(SCFSR)) & SCFSR_TDFE) == 0)
        ;
    mmio_write8(uart(SCFTDR), (uint8_t)c);
    clear(SCFSR, SCFSR_SENT);
}

int uart_get(void)
{
    if (!waits()) {
        clear(SCFSR, SCFSR_GOT);
        clear(SCLSR, SCLSR_ORER);
        if (!waits()) /* else a byte came meanwhile */
            return -1;
    }
    return mmio_read8(uart(SCFRDR));
}

void uart_enable_input(void)
{
    clear(SCFCR, SCFCR_TRIGGER);
    mmio_write16(uart(SCSCR), mmio_read16(uart(SCSCR)) | SCSCR_BOTH | SCSCR_RIE);
}
