// SPDX-License-Identifier: Apache-2.0
/* A virtual PL011. Source: Arm PL011 TRM, DDI 0183G, chapter 3. Its transmitter is always empty; there are no errors. */
#include "console.h"
#include "vdev.h"
#include "vm.h"

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

static bool has_input(const struct vuart *uart)
{
    return uart->rx_head != uart->rx_tail;
}

static uint32_t raw_interrupts(const struct vuart *uart)
{
    return (has_input(uart) ? INT_RX | INT_RT : 0) | (uart->thre ? INT_TX : 0);
}

static void update_line(struct cpu *cpu, struct vm *vm)
{
    virq_set_level(cpu, vm, vm->config->uart_irq, (raw_interrupts(&vm->uart) & vm->uart.ier) != 0);
}

static int take_locked(struct vuart *uart)
{
    return has_input(uart) ? uart->rx[uart->rx_tail++ % VUART_RX_SIZE] : -1;
}

void vuart_receive(struct cpu *cpu, struct vm *vm, uint8_t byte)
{
    struct vuart *uart = &vm->uart;

    spin_lock(&uart->lock);
    if (uart->rx_head - uart->rx_tail < VUART_RX_SIZE) {
        uart->rx[uart->rx_head % VUART_RX_SIZE] = byte;
        uart->rx_head++;
    }
    if (vm->config->uart_irq != 0)
        update_line(cpu, vm);
    spin_unlock(&uart->lock);
}

int vuart_peek(struct vm *vm)
{
    const struct vuart *uart = &vm->uart;
    int byte;

    spin_lock(&vm->uart.lock);
    byte = has_input(uart) ? uart->rx[uart->rx_tail % VUART_RX_SIZE] : -1;
    spin_unlock(&vm->uart.lock);
    return byte;
}

int vuart_take(struct vm *vm)
{
    int byte;

    spin_lock(&vm->uart.lock);
    byte = take_locked(&vm->uart);
    spin_unlock(&vm->uart.lock);
    return byte;
}

void vuart_reset(struct vm *vm)
{
    struct vuart *uart = &vm->uart;

    spin_lock(&uart->lock);
    uart->rx_tail = uart->rx_head;
    uart->ier = 0;
    uart->lcr = 0;
    uart->mcr = 0;
    uart->thre = false;
    uart->polled = false;
    spin_unlock(&uart->lock);
}

static uint32_t read_register(struct vuart *uart, uint64_t reg, bool *idle)
{
    /* PrimeCell identification: a PL011 of revision 1. */
    static const uint8_t id[] = {0x11, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1};

    switch (reg) {
    case UARTDR: {
        int byte = take_locked(uart);

        return byte < 0 ? 0 : (uint32_t)byte;
    }
    case UARTFR:
        /* Asked twice with nothing sent in between: the guest waits for input, so what it wrote is a prompt. */
        *idle = uart->polled;
        uart->polled = true;
        return FR_TXFE | (has_input(uart) ? 0 : FR_RXFE);
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

static void write_register(struct vuart *uart, uint64_t reg, uint32_t value, bool *sent, bool *idle)
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

bool vuart_access(struct cpu *cpu, struct vdev_access *access)
{
    struct vm *vm = cpu->vm;
    struct vuart *uart = &vm->uart;
    bool sent = false;
    bool idle = false;

    if (access->offset % 4 != 0 || access->width > 4)
        return false;
    spin_lock(&uart->lock);
    if (access->write)
        write_register(uart, access->offset, (uint32_t)access->value, &sent, &idle);
    else
        access->value = read_register(uart, access->offset, &idle);
    update_line(cpu, vm);
    spin_unlock(&uart->lock);
    if (sent)
        console_put(vm, (char)access->value);
    if (idle)
        console_idle(vm);
    return true;
}
