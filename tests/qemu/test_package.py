# SPDX-License-Identifier: Apache-2.0
"""`configtool package`: what it writes starts through Debian's U-Boot, and holds the image."""
import subprocess

import pytest

from harness import ROOT, Console, build

# By architecture: the system, U-Boot's folder in the package, QEMU's option that starts it, where the image is put.
SYSTEMS = {"riscv64": ("examples/hello/system.yaml", "qemu-riscv64_smode", "-kernel", "0x84000000"),
           "aarch64": ("examples/hello/hello-gicv3.yaml", "qemu_arm64", "-bios", "0x50000000")}

OBJCOPY = {"riscv64": "riscv64-unknown-elf-objcopy", "aarch64": "aarch64-linux-gnu-objcopy"}


@pytest.fixture(scope="module", params=SYSTEMS)
def arch(request):
    return request.param


@pytest.fixture(scope="module")
def packaged(arch, tmp_path_factory):
    folder = tmp_path_factory.mktemp("package")
    hello = SYSTEMS[arch][0]
    build(hello)
    made = subprocess.run([ROOT / "bin/configtool", "package", ROOT / hello, "-o", folder], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True)
    assert (made.stderr, made.returncode) == ("", 0)
    assert made.stdout.split() == [str(folder / n) for n in ("boot.scr", "bulkhead.hex", "bulkhead.itb", "bulkhead.srec")]
    return folder


def u_boot(arch, image, script=None):
    """U-Boot at its prompt (on Arm at EL2), with an image in memory, and a script 16 MiB above it."""
    hello, folder, option, address = SYSTEMS[arch]
    command = build(hello).command()
    at = command.index("-kernel")
    command[at:at + 2] = [option, f"/usr/lib/u-boot/{folder}/u-boot.bin"]
    command += ["-device", f"loader,file={image},addr={address},force-raw=on"]
    if script is not None:
        command += ["-device", f"loader,file={script},addr={int(address, 16) + (16 << 20):#x},force-raw=on"]
    console = Console(command)
    console.expect("Hit any key to stop autoboot")
    console.send("\r")
    console.expect("=> ")
    return console


@pytest.fixture
def started():
    """u_boot(), ended with the test."""
    consoles = []

    def start(*arguments):
        consoles.append(u_boot(*arguments))
        return consoles[-1]

    yield start
    for console in consoles:
        console.close()
        print(console.output)


def hello_ends(console):
    console.expect("[hello] Hello from CPU 0 of 1\n")
    assert console.expect_end() == 0


def test_u_boot_starts_the_fit_image(arch, started, packaged):
    console = started(arch, packaged / "bulkhead.itb")
    console.send(f"bootm {SYSTEMS[arch][3]}#system - $fdtcontroladdr\r")
    console.expect("sha256+ OK")
    hello_ends(console)


def test_u_boot_runs_the_script(arch, started, packaged):
    address = SYSTEMS[arch][3]
    console = started(arch, packaged / "bulkhead.itb", packaged / "boot.scr")
    console.send(f"setenv fit_addr {address}; source {int(address, 16) + (16 << 20):#x}\r")
    console.expect("sha256+ OK")
    hello_ends(console)


def test_u_boot_boots_the_flat_image_as_a_kernel(arch, started):
    """`booti` moves it to where its header asks to be."""
    console = started(arch, build(SYSTEMS[arch][0]).bin)
    console.send(f"booti {SYSTEMS[arch][3]} - $fdtcontroladdr\r")
    console.expect("Moving Image from ")
    hello_ends(console)


def test_u_boot_refuses_a_damaged_fit_image(arch, started, packaged, tmp_path):
    data = bytearray((packaged / "bulkhead.itb").read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "damaged.itb").write_bytes(data)
    console = started(arch, tmp_path / "damaged.itb")
    console.send(f"bootm {SYSTEMS[arch][3]}#system - $fdtcontroladdr\r")
    console.expect("Bad hash value for 'hash-1'")


@pytest.mark.parametrize("name, kind", [("bulkhead.srec", "srec"), ("bulkhead.hex", "ihex")])
def test_records_hold_the_image(arch, packaged, tmp_path, name, kind):
    """objcopy reads them back: equal to the flat image but for what lies between its segments."""
    back = tmp_path / "back.bin"
    subprocess.run([OBJCOPY[arch], "-I", kind, "-O", "binary", packaged / name, back], check=True)
    assert back.read_bytes() == build(SYSTEMS[arch][0]).bin.read_bytes()
