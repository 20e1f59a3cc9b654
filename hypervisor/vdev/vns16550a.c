// SPDX-License-Identifier: Apache-2.0
/*
 * A virtual ns16550a, registers one byte apart. Source: TI PC16550D data sheet, section 8 (registers).
 * Its transmitter is always empty; its line status never shows an error.
 */
#include "vdev.h"

enum {
    REG_DATA = 0, /* receive buffer, transmit holding; divisor low with DLAB */
    REG_IER = 1,  /* interrupt enable; divisor high with DLAB */
    REG_IIR = 2,  /* read: interrupt identification; written: FIFO control */
    REG_LCR = 3,
    REG_MCR = 4,
    REG_LSR = 5,
    REG_MSR = 6,
    REG_SCRATCH = 7,
};

#define IER_RECEIVED 0x01u
#define IER_EMPTY    0x02u
#define IIR_NONE     0x01u
#define IIR_EMPTY    0x02u
#define IIR_RECEIVED 0x04u
#define IIR_FIFOS    0xc0u
#define FCR_CLEAR_RX 0x02u
#define LCR_DLAB     0x80u
#define LSR_READY    0x01u
#define LSR_EMPTY    0x60u
#define MSR_ONLINE   0xb0u /* carrier, data set ready, clear to send */

static uint8_t identify(const struct vuart *uart)
{
    if ((uart->ier & IER_RECEIVED) && vuart_has_input(uart))
        return IIR_RECEIVED;
    if ((uart->ier & IER_EMPTY) && uart->thre)
        return IIR_EMPTY;
    return IIR_NONE;
}

uint32_t vuart_read(struct vuart *uart, uint64_t reg, bool *idle)
{
    bool divisor = (uart->lcr & LCR_DLAB) != 0;
    uint8_t value = 0;

    switch (reg) {
    case REG_DATA:
        if (divisor) {
            value = uart->divisor[0];
        } else {
            int byte = vuart_next(uart);

            value = byte < 0 ? 0 : (uint8_t)byte;
        }
        break;
    case REG_IER:
        value = divisor ? uart->divisor[1] : uart->ier;
        break;
    case REG_IIR:
        value = identify(uart);
        if (value == IIR_EMPTY)
            uart->thre = false;
        value |= IIR_FIFOS;
        break;
    case REG_LCR:
        value = uart->lcr;
        break;
    case REG_MCR:
        value = uart->mcr;
        break;
    case REG_LSR:
        /* Asked twice with nothing sent in between: the guest waits for input, so what it wrote is a prompt. */
        *idle = uart->polled;
        uart->polled = true;
        value = LSR_EMPTY | (vuart_has_input(uart) ? LSR_READY : 0);
        break;
    case REG_MSR:
        value = MSR_ONLINE;
        break;
    case REG_SCRATCH:
        value = uart->scratch;
        break;
    default:
        break;
    }
    return value;
}

void vuart_write(struct vuart *uart, uint64_t reg, uint32_t written, bool *sent, bool *idle)
{
    uint8_t value = (uint8_t)written;
    bool divisor = (uart->lcr & LCR_DLAB) != 0;

    switch (reg) {
    case REG_DATA:
        if (divisor) {
            uart->divisor[0] = value;
        } else {
            *sent = true;
            uart->thre = true;
            uart->polled = false;
        }
        break;
    case REG_IER:
        if (divisor) {
            uart->divisor[1] = value;
            break;
        }
        if ((value & IER_EMPTY) && !(uart->ier & IER_EMPTY))
            uart->thre = true;
        /* The driver has nothing more to send. */
        *idle = !(value & IER_EMPTY) && (uart->ier & IER_EMPTY);
        uart->ier = value & 0x0f;
        break;
    case REG_IIR:
        if ((value & FCR_CLEAR_RX) != 0)
            uart->rx_tail = uart->rx_head;
        break;
    case REG_LCR:
        uart->lcr = value;
        break;
    case REG_MCR:
        uart->mcr = value & 0x1f;
        break;
    case REG_SCRATCH:
        uart->scratch = value;
        break;
    default:
        break;
    }
}

bool vuart_takes(const struct vdev_access *access)
{
    return access->offset <= REG_SCRATCH && access->width == 1;
}

bool vuart_interrupts(const struct vuart *uart)
{
    return identify(uart) != IIR_NONE;
}
