# SPDX-License-Identifier: Apache-2.0
"""Run the unit tests and the checks of the hypervisor's sources; the last line counts them all."""
from __future__ import annotations

import argparse
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys

_UNIT = pathlib.Path(__file__).resolve().parent
_HYPERVISOR = _UNIT.parents[1] / "hypervisor"
_ARCHITECTURES = re.compile(r"riscv|xlen|aarch(32|64)|\barm|__arm|x86|powerpc|mips", re.IGNORECASE)

_MACHINES = {"riscv": ["-march=rv64imac_zicsr_zifencei", "-mabi=lp64"], "aarch64": ["-march=armv8-a"]}
# A plan that gives a header of vdev/ what it needs; any will do for the others.
_PLANS = {"vaplic.h": "msi", "vgic.h": "gicv3"}

# A check gives what is wrong; nothing: it has passed.
Failures = list[str]


def header_compiles_alone(cross: dict[str, str], header: pathlib.Path) -> Failures:
    """Included first, and twice, by a file with nothing else in it, as the hypervisor is compiled."""
    parts = header.relative_to(_HYPERVISOR).parts
    arch = parts[1] if parts[0] == "arch" else "aarch64" if "gic" in header.name else "riscv"
    plan = _PLANS.get(header.name, "gicv3" if arch == "aarch64" else "small")
    command = [f"{cross[arch]}gcc", *_MACHINES[arch], "-x", "c", "-", "-fsyntax-only", "-std=c11", "-ffreestanding",
               "-Wall", "-Wextra", "-Werror", "-Wundef", f"-I{_UNIT / 'plan' / plan}", f"-I{_HYPERVISOR / 'include'}",
               f"-I{_HYPERVISOR / 'vdev'}", f"-I{_HYPERVISOR / 'arch' / arch / 'include'}"]
    done = subprocess.run(command, input=f'#include "{header}"\n#include "{header}"\n', capture_output=True, text=True)
    return [] if done.returncode == 0 else done.stderr.splitlines()


def core_names_no_architecture(_: dict[str, str], source: pathlib.Path) -> Failures:
    """core/ has no conditional compilation by architecture, none of its headers and no assembly."""
    wrong = []
    for number, line in enumerate(source.read_text().splitlines(), 1):
        directive = re.match(r"\s*#\s*(if|ifdef|ifndef|elif)\b(.*)", line)
        include = re.match(r'\s*#\s*include\s+["<]arch/', line)
        if include or directive and _ARCHITECTURES.search(directive[2]) or re.search(r"\b(__asm__|asm)\b", line):
            wrong.append(f"{source.relative_to(_HYPERVISOR.parent)}:{number}: {line.strip()}")
    return wrong


def _checks() -> list[tuple[str, object, pathlib.Path]]:
    headers = sorted([*_HYPERVISOR.glob("include/**/*.h"), *_HYPERVISOR.glob("vdev/*.h"),
                      *_HYPERVISOR.glob("arch/*/include/**/*.h")])
    sources = sorted(_HYPERVISOR.glob("core/*.[ch]"))
    return ([("header_compiles_alone", header_compiles_alone, path) for path in headers]
            + [("core_names_no_architecture", core_names_no_architecture, path) for path in sources])


def _run_check(cross: dict[str, str], check: tuple[str, object, pathlib.Path]) -> tuple[str, int, int]:
    name, function, path = check
    wrong = function(cross, path)  # type: ignore[operator]
    text = "".join(f"  {line}\n" for line in wrong)
    return (f"FAIL {name}: {path.relative_to(_HYPERVISOR.parent)}\n{text}" if wrong else ""), not wrong, bool(wrong)


def _run_program(program: pathlib.Path, names: list[str]) -> tuple[str, int, int]:
    environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0", "UBSAN_OPTIONS": "print_stacktrace=1"}
    done = subprocess.run([program, *names], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", env=environment)
    *lines, last = done.stdout.splitlines() or [""]
    count = re.fullmatch(r"(\d+) passed, (\d+) failed", last)
    if not count:
        return f"FAIL {program}: ended with {done.returncode}\n{done.stdout}", 0, 1
    return "".join(f"{line}\n" for line in lines), int(count[1]), int(count[2])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cross", required=True, help="prefix of the tools for RISC-V")
    parser.add_argument("--cross-aarch64", required=True, help="and for AArch64")
    parser.add_argument("--plans", required=True, help="programs of tests, separated by blanks")
    parser.add_argument("--build", type=pathlib.Path, required=True, help="folder of the built tests")
    parser.add_argument("names", nargs="*", help="run only tests whose names hold one of these")
    arguments = parser.parse_args()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(_run_program, arguments.build / plan / "run", arguments.names)
                for plan in arguments.plans.split()]
        cross = {"riscv": arguments.cross, "aarch64": arguments.cross_aarch64}
        jobs += [pool.submit(_run_check, cross, check) for check in _checks()
                 if not arguments.names or any(name in check[0] for name in arguments.names)]
        results = [job.result() for job in jobs]
    print("".join(text for text, _, _ in results), end="")
    failed = sum(result[2] for result in results)
    print(f"{sum(result[1] for result in results)} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
