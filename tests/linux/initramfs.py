#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A small initramfs for a Linux guest: Debian's static busybox, its kernel's virtio modules and an /init.

Usage: initramfs.py ARCH -o FILE [--add FILE:PATH]... [--run SCRIPT]     ARCH: riscv64, arm64 or armhf

/init loads the modules, brings up a network if there is one (DHCP), prints `bulkhead-guest: ready, N cpus, M kB`, runs
SCRIPT and gives a shell on the console; `poweroff` and `reboot` do what they say. The same input gives the same bytes.
"""
from __future__ import annotations

import argparse
import gzip
import lzma
import re
import stat
import sys
from pathlib import Path
from typing import Mapping

from packages import FetchError
from fetch import ARCHITECTURES, Kernel, busybox, kernel

# Names of modules as files have them; those that a kernel has built in are left out.
VIRTIO = ("virtio_mmio", "virtio_blk", "virtio_net", "virtio_console")

_INIT = """\
#!/bin/sh
export PATH=/bin HOME=/root TERM=linux PS1='guest# ' ENV=/etc/shrc
/bin/busybox --install -s /bin 2>/dev/null
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
for module in $(cat /lib/modules/order); do
    insmod /lib/modules/$module
done
ip link set lo up
for card in /sys/class/net/*; do
    card=${card##*/}
    [ $card = lo ] && continue
    ip link set $card up
    udhcpc -i $card -s /etc/udhcpc.script -n -q -t 5 -T 1 >/dev/null 2>&1 || echo "bulkhead-guest: $card has no address"
done
echo "bulkhead-guest: ready, $(nproc) cpus, $(awk '/^MemTotal/ {print $2}' /proc/meminfo) kB"
[ -x /etc/run ] && /etc/run
cd /root
while :; do
    setsid cttyhack /bin/sh
done
"""

_DHCP = """\
#!/bin/sh
[ "$1" = bound ] || [ "$1" = renew ] || exit 0
ip address flush dev $interface
ip address add $ip/${mask:-24} dev $interface
[ -z "$router" ] || ip route replace default via ${router%% *} dev $interface
"""

# PID 1 is /init, which takes no signals: without -f busybox would ask it and return.
_SHRC = "".join(f"alias {name}='busybox {name} -f'\n" for name in ("poweroff", "reboot", "halt"))

_DIRECTORIES = ("bin", "dev", "etc", "lib", "lib/modules", "proc", "root", "sys", "tmp")


def build(arch: str, add: Mapping[str, bytes] | None = None, run: str | None = None) -> bytes:
    """The initramfs, gzipped. Raises FetchError.

    add: further files by their absolute path in the guest; executable where they start with #! or as an ELF file does.
    run: text of a shell script that /init runs before it gives the shell.
    """
    modules = _modules(kernel(arch), VIRTIO)
    files = {
        "/init": _INIT.encode(),
        "/bin/busybox": busybox(arch).read_bytes(),
        "/etc/shrc": _SHRC.encode(),
        "/etc/udhcpc.script": _DHCP.encode(),
        "/lib/modules/order": "".join(f"{name}\n" for name in modules).encode(),
        **{f"/lib/modules/{name}": data for name, data in modules.items()},
        **({"/etc/run": b"#!/bin/sh\n" + run.encode()} if run is not None else {}),
        **(add or {}),
    }
    return gzip.compress(archive(files, links={"/bin/sh": "busybox"}), compresslevel=6, mtime=0)


def _modules(linux: Kernel, wanted: tuple[str, ...]) -> dict[str, bytes]:
    """Modules and those that they depend on, by file name, in the order in which they can be loaded."""
    builtin = {Path(line).name[:-len(".ko")] for line in linux.builtin.read_text().split()}
    found: dict[str, bytes] = {}

    def load(name: str) -> None:
        if name in builtin or f"{name}.ko" in found:
            return
        file = next(iter(linux.modules.glob(f"{name}.ko*")), None)
        if file is None:
            raise FetchError(f"Debian's kernel {linux.release} has no module {name}")
        data = lzma.decompress(file.read_bytes()) if file.suffix == ".xz" else file.read_bytes()
        depends = re.search(rb"\0depends=([^\0]*)\0", data)     # in the section .modinfo
        for other in (depends[1].decode() if depends else "").split(","):
            if other:
                load(other)
        found[f"{name}.ko"] = data

    for name in wanted:
        load(name)
    return found


def archive(files: Mapping[str, bytes], links: Mapping[str, str]) -> bytes:
    """A cpio archive. Format: Linux, Documentation/driver-api/early-userspace/buffer-format.rst ('newc')."""
    # The kernel opens /dev/console for /init before anything is mounted there.
    entries = [("dev/console", stat.S_IFCHR | 0o600, b"", (5, 1))]
    directories = {*_DIRECTORIES, *(str(d)[1:] for path in (*files, *links) for d in Path(path).parents if str(d) != "/")}
    entries += [(name, stat.S_IFDIR | 0o755, b"", (0, 0)) for name in directories]
    entries += [(path[1:], stat.S_IFREG | _mode(data), data, (0, 0)) for path, data in files.items()]
    entries += [(path[1:], stat.S_IFLNK | 0o777, target.encode(), (0, 0)) for path, target in links.items()]
    out = bytearray()
    for number, (name, mode, data, device) in enumerate(sorted(entries), start=1):
        _entry(out, number, name, mode, data, device)
    _entry(out, 0, "TRAILER!!!", 0, b"", (0, 0))
    return bytes(out) + bytes(-len(out) % 512)


def _entry(out: bytearray, number: int, name: str, mode: int, data: bytes, device: tuple[int, int]) -> None:
    # inode, mode, user, group, links, time, size, device of the file (2), device that it is (2), length of name, check
    fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(name) + 1, 0)
    out += b"070701" + b"".join(b"%08x" % field for field in fields) + name.encode() + b"\0"
    out += bytes(-len(out) % 4)
    out += data
    out += bytes(-len(out) % 4)


def _mode(data: bytes) -> int:
    return 0o755 if data.startswith((b"#!", b"\x7fELF")) else 0o644


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Make an initramfs for a Linux guest.")
    parser.add_argument("arch", choices=ARCHITECTURES)
    parser.add_argument("-o", metavar="FILE", type=Path, required=True, help="where to write it")
    parser.add_argument("--add", metavar="FILE:PATH", action="append", default=[],
                        help="put FILE at the absolute PATH of the guest; may be repeated")
    parser.add_argument("--run", metavar="SCRIPT", type=Path, help="shell script to run before the shell")
    options = parser.parse_args(arguments)
    add = {}
    for pair in options.add:
        file, _, path = pair.rpartition(":")
        if not file or not path.startswith("/"):
            parser.error(f"--add wants FILE:PATH with an absolute PATH, not '{pair}'")
        add[path] = Path(file)
    try:
        data = build(options.arch, {path: file.read_bytes() for path, file in add.items()},
                     options.run.read_text() if options.run else None)
        options.o.parent.mkdir(parents=True, exist_ok=True)
        options.o.write_bytes(data)
    except (FetchError, OSError) as error:
        print(f"initramfs: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
