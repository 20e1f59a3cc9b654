# SPDX-License-Identifier: Apache-2.0
"""The built image in other forms.

FIT: "Flattened Image Tree" of U-Boot (doc/uImage.FIT), one kernel of type standalone-to-boot with a SHA-256, so that a
damaged image is found before it is started. S-record and Intel HEX: each loadable segment at its physical address.
"""
from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from typing import Iterator

from ..diagnostics import UsageError
from ..plan.model import Plan

# Names of architectures in a FIT, by Plan.arch.
_ARCHITECTURES = {"riscv64": "riscv", "riscv32": "riscv", "aarch64": "arm64"}
_DATA = 32                      # bytes of one record


def package(plan: Plan, elf: str, image: str, folder: str) -> list[str]:
    """Write bulkhead.itb, boot.scr, bulkhead.srec and bulkhead.hex into a folder; their names. Raises UsageError."""
    mkimage = shutil.which("mkimage")
    if mkimage is None:
        raise UsageError("mkimage is not installed (package u-boot-tools): a FIT image needs it")
    segments = list(_segments(elf))
    files = {"bulkhead.srec": srecord(plan.name, segments, plan.hypervisor.load),
             "bulkhead.hex": intel_hex(segments, plan.hypervisor.load)}
    with tempfile.TemporaryDirectory() as work:
        shutil.copyfile(image, os.path.join(work, "bulkhead.bin"))
        for name, text, arguments in (
                ("bulkhead.its", _its(plan), ["-f", "bulkhead.its", "bulkhead.itb"]),
                ("boot.cmd", _script(plan), ["-A", _ARCHITECTURES[plan.arch], "-T", "script", "-C", "none", "-n",
                                             plan.name, "-d", "boot.cmd", "boot.scr"])):
            with open(os.path.join(work, name), "w", encoding="utf-8") as file:
                file.write(text)
            # Both forms carry a time; a fixed one keeps equal images equal.
            made = subprocess.run([mkimage, *arguments], cwd=work, capture_output=True, text=True,
                                  env={**os.environ, "SOURCE_DATE_EPOCH": "0"})
            if made.returncode:
                raise UsageError(f"mkimage failed: {(made.stderr or made.stdout).strip()}")
            with open(os.path.join(work, arguments[-1]), "rb") as result:
                files[arguments[-1]] = result.read()
    try:
        os.makedirs(folder, exist_ok=True)
        for name, data in sorted(files.items()):
            part = os.path.join(folder, name + ".part")
            with open(part, "wb") as out:
                out.write(data)
            os.replace(part, os.path.join(folder, name))
    except OSError as reason:
        raise UsageError(f"cannot write to {folder}: {(reason.strerror or str(reason)).lower()}") from None
    return sorted(files)


def _its(plan: Plan) -> str:
    load = f"<{plan.hypervisor.load >> 32:#x} {plan.hypervisor.load & 0xffffffff:#x}>"
    return f"""/dts-v1/;
/ {{
    description = "{plan.name} on {plan.board}";
    #address-cells = <2>;
    images {{
        bulkhead {{
            description = "Bulkhead and its guests";
            data = /incbin/("bulkhead.bin");
            type = "kernel";
            arch = "{_ARCHITECTURES[plan.arch]}";
            os = "linux";
            compression = "none";
            load = {load};
            entry = {load};
            hash-1 {{
                algo = "sha256";
            }};
        }};
    }};
    configurations {{
        default = "system";
        system {{
            description = "{plan.name}";
            kernel = "bulkhead";
        }};
    }};
}};
"""


def _script(plan: Plan) -> str:
    """Commands for U-Boot: the FIT has been loaded to ${fit_addr}, or lies beside the script on the boot device."""
    return f"""# {plan.name} on {plan.board}
setenv fdt_high 0xffffffffffffffff
if test -z "${{fit_addr}}"; then
    setenv fit_addr ${{ramdisk_addr_r}}
    load ${{devtype}} ${{devnum}}:${{distro_bootpart}} ${{fit_addr}} bulkhead.itb
fi
bootm ${{fit_addr}}#system - ${{fdtcontroladdr}}
"""


def _segments(path: str) -> Iterator[tuple[int, bytes]]:
    """(physical address, bytes) of each loadable segment, by address."""
    from elftools.elf.elffile import ELFFile

    with open(path, "rb") as file:
        found = [(segment["p_paddr"], bytes(segment.data())) for segment in ELFFile(file).iter_segments()
                 if segment["p_type"] == "PT_LOAD" and segment["p_filesz"]]
    yield from sorted(found)


def srecord(name: str, segments: list[tuple[int, bytes]], entry: int) -> bytes:
    """Motorola S-record, 32-bit addresses (S0, S3, S7). Raises UsageError for an address beyond them."""
    def record(kind: int, address: int, size: int, data: bytes) -> str:
        body = bytes([size + len(data) + 1]) + address.to_bytes(size, "big") + data
        return f"S{kind}{body.hex()}{~sum(body) & 0xff:02x}".upper()

    lines = [record(0, 0, 2, name.encode()[:_DATA])]
    for base, data in segments:
        if base + len(data) > 1 << 32:
            raise UsageError(f"the image lies beyond 4 GiB, at {base:#x}: S-record has addresses of 32 bits")
        lines += [record(3, base + at, 4, data[at:at + _DATA]) for at in range(0, len(data), _DATA)]
    lines.append(record(7, entry, 4, b""))
    return ("\n".join(lines) + "\n").encode()


def intel_hex(segments: list[tuple[int, bytes]], entry: int) -> bytes:
    """Intel HEX with extended linear addresses (records 00, 01, 04, 05)."""
    def record(kind: int, address: int, data: bytes) -> str:
        body = bytes([len(data)]) + address.to_bytes(2, "big") + bytes([kind]) + data
        return f":{body.hex()}{-sum(body) & 0xff:02x}".upper()

    lines: list[str] = []
    upper = -1
    for base, data in segments:
        at = 0
        while at < len(data):
            address = base + at
            if address >> 32:
                raise UsageError(f"the image lies beyond 4 GiB, at {base:#x}: Intel HEX has addresses of 32 bits")
            if address >> 16 != upper:
                upper = address >> 16
                lines.append(record(4, 0, upper.to_bytes(2, "big")))
            size = min(_DATA, len(data) - at, 0x10000 - (address & 0xffff))
            lines.append(record(0, address & 0xffff, data[at:at + size]))
            at += size
    lines += [record(5, 0, entry.to_bytes(4, "big")), record(1, 0, b"")]
    return ("\n".join(lines) + "\n").encode()
