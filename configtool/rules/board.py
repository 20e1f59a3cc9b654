# SPDX-License-Identifier: Apache-2.0
"""Codes of the board reader (configtool/board): its files, and whether a hypervisor can run there."""
from __future__ import annotations

from .registry import reported

_VM = """\
vms:
  hello:
    vcpus: 1
    memory: {ram: 16MiB}
    image: {file: guest.elf}
"""
_DTS = "# with this in board.dts: "
_YAML = "# with this in board.yaml: "

reported("BH0801", "board that there is not", phase="board", explain="""\
`board:` is the name of a folder of boards/, or a path to a folder with board.yaml and board.dts (or board.dtb), to a
.dts or to a .dtb, relative to the folder of the system description. What stands here is neither. `configtool board
show` lists the boards; `configtool board import FILE.dtb` makes one of a device tree.""",
fails="board: qemu-riscv64-vrit\n" + _VM, passes=_VM)

reported("BH0802", "board file that cannot be read", phase="board", explain="""\
A file of the board is missing, is no regular file, may not be read, or is larger than what is read of it (4 MiB of
board.yaml, 2 MiB of a device tree). For .dts sources the program dtc has to be installed.""",
         fails=_VM + "# with a board folder that has board.yaml, and neither board.dts nor board.dtb\n", passes=_VM)

reported("BH0803", "device tree source that does not compile", phase="board", explain="""\
dtc does not accept the board's .dts or a file that it includes; the message is dtc's. A source of Linux or U-Boot with
`#include` has to go through the C preprocessor first: take the .dtb that their build makes. dtc gets 10 seconds and 1
GiB of memory.""",
         fails=_VM + _DTS + "&rtc { status = \"okay\" };\n", passes=_VM + _DTS + "&rtc { status = \"okay\"; };\n")

reported("BH0804", "compiled device tree that is damaged", phase="board", explain="""\
The .dtb is no flattened device tree of version 17 (Devicetree Specification, chapter 5), is cut short, or an offset in
it leads outside. Bounds: 2 MiB, 50,000 nodes and properties, 64 levels.""",
         fails=_VM + "# with a board.dtb that is cut short\n", passes=_VM)

reported("BH0805", "device tree whose CPUs or interrupt controller cannot be read", phase="board", explain="""\
A property of a node that everything depends on does not have the form that the Devicetree Specification asks for. (What
cannot be read of a single device is reported only where a VM has it: BH0510.)""",
         fails=_VM + _DTS + "&cpu1 { reg = <1 2>; };\n", passes=_VM + _DTS + "&cpu1 { reg = <1>; };\n")

reported("BH0806", "board without memory", phase="board", explain="""\
The device tree has no memory node, or one of size 0, which the boot loader fills in at run time. configtool needs to
know before: say it in board.yaml, `memory: [{at: 0x80000000, size: 2GiB}]`. U-Boot prints it with `bdinfo`, Linux in
/proc/iomem.""",
         fails=_VM + _DTS + "/delete-node/ &{/memory@80000000};\n",
         passes=_VM + _DTS + "/delete-node/ &{/memory@80000000};\n" + _YAML
         + "memory: [{at: 0x80000000, size: 2GiB}]\n")

reported("BH0807", "device tree without a board.yaml", phase="board", explain="""\
A device tree does not say where the boot loader puts the image, nor, mostly, where firmware lives. board.yaml says it
and stands beside the device tree. `configtool board import FILE` writes one, with comments where you have to look
something up.""",
         fails="board: ./board/board.dts\n" + _VM + "# with a folder board that has no board.yaml\n", passes=_VM)

reported("BH0808", "console of board.yaml that is not there", phase="board", explain="""\
`console` of board.yaml names a device by label, alias, path or node name; the device tree has none of that name.""",
         fails=_VM + _YAML + "console: serial1\n", passes=_VM + _YAML + "console: serial0\n")

reported("BH0809", "CPUs that cannot run a hypervisor", phase="board", explain="""\
No enabled CPU of the board has what a hypervisor needs. On RISC-V that is the H extension, which stands in
`riscv,isa-extensions` or as a letter in `riscv,isa`; on Arm EL2: every Armv8-A core has it, of the Armv7-A cores
Cortex-A7, A12, A15 and A17.""",
         fails=_VM + _DTS + " ".join(f"&cpu{n} {{ status = \"disabled\"; }};" for n in range(4)) + "\n", passes=_VM)

reported("BH0810", "number or word in board.yaml that does not fit the board", phase="board", explain="""\
Addresses and sizes of memory and firmware are whole pages of 4 KiB, and banks of memory do not overlap. The boot method
is one that the board's architecture has: `sbi` on RISC-V, `linux-image` on Arm.""",
         fails=_VM + _YAML + "firmware: [{name: OpenSBI, at: 0x80000800, size: 512KiB}]\n",
         passes=_VM + _YAML + "firmware: [{name: OpenSBI, at: 0x80000000, size: 512KiB}]\n")

reported("BH0811", "interrupt controller that cannot serve VMs", phase="board", explain="""\
The device tree has none of the interrupt controllers that Bulkhead knows: PLIC, APLIC with or without IMSIC, GICv2,
GICv3. Or it is a GIC without the registers of the virtual CPU interface (GICH and GICV, the third and fourth entry of
its `reg`), or without its maintenance interrupt; or it serves not every CPU that could run a VM: by an S-mode context
of the PLIC, APLIC or IMSIC (`interrupts-extended`), by a redistributor of a GICv3.""",
         fails=_VM + _DTS + "&plic { status = \"disabled\"; };\n", passes=_VM)

reported("BH0812", "memory of the device tree that contradicts itself", phase="board", explain="""\
The memory nodes of the device tree do not have the form that the Devicetree Specification asks for, or overlap. Correct
them, or give the board's memory in board.yaml, which takes their place.""",
         fails=_VM + _DTS + "/ { memory@90000000 { device_type = \"memory\"; reg = <0 0x90000000 0 0x1000>; }; };\n",
         passes=_VM)

reported("BH0813", "board without a virtual timer", phase="board", explain="""\
On Arm every guest has the virtual timer of its CPU, and the number of its interrupt is the board's: the third of the
node `timer` (arm,arch_timer.yaml), or the one that `interrupt-names` calls `virt`. Without it no guest has a tick. (On
RISC-V the timer is part of the architecture.)""",
         fails=_VM + "# with an Arm board whose board.dts has no timer\n", passes=_VM)

reported("BH0814", "memory that the device tree does not have", phase="board", severity="warning", explain="""\
`memory:` of board.yaml takes the place of what the device tree says, and has an address that is not in any of the device
tree's banks. Where there is no memory, a VM faults at its first access, or the board stops. The hypervisor probes the
last word of each bank that the plan uses.""",
         fails=_VM + _YAML + "memory: [{at: 0x80000000, size: 4GiB}]\n",
         passes=_VM + _YAML + "memory: [{at: 0x80000000, size: 1GiB}]\n")
