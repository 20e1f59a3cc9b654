# SPDX-License-Identifier: Apache-2.0
"""Which VM runs on which physical CPU, and what its guests may use of it."""
from __future__ import annotations

from typing import Sequence

from ..board.model import Board, Cpu
from ..rules.cpus import find_cpu, usable_cpus
from ..system import System
from .arch import TableFormat
from .failure import InternalError

# henvcfg. Source: RISC-V Privileged Architecture, "Hypervisor Environment Configuration Register".
_CBIE_FLUSH = 1 << 4            # CBO.INVAL runs, as a flush: a guest must not discard what another wrote
_CBCFE = 1 << 6
_CBZE = 1 << 7
_ADUE = 1 << 61
_PBMTE = 1 << 62
_STCE = 1 << 63

_GRANTS = {"sstc": _STCE, "svpbmt": _PBMTE, "svadu": _ADUE, "zicboz": _CBZE, "zicbom": _CBIE_FLUSH | _CBCFE}

# hstateen0, of CPUs that have Smstateen or Ssstateen. Source: RISC-V Privileged Architecture, "Smstateen/Ssstateen
# Extensions", section "State Enable 0 Registers".
_STATEEN = {"smstateen", "ssstateen"}
_SE0 = 1 << 63                  # sstateen0
_ENVCFG = 1 << 62               # senvcfg
_AIA = 1 << 60 | 1 << 59 | 1 << 58      # siselect and sireg, what else Ssaia adds, the interrupt file

# Extensions that a guest cannot use, as their state or their traps would need the hypervisor: machine and hypervisor
# level (sm*, sh*, 'h'), and those of the supervisor that take a CSR of the hypervisor's to switch on. Zk is a name for
# Zkn, Zkr and Zkt together, of which the seed of Zkr is the machine's alone.
_HIDDEN = {"h", "sscsrind", "ssccfg", "sscofpmf", "sscntrcfg", "ssctr", "ssdbltrp", "sspm", "ssqosid",
           "ssstrict", "zicfilp", "zicfiss", "zkr", "zk", "zjpm", "sdtrig", "sdext"}


def assign(system: System, board: Board) -> list[list[Cpu]]:
    """For each VM its CPUs in vCPU order: those named first, then counts in YAML order, on the lowest free CPUs.

    Counts of a cluster come before counts without one, which could take that cluster's CPUs. The rules have found that
    there are enough; anything else is a bug.
    """
    usable = usable_cpus(board)
    taken: set[int] = set()
    found: dict[str, list[Cpu]] = {}
    for vm in system.vms:
        if vm.cpus is not None and vm.cpus.names:
            found[vm.name] = [_named(board, name) for name, _ in vm.cpus.names]
            taken.update(c.index for c in found[vm.name])
    asked = [vm for vm in system.vms if vm.cpus is not None and not vm.cpus.names]
    for vm in sorted(asked, key=lambda v: v.cpus.cluster is None if v.cpus
                     else True):      # stable: those with a cluster first
        request = vm.cpus
        assert request is not None
        free = [c for c in usable if c.index not in taken and request.cluster in (None, c.cluster)]
        chosen = free[:request.count or 0]
        if len(chosen) < (request.count or 0):
            raise InternalError(f"VM {vm.name}: {request.count} CPUs asked for, {len(free)} free, and no rule said so")
        found[vm.name] = chosen
        taken.update(c.index for c in chosen)
    return [found[vm.name] for vm in system.vms]


def _named(board: Board, name: str) -> Cpu:
    cpu = find_cpu(board, name)
    if cpu is None:
        raise InternalError(f"CPU {name} is not on the board, and no rule said so")
    return cpu


def common(cpus: Sequence[Cpu]) -> set[str]:
    """Extensions that all of them have."""
    sets = [set(c.isa) for c in cpus]
    return set.intersection(*sets) if sets else set()


# Smallest size of physical addresses of a 64-bit Arm core that has EL2 (technical reference manuals, ID_AA64MMFR0_EL1).
_ARM_BITS = 40
_NANOSECONDS = 1_000_000_000


def able(formats: Sequence[TableFormat], cpus: Sequence[Cpu]) -> list[TableFormat]:
    """The formats that all of the CPUs have; at least the smallest."""
    if any(c.isa_base for c in cpus):
        modes = {c.mmu_type.rpartition(",")[2] for c in cpus}           # 'sv57'
        largest = min((int(m[2:]) for m in modes if m[2:].isdigit()), default=39)
    else:
        largest = _ARM_BITS
    return [f for f in formats if f.bits <= largest] or list(formats[:1])


def timebase(board: Board) -> int:
    """Hz of the hypervisor's time. Where the device tree does not say how fast the CPUs' counter is (Arm: each CPU
    knows), it counts nanoseconds."""
    return board.timebase or _NANOSECONDS


def henvcfg(cpus: Sequence[Cpu]) -> int:
    """Value for all CPUs that the plan uses: what every one of them has."""
    value = 0
    for extension in granted(cpus):
        value |= _GRANTS[extension]
    return value


def granted(cpus: Sequence[Cpu]) -> set[str]:
    """Extensions that henvcfg hands on. Where a device tree has svade beside svadu, the firmware starts with the
    hardware's update of A and D switched off (kernel binding riscv/extensions.yaml), and so ADUE could not be set."""
    has = common(cpus)
    found = has & set(_GRANTS)
    return found - {"svadu"} if any("svade" in c.isa for c in cpus) else found


def hstateen0(cpu: Cpu, imsic: bool) -> int:
    """What the guest on a CPU may use of the state that this register guards; 0: the CPU does not have it. `imsic`: the
    guest has an interrupt file."""
    return _SE0 | _ENVCFG | (_AIA if imsic else 0) if _STATEEN & set(cpu.isa) else 0


def guest_isa(cpus: Sequence[Cpu], all_used: Sequence[Cpu], imsic: bool) -> tuple[str, ...]:
    """Extensions that a VM on `cpus` sees, in the order of its first CPU's list: what all of its CPUs have, less what
    is not the guest's to use and less what henvcfg, one value for all CPUs, does not grant. Ssaia goes with an interrupt
    file (`imsic`), to which most of its registers belong."""
    has, handed_on = common(cpus), granted(all_used)
    shown = []
    for extension in cpus[0].isa if cpus else ():
        if extension not in has or extension in _HIDDEN or extension.startswith(("sm", "sh", "xsh")):
            continue
        if extension in _GRANTS and extension not in handed_on or extension == "ssaia" and not imsic:
            continue
        shown.append(extension)
    return tuple(dict.fromkeys(shown))
