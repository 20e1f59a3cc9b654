// SPDX-License-Identifier: Apache-2.0
#include "fake.h"

#include "arch/reach.h"
#include "mmio.h"

struct fake_sysregs fake_cpus[PLAN_CPUS];
struct fake_sysregs *sysregs = &fake_cpus[0];

static struct cpu *running = &cpus[0];

_Noreturn void trap_return(void)
{
    longjmp(fake_exit, ENTERED);
}

void fake_run_as(struct cpu *cpu)
{
    running = cpu;
    sysregs = &fake_cpus[cpu - cpus];
    sysregs->tpidr_el2 = (uint64_t)(uintptr_t)cpu;
}

struct cpu *fake_running(void)
{
    return running;
}

static void prepare(uint32_t index)
{
    fake_cpus[index].mpidr_el1 = 0x80000000 | config.cpus[index].id;
    fake_cpus[index].cntfrq_el0 = PLAN_TIMEBASE;
}

static void come_up(struct cpu *cpu)
{
    fake_run_as(cpu);
    (void)OUTCOME(cpu_main(cpu));
}

void fake_boot(void)
{
    for (uint32_t i = 0; i < PLAN_CPUS; i++)
        prepare(i);
    boot_prepare(0);
    for (uint32_t i = 0; i < PLAN_CPUS; i++)
        come_up(&cpus[i]);
    fake_run_as(fake_cpu(0, 0));
    fake_call_count = 0;
    fake_pass_count = 0;
    fake_virtual = 0;
    fake_untranslated = false;
    fake_instruction = REACH_REFUSED;
    fake_screen();
    fake_assembly_done();
}

/* --- Firmware --- */

struct fake_call fake_calls[64];
unsigned fake_call_count;

long psci_call(uint32_t function, uint64_t arg0, uint64_t arg1, uint64_t arg2)
{
    if (fake_call_count < sizeof(fake_calls) / sizeof(fake_calls[0]))
        fake_calls[fake_call_count] = (struct fake_call){function, {arg0, arg1, arg2}};
    fake_call_count++;
    switch (function) {
    case PSCI_SYSTEM_OFF:
    case PSCI_SYSTEM_RESET:
        longjmp(fake_exit, OFF);
    case PSCI_AFFINITY_INFO:
    case PSCI_CPU_ON:
        return fake_cpu_of_id(arg0) < 0 ? PSCI_INVALID_PARAMETERS : PSCI_SUCCESS;
    case SMCCC_ARCH_FEATURES:
        /* This CPU needs the first, and not the third. */
        return arg0 == SMCCC_WORKAROUND_1 ? 0 : arg0 == SMCCC_WORKAROUND_3 ? 1 : PSCI_NOT_SUPPORTED;
    case SMCCC_WORKAROUND_1:
        return PSCI_SUCCESS;
    default:
        return PSCI_NOT_SUPPORTED;
    }
}

uint64_t fake_passed[8];
unsigned fake_pass_count;

/* Firmware that answers in four registers and leaves its own traces in the others. */
void psci_pass(uint64_t *x)
{
    fake_pass_count++;
    for (unsigned i = 0; i < 8; i++) {
        fake_passed[i] = x[i];
        x[i] = 0xf00000000u + i;
    }
}

/* --- entry.S --- */

const uint8_t __build_id_start[20] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0xff};

void cpu_start(void);
void cpu_start_spin(void);

void cpu_start(void)
{
}

void cpu_start_spin(void)
{
}

/* --- reach.S --- */

uint64_t fake_virtual;
bool fake_untranslated;
uint64_t fake_instruction = REACH_REFUSED;
uint64_t fake_fetched;

/* As an exception on the way does. */
static void spoil_trap(void)
{
    sysregs->elr_el2 = 0xbad;
    sysregs->spsr_el2 = 0xbad;
    sysregs->esr_el2 = 0xbad;
    sysregs->far_el2 = 0xbad;
    sysregs->hpfar_el2 = 0xbad;
}

uint64_t reach_ipa(uint64_t address)
{
    spoil_trap();
    return fake_untranslated ? 0x809 : ((address - fake_virtual) & PAR_ADDRESS) | 0xff00000000000b80;
}

uint64_t reach_phys(uint64_t address)
{
    return reach_ipa(address);
}

uint64_t reach_word(uint64_t phys)
{
    fake_fetched = phys;
    return fake_instruction;
}

/* --- Calls of a guest --- */

static void prepare_call(struct cpu *cpu, uint64_t x0, uint64_t x1, uint64_t x2, uint64_t x3)
{
    fake_run_as(cpu);
    cpu->arch.x[0] = x0;
    cpu->arch.x[1] = x1;
    cpu->arch.x[2] = x2;
    cpu->arch.x[3] = x3;
}

uint64_t guest_hvc(struct cpu *cpu, uint64_t x0, uint64_t x1, uint64_t x2, uint64_t x3)
{
    prepare_call(cpu, x0, x1, x2, x3);
    trap_call(cpu, (uint64_t)EC_HVC << 26 | ESR_IL);
    return cpu->arch.x[0];
}

enum outcome guest_hvc_outcome(struct cpu *cpu, uint64_t x0, uint64_t x1, uint64_t x2, uint64_t x3)
{
    prepare_call(cpu, x0, x1, x2, x3);
    return OUTCOME(trap_call(cpu, (uint64_t)EC_HVC << 26 | ESR_IL));
}
