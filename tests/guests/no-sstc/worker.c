// SPDX-License-Identifier: Apache-2.0
#include "../../../examples/two-vms/worker.c"
