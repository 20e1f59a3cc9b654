# SPDX-License-Identifier: Apache-2.0
"""The generated files: complete, stable, and accepted by the compiler and the linker."""
from __future__ import annotations

import dataclasses
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from configtool.emit.ctext import comment, identifier, string
from configtool.emit.files import emit
from configtool.plan.model import Plan
from sample_plan import sample

ROOT = Path(__file__).resolve().parents[2]
CROSS = "riscv64-unknown-elf-"


def write(plan: Plan, folder: Path) -> Path:
    for name, content in emit(plan).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def run(*words: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(w) for w in words], cwd=cwd, capture_output=True, text=True)


def test_names() -> None:
    assert sorted(emit(sample())) == [
        "config.c", "config.mk", "control.dtb", "control.dts", "control.h", "images/control-image0.bin",
        "images/worker-image0.bin", "link.ld", "payload.S", "plan.h", "plan.json", "tables.bin", "worker.h"]


def test_bytes_do_not_depend_on_the_hash_seed_or_the_folder(tmp_path: Path) -> None:
    code = ("import hashlib; from configtool.emit.files import emit; from sample_plan import sample\n"
            "for n, c in emit(sample()).items(): print(n, hashlib.sha256(c).hexdigest())")
    outputs = set()
    for seed, folder in (("0", "a"), ("1", "b"), ("4242", "c")):
        (tmp_path / folder).mkdir()
        environment = dict(os.environ, PYTHONHASHSEED=seed, PYTHONPATH=f"{ROOT}:{Path(__file__).parent}")
        outputs.add(subprocess.run([sys.executable, "-c", code], cwd=tmp_path / folder, env=environment, check=True,
                                   capture_output=True, text=True).stdout)
    assert len(outputs) == 1
    here = "".join(f"{n} {hashlib.sha256(c).hexdigest()}\n" for n, c in emit(sample()).items())
    assert outputs == {here}


def test_config_c_compiles_without_a_warning(tmp_path: Path) -> None:
    write(sample(), tmp_path)
    made = run(CROSS + "gcc", "-c", "-std=c11", "-ffreestanding", "-Wall", "-Wextra", "-Werror", "-Wpedantic",
               "-Wconversion", "-Wundef", "-I.", "-I", ROOT / "hypervisor/include", "config.c", cwd=tmp_path)
    assert made.stderr == ""


def test_config_c_says_what_the_plan_says(tmp_path: Path) -> None:
    """Read back by a C program: the values behind the text, not the text."""
    write(sample(), tmp_path)
    (tmp_path / "show.c").write_text(r"""
        #include <stdio.h>
        #include "config.h"
        int main(void)
        {
            const struct vm_config *vm = &config.vms[0];
            printf("%s %s %d\n", config.system, config.file, (int)config.has_console);
            printf("%#lx %#lx\n", (unsigned long)PLAN_STAGE1, (unsigned long)vm->stage2);
            const struct ring *ring = vm->channels[0].rings;
            for (unsigned i = 0; i < vm->window_count; i++)
                printf("window %#lx %d\n", (unsigned long)vm->windows[i].ipa, (int)vm->windows[i].kind);
            for (unsigned i = 0; i < vm->place_count; i++)
                printf("%s %s %#lx %u\n", vm->places[i].name, vm->places[i].access, (unsigned long)vm->places[i].size,
                       vm->places[i].line);
            printf("%s rings %u of vm %u\n", vm->channels[0].name, ring->guest, ring->vm);
            printf("irq 11 is %u of %u\n", vm->irq_physical[11], vm->irq_count);
            printf("%#x %#x %u %u\n", config.irq_owner[0].vm, config.irq_owner[10].vm, config.irq_owner[11].vm,
                   config.irq_owner[11].guest);
            printf("cpu %s runs vCPU %u of %s, stack %#lx\n", config.cpus[2].name, config.cpus[2].vcpu,
                   config.vms[config.cpus[2].vm].name, (unsigned long)config.cpus[2].stack);
            return 0;
        }""")
    made = run("gcc", "-I.", "-I", ROOT / "hypervisor/include", "config.c", "show.c", "-o", "show", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    assert run("./show", cwd=tmp_path).stdout == """\
sample system.yaml 1
0x8000000000080213 0x8000100000080218
window 0xc000000 0
window 0x10000000 1
window 0x70001000 2
devices: rtc@101000 rw 0x1000 17
interrupt controller trapped 0x600000 0
console trapped 0x1000 0
channels.commands rw 0x1000 9
channels.commands trapped 0x1000 9
memory.ram rwx 0x1000000 15
commands rings 32 of vm 1
irq 11 is 11 of 12
0xffff 0xfffe 0 11
cpu cpu@3 runs vCPU 1 of worker, stack 0x80213000
"""


@pytest.mark.parametrize("header", ["control.h", "worker.h"])
def test_guest_header_is_fit_for_c_and_assembler(header: str, tmp_path: Path) -> None:
    write(sample(), tmp_path)
    (tmp_path / "use.S").write_text(f'#include "{header}"\n.dword VM_MEMORY0_BASE + VM_CHANNEL_COMMANDS_SIZE\n')
    assert run(CROSS + "gcc", "-c", "use.S", cwd=tmp_path).stderr == ""


def test_guest_header() -> None:
    assert emit(sample())["worker.h"].decode() == """\
/* SPDX-License-Identifier: Apache-2.0 */
/* VM worker of system.yaml (sample), generated by configtool. Do not edit. */
#ifndef BULKHEAD_VM_WORKER_H
#define BULKHEAD_VM_WORKER_H

/* the VM: system.yaml:20 */
#define VM_VCPUS 2
#define VM_TIMEBASE 10000000
#define VM_ENTRY 0x80000000
#define VM_MEMORY0_BASE 0x80000000
#define VM_MEMORY0_SIZE 0x1000000

/* interrupt controller */
#define VM_PLIC_BASE 0xc000000
#define VM_PLIC_SIZE 0x600000

/* channels.commands: system.yaml:9 */
#define VM_CHANNEL_COMMANDS_INDEX 0
#define VM_CHANNEL_COMMANDS_BASE 0x70000000
#define VM_CHANNEL_COMMANDS_SIZE 0x1000
#define VM_CHANNEL_COMMANDS_READ_BASE 0x70000000
#define VM_CHANNEL_COMMANDS_READ_SIZE 0x1000
#define VM_CHANNEL_COMMANDS_IRQ 32

#endif
"""


def test_guest_header_of_a_manager() -> None:
    plan = sample()
    names = [vm.name for vm in plan.vms]
    boss = dataclasses.replace(plan.vms[0], managed=tuple(range(1, len(names))))
    text = emit(dataclasses.replace(plan, vms=(boss, *plan.vms[1:])))[f"{names[0]}.h"].decode()
    assert text.endswith("""
/* VMs that this one manages */
#define VM_MANAGED 1
#define VM_MANAGES_WORKER 0

#endif
""")


def test_config_mk_quotes_the_run_command() -> None:
    assert emit(sample())["config.mk"].decode() == """\
# SPDX-License-Identifier: Apache-2.0
# Generated by configtool from system.yaml (sample). Do not edit.
TARGET := riscv64
ARCH := riscv
DRIVERS := ns16550a plic
PARTS :=
VDEVS := vplic vns16550a
RUN = qemu-system-riscv64 -M virt -kernel $(BIN) -append 'a b$$c'
"""


def test_without_a_console_the_driver_is_none() -> None:
    plan = dataclasses.replace(sample(), console=None)
    assert "DRIVERS := no-uart plic\n" in emit(plan)["config.mk"].decode()
    assert ".has_console = false,\n    .cpus" in emit(plan)["config.c"].decode()


# The least that link.ld links: an entry and some of each section.
SOURCE = """
        #include "plan.h"
        .section .head, "ax"
        .globl _start
_start: .dword PLAN_STACKS_BASE + PLAN_STACK_SIZE
        .text
        .skip {text}
        .section .rodata
        .dword __build_id_start
        .bss
        .skip 64
"""


def link(tmp_path: Path, text: int) -> subprocess.CompletedProcess[str]:
    write(sample(), tmp_path)
    (tmp_path / "entry.S").write_text(SOURCE.format(text=text))
    return run(CROSS + "gcc", "-ffreestanding", "-nostdlib", "-static", "-mcmodel=medany", "-Wl,--build-id=sha1",
               "-Wl,--fatal-warnings", "-Wl,--print-memory-usage", "-I.", "-I", ROOT / "hypervisor/include",
               "-T", "link.ld", "entry.S", "config.c", "payload.S", "-o", "image.elf", cwd=tmp_path)


def test_image_holds_every_section_where_the_plan_has_it(tmp_path: Path) -> None:
    made = link(tmp_path, 16)
    assert (made.returncode, made.stderr) == (0, "")
    run(CROSS + "objcopy", "-O", "binary", "image.elf", "image.bin", cwd=tmp_path)
    image = (tmp_path / "image.bin").read_bytes()
    plan = sample()
    files = emit(plan)
    load = plan.hypervisor.load

    def at(address: int, size: int) -> bytes:
        return image[address - load:address - load + size]

    tables = plan.hypervisor.tables
    assert at(tables.base, tables.size) == files["tables.bin"]
    for payload in plan.payloads:
        assert at(payload.phys, len(payload.data)) == payload.data
    for zeros in (plan.hypervisor.data, plan.hypervisor.stacks):
        assert at(zeros.base, zeros.size) == bytes(zeros.size)
    assert len(image) == plan.payloads[-1].phys + len(plan.payloads[-1].data) - load

    from elftools.elf.elffile import ELFFile
    with open(tmp_path / "image.elf", "rb") as file:
        elf = ELFFile(file)
        assert elf["e_entry"] == load
        assert all(s["p_filesz"] == s["p_memsz"] for s in elf.iter_segments())
        segments = [(s["p_vaddr"], s["p_paddr"], s["p_flags"]) for s in elf.iter_segments()]
        symbols = elf.get_section_by_name(".symtab")
        build_id = symbols.get_symbol_by_name("__build_id_start")[0]["st_value"]
    own = plan.hypervisor
    places = [(own.text.base, 5), (own.rodata.base, 4), (own.data.base, 6), (tables.base, 4)]
    places += [(p.phys, 4) for p in plan.payloads]
    assert segments == [(base, base, flags) for base, flags in places]
    assert at(build_id - 16, 16) == bytes.fromhex("04000000 14000000 03000000") + b"GNU\0"


def test_text_beyond_its_window_fails_the_link_and_shows_need_and_window(tmp_path: Path) -> None:
    made = link(tmp_path, 0x8000)
    assert made.returncode == 1
    assert "text is larger than its window of 0x8000 bytes at 0x80200000" in made.stderr
    row = next(line.split() for line in made.stdout.splitlines() if line.strip().startswith("text:"))
    assert row[1:5] == [str(0x8000 + 8 + 16), "B", "32", "KB"]        # the code, and two words of boot_probes
    assert not (tmp_path / "image.elf").exists()


def test_text_helpers() -> None:
    assert string('a"b\\c\n??/é') == '"a\\042b\\134c\\012\\077\\077/\\303\\251"'
    assert comment("a */ b\n") == "/* a * / b? */"
    assert identifier("rtc@101000") == "rtc_101000"
