# SPDX-License-Identifier: Apache-2.0
"""Device trees: the blob is one that dtc and libfdt read, and the source compiles to the same without a warning."""
from __future__ import annotations

import subprocess

from configtool.emit.fdt import serialise, to_dts
from configtool.plan.model import Property, TreeNode
from sample_plan import tree


def dtc(*arguments: str, stdin: bytes) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["dtc", *arguments], input=stdin, capture_output=True, check=True)


def test_blob_is_what_dtc_makes_of_the_source() -> None:
    made = dtc("-I", "dts", "-O", "dtb", stdin=to_dts(tree(), "two\n\nlines").encode())
    assert made.stderr == b""
    assert made.stdout == serialise(tree())


def test_libfdt_reads_it() -> None:
    import libfdt
    fdt = libfdt.FdtRo(serialise(tree(), boot_cpu=2))
    assert (fdt.version(), fdt.last_comp_version(), fdt.boot_cpuid_phys()) == (17, 16, 2)
    memory = fdt.path_offset("/memory@80000000")
    assert fdt.getprop(memory, "device_type").as_str() == "memory"
    assert bytes(fdt.getprop(memory, "reg")) == bytes.fromhex("00000000800000000000000001000000")
    assert bytes(fdt.getprop(fdt.path_offset("/chosen"), "odd")) == b"\1\2\3"


def test_source() -> None:
    assert to_dts(tree(), "of a VM") == """\
// of a VM
/dts-v1/;

/ {
\t#address-cells = <0x2>;
\t#size-cells = <0x2>;
\tcompatible = "bulkhead,guest";
\tmodel = "vm";

\tchosen {
\t\todd = [01 02 03];
\t\tflag;
\t};

\tmemory@80000000 {
\t\tdevice_type = "memory";
\t\treg = <0x0 0x80000000 0x0 0x1000000>;
\t};
};
"""


def test_equal_names_share_a_string() -> None:
    node = TreeNode("", (Property("reg", b"", ""),), (TreeNode("a", (Property("reg", b"", ""),), ()),))
    assert serialise(node).count(b"reg\0") == 1
