// SPDX-License-Identifier: Apache-2.0
/* A physical APLIC behind its registers, and the guests' interrupt files as places that take an MSI. */
#ifndef FAKE_APLIC_H
#define FAKE_APLIC_H

#include <stdbool.h>
#include <stdint.h>

struct fake_source {
    uint32_t mode, target;
    bool enabled, pending, line;
};

extern struct fake_source fake_aplic[64];
extern uint32_t fake_domaincfg;

/* A device drives its line. */
void fake_line(uint32_t source, bool level);

/* Let all CPUs take what is delivered to them directly, until none is left. */
void fake_interrupts(void);

/* Numbers written to setipnum_le, setipnum and clripnum since they were last looked at. */
struct fake_log {
    uint32_t value[64];
    unsigned count;
};

extern struct fake_log fake_retriggered, fake_cleared;

/* MSIs that a CPU's guest file has got: one bit for each identity, and how many in all. */
extern bool fake_msis[3][2048];
extern unsigned fake_msi_count;

#endif
