// SPDX-License-Identifier: Apache-2.0
/* What all virtual UARTs have in common: the bytes typed for the VM, the lock, the interrupt, the way to the console. */
#include "console.h"
#include "vdev.h"
#include "vm.h"

int vuart_next(struct vuart *uart)
{
    int byte = -1;

    if (vuart_has_input(uart)) {
        byte = uart->rx[uart->rx_tail % VUART_RX_SIZE];
        uart->rx_tail++;
    }
    return byte;
}

static void update_line(struct cpu *cpu, struct vm *vm)
{
    virq_set_level(cpu, vm, vm->config->uart_irq, vuart_interrupts(&vm->uart));
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
    byte = vuart_has_input(uart) ? uart->rx[uart->rx_tail % VUART_RX_SIZE] : -1;
    spin_unlock(&vm->uart.lock);
    return byte;
}

int vuart_take(struct vm *vm)
{
    int byte;

    spin_lock(&vm->uart.lock);
    byte = vuart_next(&vm->uart);
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
    uart->scratch = 0;
    uart->divisor[0] = 0;
    uart->divisor[1] = 0;
    uart->thre = false;
    uart->polled = false;
    spin_unlock(&uart->lock);
}

bool vuart_access(struct cpu *cpu, struct vdev_access *access)
{
    struct vm *vm = cpu->vm;
    struct vuart *uart = &vm->uart;
    bool sent = false;
    bool idle = false;

    if (!vuart_takes(access))
        return false;
    spin_lock(&uart->lock);
    if (access->write)
        vuart_write(uart, access->offset, (uint32_t)access->value, &sent, &idle);
    else
        access->value = vuart_read(uart, access->offset, &idle);
    update_line(cpu, vm);
    spin_unlock(&uart->lock);
    if (sent)
        console_put(vm, (char)access->value);
    if (idle)
        console_idle(vm);
    return true;
}
