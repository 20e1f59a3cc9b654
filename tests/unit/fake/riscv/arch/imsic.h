// SPDX-License-Identifier: Apache-2.0
/* The real numbers of what is reached indirectly; the CSRs are those of the fake csr.h. */
#ifndef FAKE_IMSIC_H
#define FAKE_IMSIC_H

#include_next "arch/imsic.h"

#undef CSR_SISELECT
#undef CSR_SIREG
#undef CSR_STOPEI
#undef CSR_VSISELECT
#undef CSR_VSIREG
#undef CSR_HGEIE
#undef CSR_HVIEN
#undef CSR_HVICTL
#undef CSR_HVIPRIO1
#undef CSR_HVIPRIO2
#define CSR_SISELECT  siselect
#define CSR_SIREG     s_file[csrs->siselect & 0xff]
#define CSR_STOPEI    stopei
#define CSR_VSISELECT vsiselect
#define CSR_VSIREG    vs_file[csrs->vsiselect & 0xff]
#define CSR_HGEIE     hgeie
#define CSR_HVIEN     hvien
#define CSR_HVICTL    hvictl
#define CSR_HVIPRIO1  hviprio1
#define CSR_HVIPRIO2  hviprio2

#endif
