// SPDX-License-Identifier: Apache-2.0
/* Console on a UART of i.MX, from the i.MX21 on. Source: NXP IMX8MPRM, chapter UART. */
#include "config.h"
#include "drivers.h"
#include "mmio.h"

#define URXD 0x00u /* reading takes the byte */
#define UTXD 0x40u
#define UCR1 0x80u
#define UCR2 0x84u
#define UCR4 0x8cu
#define USR2 0x98u
#define UTS  0xb4u

#define UCR1_ON   0x0001u
#define UCR2_BOTH 0x0006u /* receiver and transmitter */
#define UCR4_DREN 0x0001u /* interrupt while a byte is there */
#define UCR4_OREN 0x0002u /* and for an overrun, which we do not want */
#define USR2_RDR  0x0001u
#define UTS_FULL  0x0010u

static uint64_t uart(uint32_t reg)
{
    return config.console.base + reg;
}

static void set(uint32_t reg, uint32_t bits)
{
    uint32_t value = mmio_read32(uart(reg));

    if ((value & bits) != bits)
        mmio_write32(uart(reg), value | bits);
}

void uart_put(char c)
{
    set(UCR1, UCR1_ON);
    set(UCR2, UCR2_BOTH);
    while ((mmio_read32(uart(UTS)) & UTS_FULL) != 0)
        ;
    mmio_write32(uart(UTXD), (uint8_t)c);
}

int uart_get(void)
{
    return (mmio_read32(uart(USR2)) & USR2_RDR) != 0 ? (int)(mmio_read32(uart(URXD)) & 0xff) : -1;
}

void uart_enable_input(void)
{
    mmio_write32(uart(UCR4), (mmio_read32(uart(UCR4)) & ~UCR4_OREN) | UCR4_DREN);
}
