// SPDX-License-Identifier: Apache-2.0
#ifndef LIVES_H
#define LIVES_H

#define LIVES 1001u /* the first, and 1,000 restarts */

#endif
