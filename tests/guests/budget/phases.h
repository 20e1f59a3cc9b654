// SPDX-License-Identifier: Apache-2.0
/* Times that two VMs agree on; the time counter is the same for both. */
#ifndef PHASES_H
#define PHASES_H

#define BEGIN_US  200000u
#define MIDDLE_US 230000u
#define END_US    260000u

#endif
