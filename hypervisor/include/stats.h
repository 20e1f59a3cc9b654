// SPDX-License-Identifier: Apache-2.0
#ifndef STATS_H
#define STATS_H

/* Print for each vCPU how often the hypervisor ran, by reason. The counters go on meanwhile. */
void stats_print(void);

#endif
