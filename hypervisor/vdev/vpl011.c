// SPDX-License-Identifier: Apache-2.0
/* A virtual PL011. Source: Arm PL011 TRM, DDI 0183G, chapter 3. Its transmitter is always empty; there are no errors. */
#include "vdev.h"

enum {
    UARTDR = 0x00,
    UARTFR = 0x18,
    UARTIBRD = 0x24,
    UARTFBRD = 0x28,
    UARTLCR = 0x2c,
    UARTCR = 0x30,
    UARTIFLS = 0x34,
    UARTIMSC = 0x38,
    UARTRIS = 0x3c,
    UARTMIS = 0x40,
    UARTICR = 0x44,
    UARTID = 0xfe0,
};

#define FR_RXFE 0x10u
#define FR_TXFE 0x80u
#define INT_RX  0x10u
#define INT_TX  0x20u
#define INT_RT  0x40u

static uint32_t raw_interrupts(const struct vuart *uart)
{
    return (vuart_has_input(uart) ? INT_RX | INT_RT : 0) | (uart->thre ? INT_TX : 0);
}

uint32_t vuart_read(struct vuart *uart, uint64_t reg, bool *idle)
{
    /* PrimeCell identification: a PL011 of revision 1. */
    static const uint8_t id[] = {0x11, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1};

    switch (reg) {
    case UARTDR: {
        int byte = vuart_next(uart);

        return byte < 0 ? 0 : (uint32_t)byte;
    }
    case UARTFR:
        /* Asked twice with nothing sent in between: the guest waits for input, so what it wrote is a prompt. */
        *idle = uart->polled;
        uart->polled = true;
        return FR_TXFE | (vuart_has_input(uart) ? 0 : FR_RXFE);
    case UARTLCR:
        return uart->lcr;
    case UARTCR:
        return 0x300u | uart->mcr;
    case UARTIMSC:
        return uart->ier;
    case UARTRIS:
        return raw_interrupts(uart);
    case UARTMIS:
        return raw_interrupts(uart) & uart->ier;
    default:
        return reg >= UARTID && reg < UARTID + 4 * sizeof(id) ? id[(reg - UARTID) / 4] : 0;
    }
}

void vuart_write(struct vuart *uart, uint64_t reg, uint32_t value, bool *sent, bool *idle)
{
    switch (reg) {
    case UARTDR:
        *sent = true;
        uart->thre = true;
        uart->polled = false;
        break;
    case UARTLCR:
        uart->lcr = (uint8_t)value;
        break;
    case UARTCR:
        uart->mcr = (uint8_t)value & 1;
        break;
    case UARTIMSC:
        /* The driver has nothing more to send. Linux says so even where it has never waited for room. */
        *idle = (value & INT_TX) == 0;
        uart->ier = (uint8_t)value & (INT_RX | INT_TX | INT_RT);
        break;
    case UARTICR:
        if ((value & INT_TX) != 0)
            uart->thre = false;
        break;
    default:
        break;
    }
}

bool vuart_takes(const struct vdev_access *access)
{
    return access->offset % 4 == 0 && access->width <= 4;
}

bool vuart_interrupts(const struct vuart *uart)
{
    return (raw_interrupts(uart) & uart->ier) != 0;
}
