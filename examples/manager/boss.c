// SPDX-License-Identifier: Apache-2.0
/*
 * The manager: lets the worker make its mistakes, looks at what is left of it, and starts it again; then holds it and lets it
 * go on. At the end it prints what the hypervisor has noted.
 */
#include <stddef.h>

#include "channel.h"
#include "console.h"
#include "cpu.h"
#include "manager.h"
#include "orders.h"
#include "timer.h"

#define WORKER 0 /* its place in the list */

static struct channel orders;
static struct channel beats;

static void order(enum order what)
{
    *(volatile uint32_t *)orders.write = what;
}

static uint32_t beat(uint32_t which)
{
    return ((const volatile uint32_t *)beats.read)[which];
}

/* Wait until the worker is in a state and has come to rest in it, where it is to rest. */
static void await(enum vm_state state)
{
    struct vm_info info;

    do {
        manager_info(WORKER, &info);
    } while (info.state != state || (state != VM_RUNNING && !info.settled));
}

static void await_beats(void)
{
    uint32_t first = beat(0), second = beat(1);

    while (beat(0) == first || beat(1) == second) {
    }
}

static void say(const char *what, bool done)
{
    printf("%s: %s\n", what, done ? "done" : "refused");
}

static void show_events(void)
{
    static const char *const names[] = {"other",   "boot", "start",   "fault",  "reset", "power-off", "watchdog",
                                        "restart", "end",  "suspend", "resume", "halt",  "order"};

    for (uint32_t number = 1; number < manager_next_event(); number++) {
        struct event event;

        if (manager_event(number, &event) && event.kind < sizeof(names) / sizeof(names[0])) {
            printf("event %u: %s%s\n", number, names[event.kind],
                   event.vm == EVENT_OF_ITSELF  ? " of the boss"
                   : event.vm == EVENT_OF_NO_VM ? ""
                                                : " of the worker");
        }
    }
}

void guest_main(void)
{
    struct vm_info info;
    struct vm_fault fault;
    uint32_t first;
    uint64_t until;

    if (!channel_open(&orders, "orders") || !channel_open(&beats, "beats") || !manager_info(WORKER, &info)) {
        printf("no worker\n");
        power_off();
    }
    printf("manages %s: %u vCPUs, criticality %u, %s\n", info.name, info.vcpus, info.criticality,
           info.can_restart ? "can start again" : "cannot start again");
    await_beats();

    order(ORDER_FAULT);
    await(VM_ENDED);
    manager_fault(WORKER, &fault);
    printf("fault %u: access %u of vCPU %u at 0x%lx\n", fault.count, fault.access, fault.vcpu,
           (unsigned long)fault.address);
    order(ORDER_WORK);
    say("resume what has ended", manager_order(WORKER, VM_RESUME));
    say("start", manager_order(WORKER, VM_START));
    await_beats();

    order(ORDER_HANG);
    await(VM_ENDED);
    order(ORDER_WORK);
    say("start after its watchdog", manager_order(WORKER, VM_START));
    await_beats();

    say("suspend", manager_order(WORKER, VM_SUSPEND));
    await(VM_SUSPENDED);
    first = beat(0) + beat(1);
    for (until = timer_us() + 300000; timer_us() < until;) {
    }
    printf("suspended, it does %s\n", beat(0) + beat(1) == first ? "nothing" : "something");
    say("resume", manager_order(WORKER, VM_RESUME));
    await_beats();

    say("restart", manager_order(WORKER, VM_RESTART));
    await_beats();
    say("stop", manager_order(WORKER, VM_STOP));
    await(VM_ENDED);
    printf("its vCPU 1 has made %s\n", manager_exits(WORKER, 1, 5) != 0 ? "exits" : "no exits");
    show_events();
    power_off();
}
