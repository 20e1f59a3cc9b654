// SPDX-License-Identifier: Apache-2.0
/*
 * The configuration that configtool generates (config.c): constant, complete, read by the hypervisor as it is.
 *
 * There is nothing here to be checked, allocated or computed at run time: configtool has done it. Sizes that arrays need
 * at compile time stand in the generated plan.h:
 *   PLAN_CPUS         physical CPUs used
 *   PLAN_VMS          VMs
 *   PLAN_VCPUS_MAX    vCPUs of the largest VM
 *   PLAN_IRQS         physical interrupt sources, 0 included: size of irq_owner
 *   PLAN_IRQ_WORDS    32-bit words that hold one bit for each guest interrupt number of any VM
 *   PLAN_TIMEBASE     ticks of the time counter in a second
 *   PLAN_VIRQ         header of the virtual interrupt controller: "vplic.h"
 *   PLAN_TIMER        1: the hypervisor uses a timer of its own (timer.h)
 *   PLAN_DIRECT       1: some VM has its interrupts without the hypervisor
 *   PLAN_WATCHDOG     1: some VM has a watchdog (watchdog.h)
 *   PLAN_EVENTS       bytes of the event ring (events.h); 0: none
 *   PLAN_CONTROL      1: somebody can steer VMs (control.h): a manager or a person at the console
 *   PLAN_MANAGER      1: some VM is a manager (manager.h)
 *   PLAN_MONITOR      1: a person at the console can look at VMs and steer them (monitor.h)
 *   PLAN_FIRMWARE     1: some VM makes calls to the board's firmware
 *   PLAN_MSIS         interrupt identities of a vCPU's interrupt file, 0 included; 0: no IMSIC
 *   PLAN_BANDWIDTH    1: VMs have budgets of memory bandwidth (bandwidth.h); then
 *   PLAN_POOLS        pools of bandwidth, at least 1
 *   PLAN_PMU_KEEP     1: guests have the counters that the hypervisor does not take
 *   PLAN_PMU_CYCLES   1: Arm: the cycle counter is taken, else the last event counter
 *   PLAN_PMU_COUNTER, PLAN_PMU_CSR   RISC-V: the hpmcounter that is taken, its CSR
 * and the layout of the image (PLAN_LOAD, ..., PLAN_STAGE1: the value of satp), which only entry.S reads.
 */
#ifndef CONFIG_H
#define CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plan.h"

/* Owner values of an interrupt that belongs to no VM. */
#define IRQ_NOBODY     0xffffu
#define IRQ_HYPERVISOR 0xfffeu

/* Who gets a physical interrupt, by its source number. */
struct irq_owner {
    uint16_t vm;    /* index of the VM, IRQ_NOBODY or IRQ_HYPERVISOR */
    uint16_t guest; /* number in the VM's virtual interrupt controller */
};

enum window_kind {
    WINDOW_IRQCHIP,  /* the virtual PLIC */
    WINDOW_UART,     /* the virtual UART */
    WINDOW_DOORBELL, /* doorbell page of channel end `index` */
};

/* Guest addresses that trap to a virtual device. */
struct window {
    uint64_t ipa;
    uint64_t size; /* bytes, whole pages */
    enum window_kind kind;
    uint32_t index;
};

/* A place in a VM's address space in the words of its YAML; only fault reports read it. */
struct place {
    uint64_t ipa;
    uint64_t size;
    const char *name;   /* "memory.ram", "devices: rtc@101000" */
    const char *access; /* "rwx", "r", ... ; "trapped" for a virtual device */
    uint32_t line;      /* in the system's YAML, 0: a default */
};

/* One that a doorbell reaches. */
struct ring {
    uint16_t vm;
    uint16_t guest; /* interrupt number there */
};

/* One VM's end of a channel; its position is the IPC index of the hypercall. */
struct channel_end {
    const char *name;
    const struct ring *rings;
    uint32_t ring_count;
};

/* How a VM goes on after a fault, a reset or a power-off of its own. */
enum action { ACTION_STOP, ACTION_RESTART, ACTION_HALT_SYSTEM };

struct policy {
    enum action action;
    uint32_t at_most; /* restarts within `within`; 0: any number */
    uint64_t within;  /* ticks of the time counter */
    enum action then; /* what follows the last of them */
};

/* What becomes of a VM that gives no sign of life. */
struct watchdog_config {
    uint64_t timeout; /* ticks between two signs; 0: it has no watchdog */
    uint64_t start;   /* ticks from its start to its first sign */
    struct policy policy;
};

/* Memory as it is when a VM starts: what a restart puts back. */
struct restore {
    uint64_t ipa;
    uint64_t size;   /* bytes, whole pages */
    uint64_t source; /* where the hypervisor reads the pristine copy; 0: zeros */
    uint64_t to;     /* AArch64: where it reaches the memory itself by restore_table */
};

/* Arguments of firmware calls that are looked at: three registers in halves of 32 bits, the low one first. */
#define FIRMWARE_HALVES 6

/* Calls that go on to the board's firmware: this function, with each half of its arguments in this range. */
struct firmware_row {
    uint32_t function;
    uint32_t low[FIRMWARE_HALVES];
    uint32_t high[FIRMWARE_HALVES]; /* inclusive */
};

struct vm_config {
    const char *name;
    uint64_t stage2;      /* register value that names the root of its tables: hgatp */
    uint64_t entry;       /* IPA of the first instruction */
    uint64_t dtb;         /* IPA of the device tree, 0: none */
    const uint16_t *cpus; /* physical CPU index of each vCPU */
    uint32_t vcpu_count;
    uint32_t window_count;
    const struct window *windows; /* most often used first */
    const struct place *places;   /* sorted by ipa */
    uint32_t place_count;
    uint32_t channel_count;
    const struct channel_end *channels;
    const uint16_t *irq_physical; /* by guest interrupt number, irq_count of them: physical source, 0: a virtual one */
    uint32_t irq_count;           /* highest guest interrupt number + 1 */
    uint16_t uart_irq;            /* guest interrupt of the virtual UART; 0: it has no virtual UART */
    bool direct;                  /* GICv3: its interrupts reach it without the hypervisor */
    uint16_t line;                /* of the VM in the system's YAML */
    uint8_t criticality;
    struct policy on_fault;
    struct policy on_reset;
    struct policy on_poweroff;
    struct watchdog_config watchdog;
    const uint16_t *managed; /* VMs that this one may steer: a manager */
    uint32_t managed_count;
    const struct restore *restores; /* of a VM that can be restarted */
    uint32_t restore_count;
    uint64_t restore_table; /* AArch64: ttbr0_el2 by which the hypervisor reaches the VM's memory to restart it */
    const struct firmware_row *firmware; /* sorted by function */
    uint32_t firmware_count;
};

struct cpu_config {
    uint64_t id;    /* hart id */
    uint64_t stack; /* address just above its stack */
    const char *name;
    uint64_t guest_file; /* physical page of the vCPU's interrupt file; 0: no IMSIC */
    uint32_t context;    /* S-mode context at the PLIC */
    uint32_t hart_index; /* at the APLIC and IMSIC; at a GICv2 the number of its CPU interface */
    uint64_t hstateen0;  /* RISC-V: state that the guest may use; 0: the hart has no such register */
    uint64_t gicr;       /* GICv3: physical address of its redistributor */
    uint64_t release;    /* spin table: physical address of its release word; 0: PSCI starts it */
    uint16_t vm;
    uint16_t vcpu;
};

struct console_config {
    uint64_t base;
    uint32_t reg_shift;
    uint32_t reg_width; /* bytes */
    uint32_t irq;       /* physical source, 0: output only */
    uint32_t cpu;       /* index of the CPU that takes it */
};

/* What the board does when the hypervisor gives up. */
enum panic_action { PANIC_POWER_OFF, PANIC_HALT, PANIC_RESET };

#if PLAN_BANDWIDTH
/* What the vCPU of a CPU may take from memory, in events of the CPU's performance monitor. */
struct budget_config {
    uint64_t period;     /* ticks of the time counter; 0: it has no budget */
    uint64_t own;        /* events in each period that are its own */
    uint64_t grain;      /* events of one grain of its pool; 0: it has none */
    uint64_t passing;    /* events more, once in a period, for a critical interrupt */
    uint64_t event;      /* what is counted; RISC-V: event_idx of the SBI */
    uint64_t event_data; /* RISC-V: selector of a raw event */
    uint32_t claim;      /* grains that it lends to its pool and may take back; 0: it only draws */
    uint32_t pool;
    const uint16_t *passes; /* critical interrupts by guest number; 0: the VM's timer */
    uint32_t pass_count;
    uint32_t bytes; /* of one event */
};

/* What several vCPUs draw from, anew in each period. */
struct pool_config {
    uint64_t period; /* ticks of the time counter */
    uint32_t grains;
};
#endif

struct config {
    const char *system; /* name of the system */
    const char *file;   /* base name of its YAML file */
    const char *board;
    uint64_t irqchip_base;    /* of the physical controller; of a GIC the distributor */
    uint64_t gicc_base;       /* GICv2: CPU interface */
    uint64_t gich_base;       /* GICv2: virtual interface control */
    uint32_t maintenance_irq; /* GIC: INTID of the maintenance interrupt */
    uint32_t timer_irq;       /* GIC: INTID of the hypervisor's timer; 0: it uses none */
    bool one_security_state;  /* GICv3: the board says that Group 0 is the hypervisor's (GICD_CTLR.DS) */
    uint32_t overflow_irq;    /* GIC: INTID of the performance monitors' interrupt; 0: the hypervisor uses none */
    uint64_t henvcfg;         /* RISC-V: what guests may use of the environment */
    uint64_t events;          /* physical address of the event ring; 0: none */
    bool sstc;                /* guests program their timer themselves */
    bool stats;               /* print the exit counters at the end */
    enum panic_action on_panic;
    bool has_console; /* the hypervisor owns a UART */
    struct console_config console;
    struct cpu_config cpus[PLAN_CPUS];
    struct vm_config vms[PLAN_VMS];
    struct irq_owner irq_owner[PLAN_IRQS];
    uint32_t irq_edges[(PLAN_IRQS + 31) / 32]; /* GIC: one bit for each source that is edge-triggered */
#if PLAN_BANDWIDTH
    struct budget_config budgets[PLAN_CPUS];
    struct pool_config pools[PLAN_POOLS];
#endif
};

extern const struct config config;

/* What the first instructions read, before there is a stack. */
extern const uint64_t boot_probes[];       /* last planned word of each memory bank, then 0; beside the first code */
extern const uint64_t boot_ids[PLAN_CPUS]; /* hart id or MPIDR of each CPU */

#endif
