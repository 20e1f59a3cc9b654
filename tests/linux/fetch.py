#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Linux guests that no one here built: Debian's kernels and a static busybox, for three architectures.

Usage: fetch.py kernel|busybox ARCH [-o FILE]     ARCH: riscv64, arm64 or armhf

Prints the path in the cache (cache_dir() of packages.py); -o makes a copy. Exit status 1: it cannot be had.
"""
from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from packages import Archive, FetchError, cache_dir, extract, locked


@dataclass(frozen=True)
class _Source:
    suite: str
    metapackage: str    # depends on the newest kernel package of its kind
    kernel: str         # pattern of that package's name
    image: str          # file name of the bootable image in boot/, without -<release>


_SOURCES = {
    # Debian's riscv64 and arm64 images are flat Images with the kernel's boot header; armhf's is a zImage.
    "riscv64": _Source("trixie", "linux-image-riscv64", r"linux-image-[\d.]+\S*-riscv64", "vmlinux"),
    "arm64": _Source("bookworm", "linux-image-cloud-arm64", r"linux-image-[\d.]+-\d+-cloud-arm64", "vmlinuz"),
    "armhf": _Source("bookworm", "linux-image-armmp-lpae", r"linux-image-[\d.]+-\d+-armmp-lpae", "vmlinuz"),
}
ARCHITECTURES = tuple(_SOURCES)

# Modules kept from the package: what a guest on QEMU can have use for. Those built into a kernel are not there.
_MODULES = ("virtio", "virtio_ring", "virtio_mmio", "virtio_blk", "failover", "net_failover", "virtio_net",
            "virtio_console", "virtio-rng", "rng-core", "uio", "af_packet")


@dataclass(frozen=True)
class Kernel:
    """A kernel of Debian's, in the cache."""
    arch: str           # Debian's name: 'riscv64', 'arm64', 'armhf'
    release: str        # as uname -r prints it
    image: Path         # Image (riscv64, arm64) or zImage (armhf)
    modules: Path       # directory of .ko files, some compressed (.ko.xz); no subdirectories
    builtin: Path       # modules.builtin


def kernel(arch: str) -> Kernel:
    """The kernel for an architecture; fetched on the first call. Raises FetchError."""
    source = _SOURCES[arch]
    choice = zlib.crc32(" ".join(_MODULES).encode())    # a cache filled for fewer modules is no use
    place = cache_dir() / "kernels" / f"{source.suite}-{arch}-{choice:08x}"
    with locked(f"kernel-{arch}"):
        if not place.exists():
            _unpack_kernel(arch, source, place)
    release = (place / "release").read_text().strip()
    return Kernel(arch, release, place / "Image", place / "modules", place / "modules.builtin")


def _unpack_kernel(arch: str, source: _Source, place: Path) -> None:
    archive = Archive(source.suite, arch)
    deb = archive.package(archive.needed_by(source.metapackage, source.kernel), f"a Linux guest for {arch}")

    def wanted(path: PurePosixPath) -> bool:
        return (str(path).startswith(f"boot/{source.image}-") or path.name == "modules.builtin"
                or path.name.partition(".ko")[0] in _MODULES and ".ko" in path.name)

    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent) as work:
        files = extract(deb, wanted, Path(work) / "unpacked")
        ready = Path(work) / "ready"
        (ready / "modules").mkdir(parents=True)
        for file in files:
            if file.parent.name == "boot":
                file.rename(ready / "Image")
                (ready / "release").write_text(file.name[len(source.image) + 1:] + "\n")
            elif file.name == "modules.builtin":
                file.rename(ready / file.name)
            else:
                file.rename(ready / "modules" / file.name)
        missing = [name for name in ("Image", "modules.builtin") if not (ready / name).exists()]
        if missing:
            raise FetchError(f"{deb.name} does not hold what a kernel package should: {', '.join(missing)}")
        ready.rename(place)


def busybox(arch: str) -> Path:
    """A static busybox for an architecture; fetched on the first call. Raises FetchError."""
    suite = _SOURCES[arch].suite
    place = cache_dir() / "busybox" / f"{suite}-{arch}"
    with locked(f"busybox-{arch}"):
        if not place.exists():
            deb = Archive(suite, arch).package("busybox-static", f"the user space of Linux guests for {arch}")
            place.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=place.parent) as work:
                found = extract(deb, lambda path: path.name == "busybox" and path.parent.name == "bin", Path(work))
                if len(found) != 1:
                    raise FetchError(f"{deb.name} holds no bin/busybox")
                found[0].rename(place)
    return place


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Fetch a Linux kernel or a static busybox of Debian's.")
    parser.add_argument("what", choices=("kernel", "busybox"))
    parser.add_argument("arch", choices=ARCHITECTURES)
    parser.add_argument("-o", metavar="FILE", type=Path, help="copy it there")
    options = parser.parse_args(arguments)
    try:
        path = kernel(options.arch).image if options.what == "kernel" else busybox(options.arch)
    except (FetchError, OSError) as error:
        print(f"fetch: {error}", file=sys.stderr)
        return 1
    if options.o:
        options.o.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, options.o)
    else:
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
