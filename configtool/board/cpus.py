# SPDX-License-Identifier: Apache-2.0
"""CPUs and caches of a device tree (Devicetree Specification v0.4, sections 3.8 and 3.9; bindings arm/cpus.yaml,
riscv/cpus.yaml and riscv/extensions.yaml)."""
from __future__ import annotations

import re

from .dts import DeviceTree, Node, TreeError, counted, joined
from .model import Cache, Cpu

# Arm cores of version 7 and older; the first have the Virtualization Extensions, the others do not.
_ARMV7_VIRTUAL = ("cortex-a7", "cortex-a12", "cortex-a15", "cortex-a17", "brahma-b15")
_ARMV7 = _ARMV7_VIRTUAL + ("cortex-a5", "cortex-a8", "cortex-a9", "krait", "scorpion", "pj4a", "pj4b", "pj4b-mp",
                           "pj4", "sheeva-v7", "sheeva-v5", "arm926ej-s", "arm1176jzf-s", "arm1136jf-s", "arm1136j-s",
                           "arm1136", "arm920t", "arm926ejs", "arm946e-s", "feroceon", "xscale", "xscale3", "mohawk",
                           "sa110", "sa1100", "arm11mpcore", "fa526", "ti925t", "arm925", "arm940t", "arm922t",
                           "arm720t", "arm710t", "arm966e-s", "88sv331xv5", "mmp2", "cortex-m3", "cortex-m4",
                           "cortex-m7", "cortex-r4", "cortex-r5")
# RISC-V: single letters, then names; `g` stands for imafd with Zicsr and Zifencei (Unprivileged ISA, chapter 'ISA
# Extension Naming').
_GENERAL = ("i", "m", "a", "f", "d", "zicsr", "zifencei")


def architecture(cpus: tuple[Cpu, ...]) -> str:
    """'riscv64', 'riscv32', 'aarch64' or 'armv7'; '' where the CPUs are none of these."""
    for cpu in cpus:
        if cpu.isa_base or "riscv" in cpu.compatible:
            return "riscv32" if cpu.isa_base.startswith("rv32") else "riscv64"
        for name in cpu.compatible:
            core = name.partition(",")[2]
            if core in _ARMV7:
                return "armv7"
            if name.startswith(("arm,", "qcom,", "nvidia,", "cavium,", "brcm,", "apple,", "apm,", "hisilicon,",
                                "marvell,",
                                "fujitsu,", "cisco,", "samsung,")):
                return "aarch64"
    return ""


def _isa(node: Node) -> tuple[str, tuple[str, ...]]:
    """(base, extensions), from the newer properties or from riscv,isa."""
    base = node.string("riscv,isa-base")
    if base and node.has("riscv,isa-extensions"):
        return base.lower(), tuple(e.lower() for e in node.strings("riscv,isa-extensions"))
    text = (node.string("riscv,isa") or "").lower()
    match = re.match(r"(rv(?:32|64))([a-z]*)(.*)$", text)
    if not match:
        return "", ()
    letters = match[2]
    found: list[str] = []
    named = [n for n in match[3].split("_") if n]
    # 'rv64imafdcsu' is seen, where s and u are modes and no extensions, and 'rv64gczba'.
    first = re.search(r"[zsx]", letters)
    if first:
        rest = letters[first.start():]
        letters = letters[:first.start()]
        if rest[0] in "zx" or len(rest) > 2:
            named.insert(0, rest)
    for letter in letters:
        found += _GENERAL if letter == "g" else (letter,)
    found += [re.sub(r"\d+p\d+$", "", n) for n in named]
    return match[1] + ("e" if "e" in letters else "i"), tuple(dict.fromkeys(found))


def _virtual(compatible: tuple[str, ...], isa_base: str, isa: tuple[str, ...]) -> bool:
    if isa_base:
        return "h" in isa
    cores = [c.partition(",")[2] for c in compatible]
    return any(c in _ARMV7_VIRTUAL for c in cores) or not any(c in _ARMV7 for c in cores)


def _cluster_names(tree: DeviceTree) -> dict[int, str]:
    """phandle of a CPU -> its place in cpu-map ('cluster0'; 'socket1/cluster0' where there are several sockets)."""
    top = tree.nodes.get("/cpus/cpu-map")
    found: dict[int, str] = {}
    if top is None:
        return found
    sockets = sum(c.name.startswith("socket") for c in top.children)
    for node in top.walk():
        if not node.has("cpu"):
            continue
        names: list[str] = []
        at: Node | None = node
        while at is not None and at is not top:
            if at.name.startswith("cluster") or at.name.startswith("socket") and sockets > 1:
                names.insert(0, at.name)
            at = at.parent
        if names:
            found[node.u32("cpu") or 0] = "/".join(names)
    return found


def read_cpus(tree: DeviceTree) -> tuple[Cpu, ...]:
    """All CPUs of /cpus in tree order, the disabled ones too. Raises TreeError."""
    top = tree.nodes.get("/cpus")
    if top is None:
        raise TreeError("there is no node /cpus", tree.root.span)
    clusters = _cluster_names(tree)
    found: list[Cpu] = []
    for node in top.children:
        if node.unit_name != "cpu" and node.string("device_type", "") != "cpu":
            continue
        if not node.has("device_type") and not node.has("reg"):
            continue
        reg = node.get("reg")
        if reg is None and node.name == "cpu":
            identity = 0                            # a single core of old
        elif reg is None or len(reg.cells) != top.address_cells:
            raise TreeError(f"{node.name} has no reg of {counted(top.address_cells)} that gives its hart id or MPIDR",
                            reg.span if reg else node.span)
        else:
            identity = joined(reg.cells)
        base, isa = _isa(node)
        compatible = node.compatible
        release = node.get("cpu-release-addr")
        method = node.strings("enable-method") or top.strings("enable-method")
        found.append(Cpu(
            index=len(found), name=node.name, path=node.path, label=node.label, id=identity, span=node.span,
            enabled=node.okay,
            compatible=compatible, isa=isa, isa_base=base, mmu_type=node.string("mmu-type") or "",
            cluster=clusters.get(node.phandle) if node.phandle else None, enable_method=method[0] if method else "",
            release_addr=release.number if release else None, node=node,
            core=next((c.partition(",")[2] for c in compatible if "," in c), compatible[0] if compatible else ""),
            virtualisation=_virtual(compatible, base, isa)))
    return tuple(found)


def read_caches(tree: DeviceTree, cpus: tuple[Cpu, ...]) -> tuple[Cache, ...]:
    """Caches from the CPUs outward, each once. Sizes that the tree does not give are 0."""
    private: list[Cache] = []
    shared: dict[str, tuple[Node, int, list[int]]] = {}
    for cpu in cpus:
        node = cpu.node
        if node is None:
            continue
        for prefix, what in (("d-", "data"), ("i-", "instruction"), ("", "unified")):
            if node.has(f"{prefix}cache-size"):
                private.append(_cache(node, prefix, f"{cpu.name} {what}", 1, (cpu.index,)))
        at, level, seen = node, 1, {node.path}
        while True:
            link = at.get("next-level-cache") or at.get("l2-cache")
            below = tree.phandle(link.u32) if link and len(link.value) == 4 else None
            if below is None or below.path in seen:
                break
            seen.add(below.path)
            level = below.u32("cache-level") or level + 1
            entry = shared.setdefault(below.path, (below, level, []))
            if cpu.index not in entry[2]:
                entry[2].append(cpu.index)
            at = below
    # The data cache of a CPU may stand in a node of its own; then it is a level like the others.
    found = private + [_cache(node, "", node.label or node.name, level, tuple(on))
                       for node, level, on in shared.values()]
    return tuple(sorted(found, key=lambda c: c.level))


def _cache(node: Node, prefix: str, name: str, level: int, cpus: tuple[int, ...]) -> Cache:
    size, sets = node.number(f"{prefix}cache-size", 0) or 0, node.number(f"{prefix}cache-sets", 0) or 0
    line = node.number(f"{prefix}cache-line-size") or node.number(f"{prefix}cache-block-size") or 0
    unified = prefix == "" and (node.has("cache-unified") or level > 1)
    return Cache(name, level, size, line, sets, cpus, unified, node.span)
