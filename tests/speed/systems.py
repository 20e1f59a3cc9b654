# SPDX-License-Identifier: Apache-2.0
"""Systems to measure configtool with: one on a real board of many devices, and rows of 1 to 64 VMs on made-up ones."""
from __future__ import annotations

import struct
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BOARD = "ti-k3-j784s4-evm"      # 8 Cortex-A72, GICv3, 140 KB of source: a large tree with all that a plan needs
_LOAD = 0x8020_0000


def elf(machine: int, address: int) -> bytes:
    """ELF64 of one page of code at `address` (System V ABI, "Object Files")."""
    header = b"\x7fELF\x02\x01\x01".ljust(16, b"\0") + struct.pack("<HHIQQQIHHHHHH", 2, machine, 1, address, 64, 0, 0,
                                                                   64,
                                                                  56, 1, 0, 0, 0)
    return (header + struct.pack("<IIQQQQQQ", 1, 5, 4096, address, address, 4096, 4096, 4096)).ljust(8192, b"\0")


def vendor(folder: Path) -> Path:
    """Four VMs with channels and devices on a vendor's board. Raises RuntimeError where its tree cannot be had."""
    sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "dtbs"), str(ROOT / "tests" / "linux")]
    from configtool.board.import_ import import_board
    from packages import FetchError     # type: ignore[import-not-found]
    from run import fetch               # type: ignore[import-not-found]

    try:
        found = [path for path in fetch("arm64") if path.stem == BOARD]
    except FetchError as problem:
        raise RuntimeError(f"no device tree of {BOARD}: {problem}") from None
    if not found:
        raise RuntimeError(f"Debian's kernel has no {BOARD}.dtb")
    board = folder / "board"
    board.mkdir(parents=True)
    for name, text in import_board(str(found[0])).files.items():
        lines = {"load:": f"load: {_LOAD:#x}", "firmware:": "firmware: []"}
        (board / name).write_text("\n".join(lines.get(line, line) for line in text.split("\n")))
    (folder / "guest.elf").write_bytes(elf(183, 0x4000_0000))
    vms = "".join(f"  vm{n}:\n    vcpus: {2 if n < 4 else 1}\n"
                  "    memory: {ram: 256MiB, scratch: {size: 4MiB, access: rw}}\n"
                  "    image: {file: guest.elf}\n" for n in range(1, 5))
    system = folder / "system.yaml"
    system.write_text("bulkhead: 1\nname: vendor\nboard: ./board\nchannels:\n"
                      + "".join(f"  c{n}: {{size: 64KiB, from: vm{n}, to: [vm{n % 4 + 1}]}}\n" for n in range(1, 5))
                      + "vms:\n" + vms)
    return system


def row(folder: Path, vms: int, regions: int) -> Path:
    """`vms` VMs of one CPU with `regions` regions in all, each joined to the next by a channel, on a board with as many
    harts."""
    folder.mkdir(parents=True)
    (folder / "board.yaml").write_text(f"bulkhead-board: 1\ndescription: made up\nload: {_LOAD:#x}\nboot: sbi\n"
                                       "firmware: [{name: OpenSBI, at: 0x80000000, size: 512KiB}]\n")
    (folder / "board.dts").write_text(_tree(max(vms, 1)))
    (folder / "guest.elf").write_bytes(elf(243, 0x8000_0000))
    lines = ["bulkhead: 1", "name: row", "board: ./board.dts"]
    if vms > 1:
        lines += ["channels:", *(f"  c{n}: {{size: 8KiB, between: [vm{n}, vm{n + 1}]}}" for n in range(vms - 1))]
    lines.append("vms:")
    for n in range(vms):
        own = regions // vms + (n < regions % vms)
        lines += [f"  vm{n}:", "    vcpus: 1", "    memory:", "      ram: 4MiB",
                  *(f"      r{i}: {{size: {4 * (i % 7 + 1)}KiB, access: rw}}" for i in range(1, own)),
                  "    image: {file: guest.elf}"]
    (folder / "system.yaml").write_text("\n".join(lines) + "\n")
    return folder / "system.yaml"


def _tree(harts: int) -> str:
    cpus = "".join(f"""
        cpu{n}: cpu@{n:x} {{
            device_type = "cpu"; compatible = "riscv"; reg = <{n}>; mmu-type = "riscv,sv48";
            riscv,isa-base = "rv64i"; riscv,isa-extensions = "i", "m", "a", "c", "h", "sstc", "zicsr", "zifencei";
            intc{n}: interrupt-controller {{
                compatible = "riscv,cpu-intc"; #interrupt-cells = <1>; interrupt-controller;
            }};
        }};""" for n in range(harts))
    contexts = " ".join(f"&intc{n} 11 &intc{n} 9" for n in range(harts))
    return f"""/dts-v1/;
/ {{
    #address-cells = <2>; #size-cells = <2>; compatible = "acme,row"; model = "row";
    chosen {{ stdout-path = &uart0; }};
    memory@80000000 {{ device_type = "memory"; reg = <0 0x80000000 4 0>; }};
    cpus {{ #address-cells = <1>; #size-cells = <0>; timebase-frequency = <10000000>;{cpus}
    }};
    soc {{
        #address-cells = <2>; #size-cells = <2>; compatible = "simple-bus"; ranges;
        uart0: serial@10000000 {{ compatible = "ns16550a"; reg = <0 0x10000000 0 0x100>; interrupts = <10>;
            interrupt-parent = <&plic>; clock-frequency = <3686400>; }};
        plic: interrupt-controller@c000000 {{ compatible = "riscv,plic0"; reg = <0 0xc000000 0 0x4000000>;
            #interrupt-cells = <1>; #address-cells = <0>; interrupt-controller; riscv,ndev = <95>;
            interrupts-extended = <{contexts}>; }};
    }};
}};
"""
