# SPDX-License-Identifier: Apache-2.0
"""make lint: what can be said about the sources without running them.

    python3 tests/lint [--jobs N] [CHECK]...
    python3 tests/lint --format                 clang-format changes the C instead

CHECK: spdx, length, format, cppcheck, misra, tidy, analyzer, shell, pyflakes, mypy; none: all of them.
"""
from __future__ import annotations

import argparse
import concurrent.futures
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Callable

from misra import judge

_ROOT = Path(__file__).resolve().parents[2]
_PYTHON = "/usr/bin/python3"
_LINES = 500            # of a source file outside tests/

# Findings, one a line; none: all is well.
Findings = list[str]


def _files(*patterns: str, generated: bool = False) -> list[Path]:
    """Files of the project that match, relative to its root: those that git knows and new ones; of those that its
    programs have made only where they are asked for."""
    done = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "--", *patterns], cwd=_ROOT, text=True,
                          capture_output=True)
    if done.returncode == 0:
        names = done.stdout.splitlines()
    else:               # an unpacked archive
        names = [str(p.relative_to(_ROOT)) for pattern in patterns for p in _ROOT.rglob(pattern)
                 if p.is_file() and p.relative_to(_ROOT).parts[0] not in ("build", ".git")]
    return sorted(path for path in map(Path, names)
                  if (_ROOT / path).is_file() and (generated or "golden" not in path.parts))


def _run(*command: str | Path) -> Findings:
    done = subprocess.run(command, cwd=_ROOT, text=True, capture_output=True)
    return [] if done.returncode == 0 else (done.stdout + done.stderr).splitlines()


def _spdx() -> Findings:
    """Each file says its licence within its first lines, but for JSON, which has no comments, and lists of names."""
    wanted = [p for p in _files("*", generated=True) if p.suffix not in (".json", ".png", ".dtb", ".txt") and p.name != ".gitignore"]
    return [f"{path}: no SPDX-License-Identifier in its first five lines" for path in wanted
            if not any("SPDX-License-Identifier: Apache-2.0" in line
                       for line in (_ROOT / path).read_text(errors="replace").splitlines()[:5])]


def _length() -> Findings:
    """A source outside tests/ is about one thing, which takes up to 500 lines."""
    sizes = {path: (_ROOT / path).read_text().count("\n") for path in _files("*.c", "*.h", "*.S", "*.py", "*.mk")
             if path.parts[0] != "tests"}
    return [f"{path}: {lines} lines, more than {_LINES}: it is two files" for path, lines in sizes.items() if lines > _LINES]


def _format() -> Findings:
    """C looks as .clang-format says."""
    return _run("clang-format", "--dry-run", "--Werror", *_files("*.c", "*.h"))


# Of a file of the hypervisor, by its name: architecture and a plan of the unit tests under which all of it is compiled.
_UNDER = ((re.compile("parts/(bandwidth|pmu-v3)"), "aarch64", "budget"), (re.compile("parts/pmu-sbi"), "riscv", "budget"),
          (re.compile("gicv2"), "aarch64", "gicv2"), (re.compile("gic|pl011|aarch64|cadence"), "aarch64", "gicv3"),
          (re.compile("aplic"), "riscv", "msi"), (re.compile(""), "riscv", "small"))
_CLANG = {"aarch64": ["--target=aarch64-linux-gnu"], "riscv": ["--target=riscv64-unknown-elf", "-march=rv64imac"]}
_GCC = {"aarch64": ["aarch64-linux-gnu-gcc", "-mgeneral-regs-only"],
        "riscv": ["riscv64-unknown-elf-gcc", "-march=rv64imac_zicsr_zifencei", "-mabi=lp64"]}


def _under(path: Path) -> tuple[str, str]:
    return next((arch, plan) for pattern, arch, plan in _UNDER if pattern.search(str(path)))


def _hypervisor() -> dict[tuple[str, str], list[Path]]:
    """Its C by architecture and plan."""
    groups: dict[tuple[str, str], list[Path]] = {}
    for path in _files("hypervisor/*.c"):
        groups.setdefault(_under(path), []).append(path)
    return groups


def _flags(arch: str, plan: str) -> list[str]:
    return ["-std=c11", "-ffreestanding", "-Ihypervisor/include", "-Ihypervisor/vdev",
            f"-Ihypervisor/arch/{arch}/include", f"-Itests/unit/plan/{plan}"]


def _tidy() -> Findings:
    """clang-tidy as .clang-tidy says."""
    return [line for (arch, plan), paths in _hypervisor().items()
            for line in _run("clang-tidy", "--quiet", *paths, "--", *_CLANG[arch], *_flags(arch, plan))
            if "warnings generated" not in line]


def _analyzer() -> Findings:
    """gcc follows each path through a function, in a twentieth of the time that clang's analyzer takes."""
    return [line for (arch, plan), paths in _hypervisor().items() for path in paths
            for line in _run(*_GCC[arch], *_flags(arch, plan), "-O2", "-Wall", "-Wextra", "-Werror", "-fanalyzer", "-c",
                             path, "-o", "/dev/null")]


_CPPCHECK = ["cppcheck", "--quiet", "--error-exitcode=1", "--std=c11", "--enable=warning,performance,portability",
             "--inline-suppr", "--template={file}:{line}: {message} [{id}]", "-D__riscv_xlen=64"]


def _cppcheck() -> Findings:
    findings = [line for (arch, plan), paths in _hypervisor().items()
                for line in _run(*_CPPCHECK, *[f for f in _flags(arch, plan) if f.startswith("-I")], *paths)]
    return findings + _run(*_CPPCHECK, "-Iexamples/lib/include", *_files("examples/*.c"))


def _misra() -> Findings:
    """MISRA C:2012, as far as cppcheck knows it, less what docs/internals/misra.md argues."""
    output: list[str] = []
    # The addon is run by the python3 of PATH, and one from elsewhere may be first there.
    surroundings = {**os.environ, "PATH": f"{os.path.dirname(_PYTHON)}:{os.environ.get('PATH', '')}"}
    for (arch, plan), paths in _hypervisor().items():
        kept = _ROOT / "build" / "misra" / f"{arch}-{plan}"
        kept.mkdir(parents=True, exist_ok=True)
        output += subprocess.run(
            ["cppcheck", "--quiet", "--std=c11", "--addon=misra", "-D__riscv_xlen=64", f"--cppcheck-build-dir={kept}",
             "--template={file}:{line}: {message} [{id}]", *[f for f in _flags(arch, plan) if f.startswith("-I")],
             *map(str, paths)], cwd=_ROOT, env=surroundings, text=True, capture_output=True).stderr.splitlines()
    wrong, used = judge(output, (_ROOT / "docs/internals/misra.md").read_text())
    print(f"misra: {sum(used.values())} deviations from {len(used)} rules, each with its reason; {len(wrong)} without")
    return wrong


def _shell() -> Findings:
    return _run("shellcheck", "--severity=warning", *[p for p in _files("bin/*", ".ci/*", "*.sh") if _is_shell(_ROOT / p)])


def _is_shell(path: Path) -> bool:
    return re.match(r"#!(/usr)?/bin/(env )?(ba)?sh\b", path.read_text(errors="replace").split("\n", 1)[0]) is not None


def _pyflakes() -> Findings:
    """Where an import is meant for its effect, its line says `noqa`."""
    return [line for line in _run(_PYTHON, "-m", "pyflakes", "configtool", "tests") if not _is_meant(line)]


def _is_meant(finding: str) -> bool:
    match = re.match(r"(.+?):(\d+):", finding)
    return match is not None and "# noqa" in (_ROOT / match[1]).read_text().splitlines()[int(match[2]) - 1]


def _mypy() -> Findings:
    return _run(_PYTHON, "-m", "mypy", "--config-file", "tests/lint/mypy.ini", "--no-error-summary", "--cache-dir",
                "build/mypy", "configtool")


_CHECKS: dict[str, Callable[[], Findings]] = {
    "misra": _misra, "mypy": _mypy, "tidy": _tidy, "cppcheck": _cppcheck, "analyzer": _analyzer, "pyflakes": _pyflakes, "format": _format,
    "shell": _shell, "spdx": _spdx, "length": _length}


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests/lint", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--jobs", type=int, default=2, help="how many processes")
    parser.add_argument("--format", action="store_true", help="give the C its looks, and check nothing")
    parser.add_argument("checks", nargs="*", metavar="CHECK", help=", ".join(sorted(_CHECKS)))
    options = parser.parse_args()
    unknown = sorted(set(options.checks) - set(_CHECKS))
    if unknown:
        parser.error(f"no such check: {', '.join(unknown)}")
    if options.format:
        return 1 if _run("clang-format", "-i", *_files("*.c", "*.h")) else 0
    start = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        jobs = {name: pool.submit(check) for name, check in _CHECKS.items()
                if not options.checks or name in options.checks}
        found = {name: job.result() for name, job in jobs.items()}
    for name, lines in found.items():
        for line in lines:
            print(f"{name}: {line}")
    wrong = sum(bool(lines) for lines in found.values())
    verdict = f"{wrong} with findings" if wrong else "clean"
    print(f"lint: {len(found)} checks in {time.monotonic() - start:.0f} s, {verdict}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
