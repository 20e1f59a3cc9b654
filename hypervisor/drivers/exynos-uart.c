// SPDX-License-Identifier: Apache-2.0
/*
 * Console on a UART of Samsung Exynos and of Google GS101. Source: Samsung Exynos 4210 user's manual, chapter UART; the registers
 * compared with Linux's serial_s3c.h (S5PV210 and S3C64XX).
 */
#include "config.h"
#include "drivers.h"
#include "mmio.h"

#define UCON   0x04u
#define UFCON  0x08u
#define UFSTAT 0x18u
#define UTXH   0x20u
#define URXH   0x24u
#define UINTP  0x30u /* pending; writing 1 ends it */
#define UINTM  0x38u /* masked */

#define UCON_RX_MODE    0x003u /* 1: by interrupts and polling */
#define UCON_RX_TIMEOUT 0x080u
#define UCON_RX_LEVEL   0x100u
#define UFCON_ON        0x001u
#define UFCON_TRIGGER   0x070u /* 0: an interrupt from the first bytes on; the timeout tells of fewer */
#define UFSTAT_FULL     0x01000000u
#define UFSTAT_WAITING  0x000001ffu /* how many, and full */
#define UINT_RXD        0x1u
#define UINT_OTHERS     0xeu

static uint64_t uart(uint32_t reg)
{
    return config.console.base + reg;
}

void uart_put(char c)
{
    while ((mmio_read32(uart(UFSTAT)) & UFSTAT_FULL) != 0)
        ;
    mmio_write32(uart(UTXH), (uint8_t)c);
}

int uart_get(void)
{
    if ((mmio_read32(uart(UFSTAT)) & UFSTAT_WAITING) == 0) {
        mmio_write32(uart(UINTP), UINT_RXD);
        if ((mmio_read32(uart(UFSTAT)) & UFSTAT_WAITING) == 0) /* else a byte came meanwhile */
            return -1;
    }
    return (int)(mmio_read32(uart(URXH)) & 0xff);
}

void uart_enable_input(void)
{
    mmio_write32(uart(UFCON), (mmio_read32(uart(UFCON)) & ~UFCON_TRIGGER) | UFCON_ON);
    mmio_write32(uart(UCON), (mmio_read32(uart(UCON)) & ~UCON_RX_MODE) | 1 | UCON_RX_TIMEOUT | UCON_RX_LEVEL);
    mmio_write32(uart(UINTM), UINT_OTHERS);
}
