# SPDX-License-Identifier: Apache-2.0
"""Input that is made to harm: a diagnostic within 1 GiB of address space and 10 seconds of the CPU, no traceback."""
from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from pathlib import Path
from typing import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench import HELLO, configtool, furnish, guest_elf

ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / "bin" / "configtool"
FUZZ = ROOT / "tests" / "fuzz"
BOARD = ROOT / "boards" / "qemu-riscv64-virt"
OWN = HELLO.replace("qemu-riscv64-virt", "./board")
MEMORY, SECONDS = 1 << 30, 10       # of address space; of the CPU's time, so that a busy machine changes nothing


def limited() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def checked(folder: Path) -> tuple[int, str]:
    """Exit code and standard error under the limits."""
    done = subprocess.run([str(PROGRAM), "check", "system.yaml", "--guests", "built"], cwd=folder, capture_output=True,
                          text=True, errors="replace", timeout=20 * SECONDS, preexec_fn=limited, check=False)
    return done.returncode, done.stderr


def own_board(folder: Path, source: str | bytes, name: str = "board.dts") -> None:
    (folder / "system.yaml").write_text(OWN)
    (folder / "board").mkdir()
    (folder / "board" / "board.yaml").write_bytes((BOARD / "board.yaml").read_bytes())
    (folder / "board" / name).write_bytes(source if isinstance(source, bytes) else source.encode())


# --- one by one ------------------------------------------------------------------------------------------------------


def deep(folder: Path) -> None:
    (folder / "system.yaml").write_text("bulkhead: " + "[" * 1_000_000)


def deep_keys(folder: Path) -> None:
    (folder / "system.yaml").write_text("\n".join(" " * depth + "a:" for depth in range(2000)))


def laughs(folder: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]",
             *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12))]
    (folder / "system.yaml").write_text("\n".join(lines) + "\n")


def many_keys(folder: Path) -> None:
    (folder / "system.yaml").write_text(HELLO + "".join(f"k{n}: {n}\n" for n in range(60_000)))


def many_mistakes(folder: Path) -> None:
    (folder / "system.yaml").write_text(HELLO + "".join(f"  v{n}: {{vcpu: 1, memory: 1}}\n" for n in range(10_000)))


def many_vms(folder: Path) -> None:
    vm = "{vcpus: 1, memory: {ram: 4KiB}, image: {file: guest.elf}}"
    (folder / "system.yaml").write_text(HELLO + "".join(f"  v{n}: {vm}\n" for n in range(7_000)))


def many_channels(folder: Path) -> None:
    vm = "{vcpus: 1, memory: {ram: 16MiB}, image: {file: guest.elf}, channels: {%s}}"
    ends = ", ".join(f"c{n}: {{}}" for n in range(256))
    (folder / "system.yaml").write_text(
        HELLO.partition("vms:")[0] + "channels:\n" + "".join(f"  c{n}: {{size: 8KiB, between: [a, b]}}\n" for n
                                                             in range(256))
        + f"vms:\n  a: {vm % ends}\n  b: {vm % ends}\n")


def many_regions(folder: Path) -> None:
    regions = "".join(f", r{n}: {{size: 4KiB, at: {0x9000_0000 + 8192 * n:#x}}}" for n in range(63))
    vm = f"{{vcpus: 1, memory: {{ram: 4MiB{regions}}}, image: {{file: guest.elf}}}}"
    (folder / "system.yaml").write_text(HELLO.partition("vms:")[0] + "vms:\n" + "".join(f"  v{n}: {vm}\n" for n
                                                                                        in range(4)))


def too_many_regions(folder: Path) -> None:
    regions = "".join(f", r{n}: 4KiB" for n in range(12_000))
    (folder / "system.yaml").write_text(HELLO.replace("16MiB", "16MiB" + regions))


def many_images(folder: Path) -> None:
    more = "".join(f", {{file: guest.elf, at: {0x8000_1000 + 4096 * n:#x}}}" for n in range(63))
    (folder / "system.yaml").write_text(HELLO.replace("image: {file: guest.elf}",
                                                      f"images: [{{file: guest.elf}}{more}]"))


def many_devices(folder: Path) -> None:
    names = ", ".join(f"rtc@{n}" for n in range(1000))
    vm = "{vcpus: 1, memory: {ram: 16MiB}, image: {file: guest.elf}, devices: [%s]}" % names
    (folder / "system.yaml").write_text(HELLO + "".join(f"  v{n}: {vm}\n" for n in range(80)))


def huge(folder: Path) -> None:
    with open(folder / "system.yaml", "wb") as file:
        file.truncate(100 << 20)


def long_line(folder: Path) -> None:
    (folder / "system.yaml").write_text(HELLO.replace("hello\n", "x" * 3_000_000 + "\n", 1))


def long_number(folder: Path) -> None:
    (folder / "system.yaml").write_text(HELLO + f"    criticality: {'9' * 1_000_000}\n")


def extends_itself(folder: Path) -> None:
    (folder / "system.yaml").write_text("bulkhead: 1\nextends: a.yaml\n")
    (folder / "a.yaml").write_text("bulkhead: 1\nextends: ./system.yaml\n")


def includes_itself(folder: Path) -> None:
    own_board(folder, '/dts-v1/;\n/include/ "board.dts"\n/ { };\n')


def includes_endless(folder: Path) -> None:
    own_board(folder, '/dts-v1/;\n/include/ "/dev/zero"\n/ { };\n')


def includes_bytes(folder: Path) -> None:
    own_board(folder, '/dts-v1/;\n/ { a = /incbin/("/dev/zero"); };\n')


def deep_tree(folder: Path) -> None:
    own_board(folder, "/dts-v1/;\n/ {" + " a {" * 50_000 + " };" * 50_000 + " };\n")


def deep_expression(folder: Path) -> None:
    own_board(folder, "/dts-v1/;\n/ { a = <" + "(" * 200_000 + "1" + ")" * 200_000 + ">; };\n")


def gzip_bomb(folder: Path) -> None:
    (folder / "system.yaml").write_text(HELLO)
    engine = zlib.compressobj(9, zlib.DEFLATED, 31)
    (folder / "guest.elf").write_bytes(b"".join(engine.compress(bytes(1 << 20)) for _ in range(700)) + engine.flush())


def largest_image(folder: Path) -> None:
    (folder / "system.yaml").write_text(HELLO.replace("{file: guest.elf}",
                                                      "{file: large.bin, at: 0x80000000}").replace("16MiB", "600MiB"))
    with open(folder / "large.bin", "wb") as file:
        file.truncate(512 << 20)


def fifo(folder: Path) -> None:
    os.mkfifo(folder / "system.yaml")


def fifo_image(folder: Path) -> None:
    (folder / "system.yaml").write_text(HELLO)
    (folder / "guest.elf").unlink()
    os.mkfifo(folder / "guest.elf")


def endless_image(folder: Path) -> None:
    (folder / "system.yaml").write_text(HELLO.replace("guest.elf", "/dev/zero"))


def endless_initrd(folder: Path) -> None:
    linux = HELLO.replace("guest.elf", "Image").replace("16MiB", "64MiB")
    (folder / "system.yaml").write_text(linux + "    linux: {initrd: /dev/urandom}\n")


def directory(folder: Path) -> None:
    (folder / "system.yaml").write_text(HELLO.replace("guest.elf", "."))


def endless_tree(folder: Path) -> None:
    (folder / "system.yaml").write_text(HELLO + "    devicetree: {file: /dev/zero}\n")


def fifo_tree(folder: Path) -> None:
    os.mkfifo(folder / "extra.dtso")
    (folder / "system.yaml").write_text(HELLO + "    devicetree: {extra: extra.dtso}\n")


def fifo_board(folder: Path) -> None:
    own_board(folder, "")
    (folder / "board" / "board.dts").unlink()
    os.mkfifo(folder / "board" / "board.dts")


CASES: list[tuple[Callable[[Path], None], int, str]] = [
    (deep, 1, "error[BH0009]: more than 40 mappings and lists inside one another"),
    (deep_keys, 1, "error[BH0009]: more than 40 mappings and lists inside one another"),
    (laughs, 1, "error[BH0009]: "),
    (many_keys, 1, "error[BH0009]: "),
    (many_mistakes, 1, "19981 more errors: --max-errors 0 shows all"),
    (many_vms, 1, "error[BH0107]: vms has 7001 keys; it takes at most 256"),
    (many_channels, 0, ""),
    (many_regions, 0, ""),
    (too_many_regions, 1, "error[BH0107]: vms.hello.memory has 12001 keys; it takes at most 64"),
    (many_images, 1, "error[BH04"),
    (many_devices, 1, "981 more errors: --max-errors 0 shows all"),
    (huge, 2, "cannot read system.yaml: it has 104,857,600 bytes, and 4,194,304 is the most that is read"),
    (long_line, 1, "error[BH0106]: "),
    (long_number, 1, "error[BH0102]: "),
    (extends_itself, 1, "error[BH0012]: a file that extends itself"),
    (includes_itself, 1, "error[BH0803]: the device tree does not compile: "),
    (includes_endless, 1, "error[BH0803]: "),
    (includes_bytes, 1, "error[BH0803]: "),
    (deep_tree, 1, "error[BH080"),
    (deep_expression, 1, "error[BH0803]: "),
    (gzip_bomb, 1, "error[BH0403]: 'guest.elf' unpacks to more than an image can be"),
    (fifo, 2, "cannot read system.yaml: it is no regular file"),
    (fifo_image, 1, "error[BH0401]: 'guest.elf' is a FIFO, not a file"),
    (endless_image, 1, "error[BH0401]: '/dev/zero' is a device, not a file"),
    (endless_initrd, 1, "error[BH0401]: '/dev/urandom' is a device, not a file"),
    (directory, 1, "error[BH0401]: '.' is a directory, not a file"),
    (endless_tree, 1, "error[BH0802]: cannot read /dev/zero: it is no regular file"),
    (fifo_tree, 1, "error[BH0802]: cannot read extra.dtso: it is no regular file"),
    (fifo_board, 1, "error[BH0802]: cannot read board/board.dts: it is no regular file"),
]


@pytest.mark.parametrize("make, code, said", CASES, ids=[make.__name__ for make, _, _ in CASES])
def test_what_is_made_to_harm(make: Callable[[Path], None], code: int, said: str, tmp_path: Path) -> None:
    make(furnish(tmp_path))
    ended, error = checked(tmp_path)
    assert ended == code and said in error, error[-2000:]
    assert "Traceback" not in error


def test_the_largest_image_fits_or_is_refused(tmp_path: Path) -> None:
    """What the memory of this machine allows decides, and nothing else."""
    largest_image(furnish(tmp_path))
    code, error = checked(tmp_path)
    assert (code, error) in ((0, ""),
                             (2, "configtool: there is not enough memory for this description and its files\n"))


def test_an_image_that_comes_and_goes(tmp_path: Path) -> None:
    furnish(tmp_path)
    (tmp_path / "system.yaml").write_text(HELLO)
    data, ends = guest_elf() + bytes(1 << 20), time.monotonic() + 3

    def flicker() -> None:
        while time.monotonic() < ends:
            (tmp_path / "guest.elf").unlink(missing_ok=True)
            (tmp_path / "guest.elf").write_bytes(data)
            os.truncate(tmp_path / "guest.elf", 5000)

    thread = threading.Thread(target=flicker)
    thread.start()
    codes = set()
    while time.monotonic() < ends:
        code, _, error = configtool("check", "system.yaml", "--guests", "built", folder=tmp_path)
        codes.add(code)
        assert code in (0, 1) and "Traceback" not in error, error
    thread.join()
    assert codes


# --- by the thousand -------------------------------------------------------------------------------------------------


def test_damaged_input_of_every_kind() -> None:
    """A few cases of each kind that tests/fuzz has; `make fuzz` takes its time."""
    done = subprocess.run([sys.executable, str(FUZZ), "--cases", "6", "--seed", "20"], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_case_of_the_fuzzer_is_the_same_again(tmp_path: Path) -> None:
    sys.path.insert(0, str(FUZZ))
    try:
        from cases import KINDS
    finally:
        sys.path.remove(str(FUZZ))
    import random

    for kind, make in KINDS.items():
        found = []
        for name in ("one", "two"):
            folder = tmp_path / kind / name
            folder.mkdir(parents=True)
            make(folder, random.Random(kind))
            found.append({str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*")
                          if p.is_file() and p.name != "huge.elf"})
        assert found[0] == found[1]


TEXT = st.one_of(st.text(max_size=200), st.text(alphabet="abc:-[]{}&*!|>'\"#,? \n\t0x1", max_size=200),
                 st.binary(max_size=200).map(lambda data: data.decode("latin-1")))


@settings(max_examples=150, deadline=None)
@given(TEXT, st.booleans())
def test_any_text_is_a_description_or_a_mistake(text: str, behind: bool) -> None:
    with tempfile.TemporaryDirectory() as place:
        (Path(place) / "system.yaml").write_bytes(((HELLO if behind else "") + text).encode("utf-8", "surrogatepass"))
        code, _, error = configtool("check", "system.yaml", folder=Path(place))
        assert code == 1 and error.startswith(("error[BH0", "warning[BH0")), error


JSON = st.recursive(st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False),
                              st.text(max_size=5),
                              st.sampled_from(["16MiB", "identity", "guest.elf", "rtc@101000", "cpu@0", "auto", "0-3",
                                               "50%", "1GiB/s", "10ms", "direct", True])),
                    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(
                        ["a", "ram", "size", "at", "phys", "file", "image", "vcpus", "cpus", "count", "memory",
                         "devices", "name",
                         "rest", "except", "linux", "channels", "from", "to", "between", "on_fault", "action",
                         "colors", "bandwidth", "budget", "watchdog", "timeout", "manager", "interrupts",
                         "devicetree"]), inner,
                         max_size=4)),
                    max_leaves=12)


@settings(max_examples=150, deadline=None)
@given(JSON)
def test_any_value_for_a_vm_is_a_vm_or_a_mistake(value: object) -> None:
    import json

    with tempfile.TemporaryDirectory() as place:
        (Path(place) / "system.yaml").write_text(HELLO.partition("vms:")[0] + f"vms: {{a: {json.dumps(value)}}}\n")
        code, _, error = configtool("check", "system.yaml", folder=Path(place))
        assert code == 1 and error.startswith("error[BH0"), error
