# SPDX-License-Identifier: Apache-2.0
"""Rules on guest images: what is in the file, and whether it fits into the VM.

The codes of files are reported by configtool/image, those of places by configtool/plan.
"""
from __future__ import annotations

from typing import Iterator

from ..diagnostics import Diagnostic
from .registry import Context, Rule, reported, rule

_VM = """\
vms:
  hello:
    vcpus: 1
    memory: {ram: 16MiB}
    image: {file: guest.elf}
"""
_LINUX = _VM.replace("16MiB", "128MiB").replace("guest.elf", "Image")
_RAW = _VM.replace("{file: guest.elf}", "{file: blob.bin, at: 0x80000000}")

reported("BH0401", "image that cannot be read", phase="image", explain="""\
The file of an image or initrd is not there, may not be read, is no file (a directory, a FIFO, a device), or changed
while it was read. Paths are relative to the YAML file.""", fails=_VM.replace("guest.elf", "gest.elf"), passes=_VM)

reported("BH0402", "empty image", phase="image", explain="""\
The file has no bytes. Most often the build that makes it was interrupted.""",
         fails=_VM.replace("guest.elf", "empty.elf"), passes=_VM)

reported("BH0403", "image that is too large", phase="image", explain="""\
An image has at most 512MiB, in the file, unpacked, and in memory. The bss of an ELF file counts: it is zeros in the
flat image, so that nothing need be cleared at boot. A guest clears larger buffers itself.""",
         fails=_VM.replace("guest.elf", "huge.elf"), passes=_VM)

reported("BH0404", "image for another processor", phase="image", explain="""\
The architecture, word size or byte order that the file's header names is not that of the board's CPUs.""",
         fails=_VM.replace("guest.elf", "arm64.elf"), passes=_VM)

reported("BH0405", "damaged image", phase="image", explain="""\
The header of an ELF file or of a Linux kernel contradicts itself or the file's length: it was cut short, changed, or
never whole.""",
         fails=_VM.replace("guest.elf", "damaged.elf"), passes=_VM)

reported("BH0406", "file that is no bare-metal program", phase="image", explain="""\
The file is an object file that has not been linked, a program for an operating system (one that wants a dynamic
loader), or has nothing to load. A guest is linked statically, to addresses in its VM's memory.""",
         fails=_VM.replace("guest.elf", "object.o"), passes=_VM)

reported("BH0407", "packed image", phase="image", explain="""\
The file is compressed, or a kernel or other thing inside a container that a boot loader unpacks: nothing unpacks it
here, as images are used where they lie. gzip around an ELF file or a Linux kernel is taken off by configtool; the
message has the command for the others.""",
         fails=_VM.replace("guest.elf", "Image.zst"), passes=_LINUX)

reported("BH0408", "damaged gzip file", phase="image", explain="The file starts as gzip does, and cannot be unpacked.",
         fails=_VM.replace("guest.elf", "damaged.gz"), passes=_LINUX)

reported("BH0409", "raw image without an address", phase="plan", explain="""\
A file that is neither an ELF file nor a Linux kernel is taken as it is, and does not say where it belongs: `at:` does.
Its first byte is the first instruction, unless `entry:` says otherwise.""",
         fails=_RAW.replace(", at: 0x80000000", ""), passes=_RAW)

reported("BH0410", "address that differs from the ELF file's", phase="plan", explain="""\
An ELF file says where it is to lie. `at:` beside it does not move it: code that was linked for one address does not run
at another.""",
         fails=_VM.replace("guest.elf", "guest.elf, at: 0x80400000"), passes=_VM)

reported("BH0411", "image outside the VM's memory", phase="plan", explain="""\
Each part of an image has to lie wholly inside one region of the VM. For a Linux kernel that includes what it clears at
its start (image_size in its header).""",
         fails=_VM.replace("ram: 16MiB", "ram: {size: 16MiB, at: 0x90000000}"), passes=_VM)

reported("BH0412", "image in memory that it may not use so", phase="plan", explain="""\
A segment of an ELF file is to be written or executed, and the region that it lies in does not allow that
(`access:`).""",
         fails=_VM.replace("{ram: 16MiB}",
                           "{ram: {size: 16MiB, at: 0x90000000}, code: {size: 1MiB, at: 0x80000000, access: r}}"),
         passes=_VM.replace("{ram: 16MiB}", "{ram: {size: 16MiB, at: 0x90000000}, code: {size: 1MiB, at: 0x80000000}}"))

reported("BH0413", "entry outside the image", phase="plan", explain="""\
The first instruction would be fetched from where the image has nothing. In an ELF file the entry is what ENTRY() in the
linker script names; the address 0 means that the linker did not find it.""",
         fails=_VM.replace("guest.elf", "entry.elf"), passes=_VM)

reported("BH0414", "entry that differs from the ELF file's", phase="plan", explain="""\
`entry:` is for files that do not say where they begin. An ELF file does.""",
         fails=_VM.replace("guest.elf", "guest.elf, entry: 0x80000100"), passes=_VM)

reported("BH0415", "images that overlap", phase="plan", explain="""\
Two images of a VM have the same addresses. A Linux kernel also uses what lies behind it, as far as image_size in its
header says.""",
         fails=_VM.replace("image: {file: guest.elf}", "images: [{file: guest.elf}, {file: blob.bin, at: 0x80000000}]"),
         passes=_VM.replace("image: {file: guest.elf}",
                            "images: [{file: guest.elf}, {file: blob.bin, at: 0x80400000}]"))

reported("BH0416", "kernel at an address where it does not run", phase="plan", explain="""\
A Linux kernel lies text_offset (a field of its header) above a multiple of 2MiB (4MiB on 32-bit RISC-V), or it fails in
its first instructions, before it can say a word. Without `at:` configtool puts it there.""",
         fails=_LINUX.replace("Image", "Image, at: 0x80300000"), passes=_LINUX)

reported("BH0418", "no room for device tree or initrd", phase="plan", explain="""\
The VM's main memory has no free piece that is large enough for its device tree or its initrd, beside its images.""",
         fails=_LINUX.replace("128MiB", "8MiB").replace("{file: Image}",
                                                        "{file: Image}\n    linux: {initrd: rootfs.cpio}"),
         passes=_LINUX.replace("{file: Image}", "{file: Image}\n    linux: {initrd: rootfs.cpio}"))


@rule("BH0420", "Linux options that reach nobody", phase="system", explain="""\
A kernel learns of its initrd and its command line from the device tree. With `devicetree: none` there is none, and with
a tree of one's own they are what that tree says.""",
      fails=_LINUX + "    linux: {cmdline: quiet}\n    devicetree: none\n",
      passes=_LINUX + "    linux: {cmdline: quiet}\n")
def lost_options(self: Rule, context: Context) -> Iterator[Diagnostic]:
    for vm in context.system.vms:
        options = vm.linux
        if options is None or vm.devicetree == "generated":
            continue
        lost, help_ = (f"VM '{vm.name}' has no device tree",
                       "remove `devicetree: none`") if vm.devicetree == "none" else \
            (f"the device tree of VM '{vm.name}' is one of your own", "write it into that tree, under /chosen")
        for key, value, span in (("initrd", options.initrd, options.initrd_span),
                                 ("cmdline", options.cmdline, options.cmdline_span)):
            if value is not None:
                yield self.diagnostic(f"`{key}` reaches nobody: {lost}", span or options.span, help=[help_])


reported("BH0421", "image with a large hole", phase="plan", explain="""\
The flat image is one piece, from the load address to the last guest image in it. A guest image that is tied to a place
far away (by `phys:`, or by the address that it is linked to with `at: identity`) would make it mostly filling, and one
below the load address cannot be in it at all.""",
         fails=_VM.replace("16MiB", "{size: 16MiB, phys: 0xc0000000}"),
         passes=_VM.replace("16MiB", "{size: 16MiB, phys: 0x88000000}"))


@rule("BH0422", "kernel without a device tree", phase="image", explain="""\
A Linux kernel finds its memory, its CPUs and its console in the device tree, and stops without a word when it has
none.""",
      fails=_LINUX + "    devicetree: none\n", passes=_LINUX)
def kernel_without_tree(self: Rule, context: Context) -> Iterator[Diagnostic]:
    for vm in context.system.vms:
        kernel = next((ref for ref in vm.images if ref.path in context.images
                       and context.images[ref.path].kind == "linux"), None)
        if kernel is not None and vm.devicetree == "none":
            yield self.diagnostic(f"VM '{vm.name}' runs a Linux kernel and has no device tree", vm.devicetree_span
                                  or vm.span,
                                  help=["remove `devicetree: none`"])


reported("BH0430", "overlay that refers to what is not there", phase="plan", explain="""\
The overlay of `devicetree: {extra: ...}` changes a node, or names one by a label, that the VM's generated device tree
does not have. The message lists the labels that there are; `configtool gen` writes the whole tree as DTS, to read.""",
         fails=_VM + "    devicetree: {extra: extra.dtso}\n# with an extra.dtso that says &uart7 { x; };\n", passes=_VM)

reported("BH0431", "file that is no overlay", phase="plan", explain="""\
The file of `devicetree: {extra: ...}` compiles, and has no fragments for another tree. An overlay begins with /dts-v1/;
/plugin/; and refers to nodes of the tree that it changes: &soc { ... };""",
         fails=_VM + "    devicetree: {extra: extra.dtso}\n# with an extra.dtso that is a whole tree\n", passes=_VM)

reported("BH0432", "device tree that is too large", phase="plan", explain="""\
A kernel maps 2MiB of its device tree and no more.""",
         fails=_VM + "    devicetree: {file: big.dtb}\n# with a big.dtb of 3MiB\n", passes=_VM)

_TREE = _VM + "    devicetree: {at: %s}\n"

reported("BH0440", "device tree outside the VM's memory", phase="plan", explain="""\
`devicetree: {at: ...}` puts the device tree at an address of the guest, or at the start of a region of its memory that
it names. The whole tree, in whole pages, has to lie inside one region.""",
         fails=_TREE % "0x80fff800", passes=_TREE % "0x80800000")

reported("BH0441", "device tree at an address that it cannot have", phase="plan", explain="""\
A flattened device tree lies at a multiple of 8 (Devicetree Specification, section 5.6). At address 0 it would be taken
for none.""",
         fails=_TREE % "0x80800004", passes=_TREE % "0x80800008")

reported("BH0442", "device tree over an image", phase="plan", explain="""\
`devicetree: {at: ...}` puts the device tree where an image lies, or what a kernel clears at its start.""",
         fails=_TREE % "ram", passes=_TREE % "0x80800000")
