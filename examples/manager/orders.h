// SPDX-License-Identifier: Apache-2.0
/* What the boss writes for the worker. */
#ifndef ORDERS_H
#define ORDERS_H

enum order {
    ORDER_WAIT,  /* for another order */
    ORDER_FAULT, /* touch what is nobody's */
    ORDER_HANG,  /* work on, and give no sign of life */
    ORDER_WORK,
};

#define NOBODYS 0x3f000000ul

#endif
