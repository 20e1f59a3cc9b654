// SPDX-License-Identifier: Apache-2.0
/*
 * Console on a serial engine of Qualcomm's QUP v3 that its firmware has made a UART, as the boot loader has set it up. Qualcomm
 * publishes no manual of it: the registers are those that Trusted Firmware-A (drivers for QTI), Xen and U-Boot use.
 */
#include "config.h"
#include "drivers.h"
#include "mmio.h"

#define FORCE_DEFAULT 0x020u
#define STATUS        0x040u
#define TX_LENGTH     0x270u
#define RX_PACKING0   0x284u
#define RX_PACKING1   0x288u
#define M_COMMAND     0x600u /* of the main sequencer, which sends */
#define M_IRQ_STATUS  0x610u
#define M_IRQ_ENABLE  0x614u
#define M_IRQ_CLEAR   0x618u
#define S_COMMAND     0x630u /* of the secondary one, which receives */
#define S_CONTROL     0x634u
#define S_IRQ_STATUS  0x640u
#define S_IRQ_ENABLE  0x644u
#define S_IRQ_CLEAR   0x648u
#define TX_FIFO       0x700u
#define RX_FIFO       0x780u
#define RX_STATUS     0x804u
#define RX_WATER      0x810u

#define STATUS_SENDING 0x00000001u
#define COMMAND_START  0x08000000u /* opcode 1: send, or receive */
#define CONTROL_ABORT  0x00000002u
#define IRQ_ENDED      0x00000021u /* a command was done, or aborted */
#define IRQ_RECEIVED   0x0c000000u /* the watermark is reached; or no more came for some time */
#define PACKING_BYTE   0x0000000fu /* eight bits in each word of the FIFO, and no second ones */
#define RX_WORDS       0x01ffffffu

enum { ABORT_READS = 10000 }; /* it takes a character's time at most; this takes longer */

static uint64_t uart(uint32_t reg)
{
    return config.console.base + reg;
}

void uart_put(char c)
{
    while ((mmio_read32(uart(STATUS)) & STATUS_SENDING) != 0)
        ;
    mmio_write32(uart(TX_LENGTH), 1);
    mmio_write32(uart(M_COMMAND), COMMAND_START);
    mmio_write32(uart(TX_FIFO), (uint8_t)c);
}

int uart_get(void)
{
    if ((mmio_read32(uart(RX_STATUS)) & RX_WORDS) == 0) {
        mmio_write32(uart(S_IRQ_CLEAR), mmio_read32(uart(S_IRQ_STATUS)));
        mmio_write32(uart(M_IRQ_CLEAR), mmio_read32(uart(M_IRQ_STATUS)) & IRQ_RECEIVED);
        if ((mmio_read32(uart(RX_STATUS)) & RX_WORDS) == 0) /* else a byte came meanwhile */
            return -1;
    }
    return (int)(mmio_read32(uart(RX_FIFO)) & 0xff);
}

/* Receiving starts anew, because how many bytes the boot loader put into a word is not known. */
void uart_enable_input(void)
{
    uint32_t reads = 0;

    mmio_write32(uart(S_CONTROL), CONTROL_ABORT);
    while ((mmio_read32(uart(S_CONTROL)) & CONTROL_ABORT) != 0 && reads < ABORT_READS)
        reads++;
    mmio_write32(uart(S_IRQ_CLEAR), IRQ_ENDED);
    mmio_write32(uart(FORCE_DEFAULT), 1);
    mmio_write32(uart(RX_PACKING0), PACKING_BYTE);
    mmio_write32(uart(RX_PACKING1), 0);
    mmio_write32(uart(RX_WATER), 1);
    mmio_write32(uart(S_COMMAND), COMMAND_START);
    mmio_write32(uart(S_IRQ_ENABLE), mmio_read32(uart(S_IRQ_ENABLE)) | IRQ_RECEIVED);
    mmio_write32(uart(M_IRQ_ENABLE), IRQ_RECEIVED);
}
