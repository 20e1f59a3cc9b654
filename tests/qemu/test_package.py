# SPDX-License-Identifier: Apache-2.0
"""`configtool package`: what it writes starts through Debian's U-Boot, and holds the image."""
import subprocess

import pytest

from harness import ROOT, build

HELLO = "examples/hello/system.yaml"
U_BOOT = "/usr/lib/u-boot/qemu-riscv64_smode/u-boot.bin"


@pytest.fixture(scope="module")
def packaged(tmp_path_factory):
    folder = tmp_path_factory.mktemp("package")
    build(HELLO)
    made = subprocess.run([ROOT / "bin/configtool", "package", ROOT / HELLO, "-o", folder], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True)
    assert (made.stderr, made.returncode) == ("", 0)
    assert made.stdout.split() == [str(folder / n) for n in ("boot.scr", "bulkhead.hex", "bulkhead.itb", "bulkhead.srec")]
    return folder


def u_boot(boot, image):
    console = boot(build(HELLO), {"-kernel": U_BOOT}, ["-device", f"loader,file={image},addr=0x84000000,force-raw=on"])
    console.expect("Hit any key to stop autoboot")
    console.send("\r")
    console.expect("=> ")
    return console


def test_u_boot_starts_the_fit_image(boot, packaged):
    console = u_boot(boot, packaged / "bulkhead.itb")
    console.send("bootm 0x84000000 - $fdtcontroladdr\r")
    console.expect("sha256+ OK")
    console.expect("[hello] Hello from CPU 0 of 1\n")
    assert console.expect_end() == 0


def test_u_boot_refuses_a_damaged_fit_image(boot, packaged, tmp_path):
    data = bytearray((packaged / "bulkhead.itb").read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "damaged.itb").write_bytes(data)
    console = u_boot(boot, tmp_path / "damaged.itb")
    console.send("bootm 0x84000000 - $fdtcontroladdr\r")
    console.expect("Bad hash value for 'hash-1'")


@pytest.mark.parametrize("name, kind", [("bulkhead.srec", "srec"), ("bulkhead.hex", "ihex")])
def test_records_hold_the_image(packaged, tmp_path, name, kind):
    """objcopy reads them back: equal to the flat image but for what lies between its segments."""
    back = tmp_path / "back.bin"
    subprocess.run(["riscv64-unknown-elf-objcopy", "-I", kind, "-O", "binary", packaged / name, back], check=True)
    assert back.read_bytes() == build(HELLO).bin.read_bytes()
