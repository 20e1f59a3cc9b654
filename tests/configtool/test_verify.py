# SPDX-License-Identifier: Apache-2.0
"""configtool verify as its user sees it."""
from __future__ import annotations

import hashlib
import json
import os
import random
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from configtool.cli.main import main
from configtool.verify import show
from configtool.verify.elf import NotAnImage
from configtool.verify.judge import verify
from verify_mutations import RAM, config_fields, good, leaf, leaves, patched, with_entries
from verify_system import ROOT, build


def run(capsys: pytest.CaptureFixture[str], *arguments: str, image: bytes | None = None,
        folder: Path | None = None) -> tuple[int, str, str]:
    """Exit code and both outputs of `configtool verify`; paths in them are shortened to file names."""
    system = build()
    elf = system.elf
    if image is not None:
        assert folder is not None
        elf = folder / "bulkhead.elf"
        elf.write_bytes(image)
    code = main(["verify", str(elf), str(system.yaml), *arguments])
    out, err = capsys.readouterr()
    for path in (elf, system.yaml):
        out, err = out.replace(str(path), path.name), err.replace(str(path), path.name)
    return code, out, err


REPORT = """\
bulkhead.elf: verified for qemu-riscv64-virt, build {build}

  VM     CPUs          memory   devices
  alpha  cpu@0         4160KiB  rtc@101000
  beta   cpu@2, cpu@1  2MiB     -
  gamma  cpu@3         8MiB     -

  between         shared by the description
  alpha    beta   channel both 8KiB: alpha writes the first half, beta the second, each reads the other's (system.yaml:6)
                  channel news 4KiB: alpha writes, beta, gamma read (system.yaml:7)
                  alpha rings beta (both, interrupt 32)
                  alpha rings beta (news, interrupt 33)
                  beta rings alpha (both, interrupt 32)
  alpha    gamma  channel news 4KiB: alpha writes, beta, gamma read (system.yaml:7)
                  alpha rings gamma (news, interrupt 32)
  beta     gamma  channel news 4KiB: both read (system.yaml:7)

  ok      configuration     the image was made from this description, for this board (14 values)
  ok      image-file        the image lies where it is linked, in RAM that is nobody else's (14 segments)
  ok      tables            translation tables are well formed and lie in their own section (25 tables)
  ok      memory-exclusive  each VM's memory is its own but for channels (3,603 pages)
  ok      reach             no VM reaches the hypervisor, firmware, or a device that is not its own (3,608 pages)
  ok      memory-promised   each VM has the memory that its description promises (4 regions)
  ok      channels          channels join whom the description says, in its direction (5 channel ends)
  ok      doorbells         doorbells reach whom the description says, and nothing else (4 doorbells)
  ok      virtual-devices   virtual devices trap to the hypervisor and are those of the description (8 windows)
  ok      devices           each device is mapped to its owner alone (1 device page)
  ok      dma               no device masters memory unless its DMA is trusted by name (1 device)
  ok      interrupts        each physical interrupt goes to the owner of its device alone (95 sources)
  ok      cpus              each CPU belongs to one VM, and each VM has its CPUs (4 CPUs)
  ok      hypervisor        the hypervisor maps only what is its own, none of it writable and executable (1,563 pages)
  ok      console           the hypervisor's console is the UART of the description (5 values)
  ok      device-trees      guests' device trees agree with their tables and interrupts (45 nodes)
  ok      images            guest images lie unaltered where they belong, and no other data does (96,948 bytes)
  ok      places            the map for fault reports agrees with the tables (20 places)
  ok      restart           restarts follow the description and put back a VM's own memory (9 policies)
  ok      management        VMs are steered and watched by those whom the description names (3 VMs)
  ok      environment       the hypervisor assumes of the board what its device tree says (7 values)

3 VMs, 21 checks, 3,608 pages walked: isolated
"""


def test_a_good_image(capsys: pytest.CaptureFixture[str]) -> None:
    build_id = good()[1].build_id.hex()[:16]
    assert run(capsys) == (0, REPORT.format(build=build_id), "")


def test_quiet_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "-q") == (0, "bulkhead.elf: 3 VMs, 21 checks, 3,608 pages walked: isolated\n", "")


def test_evidence(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "-v")
    lines = [line.strip() for line in out.splitlines()]
    assert code == 0
    assert "- 3 pairs of VMs, 18 extents of memory compared" in lines
    assert "- out of reach: OpenSBI 0x80000000 to 0x80080000" in lines
    assert "- alpha: memory.table 64KiB r at 0x90000000, at IPA 0x90000000" in lines
    assert "- both: alpha rings beta" in lines
    assert "- 11: alpha, rtc@101000, there 11" in lines
    assert "- alpha: a restart puts back 4MiB, of it 24KiB from pristine copies" in lines


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "--format", "json")
    report = json.loads(out)
    assert (code, err, report["isolated"], len(report["checks"])) == (0, "", True, 21)
    assert [vm["name"] for vm in report["vms"]] == ["alpha", "beta", "gamma"]
    assert report["vms"][0]["interrupts"] == [11]
    first = report["vms"][0]["map"][0]
    assert first == {"ipa": 0x101000, "phys": 0x101000, "size": 4096, "access": "rw", "what": "rtc@101000"}
    news = good()[1].vms[2].walk.extents
    base = next(e.phys for e in news if e.size == 4096 and e.access == "r")
    assert report["pairs"][2] == {
        "vms": ["beta", "gamma"], "isolated": True, "pages": [515, 2049], "common": 1, "statement":
        "beta and gamma: neither reaches memory or a device of the other (515 pages and 2,049 pages, 1 in common), but "
        f"channel news 4KiB at physical {base:#x} (system.yaml:7): both read",
        "shared": [{"what": "channel news", "how": "both read", "size": 4096, "physical": [[base, base + 4096]],
                    "access": ["r", "r"], "file": "system.yaml", "line": 7}],
        "doorbells": [], "powers": [], "stray": []}
    assert [target["what"] for target in report["reach"][1]["targets"]] == [
        "the hypervisor's code and data", "the translation tables", "the pristine copies", "firmware and reserved memory",
        "devices of the hypervisor", "devices of other VMs", "devices of nobody"]
    assert not any(target["stray"] or target["reached"] for vm in report["reach"] for target in vm["targets"])
    rtc = next(device for device in report["devices"] if device["name"] == "rtc@101000")
    assert (rtc["holder"], rtc["interrupts"], rtc["line"], rtc["dma"]) == ("alpha", [11], 18, "none")
    assert {owner for block in report["memory"] for owner in block["owners"]} == {
        "OpenSBI", "hypervisor", "translation tables", "pristine copies", "alpha", "beta", "gamma", "channel both",
        "channel news", "device tree left by QEMU", "free"}
    assert report["assumptions"] == ["the hypervisor's code does what its source says with this configuration"]


def test_the_files_that_it_rests_on(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(build().elf), str(build().yaml), "--format", "json"]) == 0
    out = capsys.readouterr().out
    report, folder = json.loads(out), build().folder
    listed = {entry["file"]: (entry["role"], entry["sha256"]) for entry in report["inputs"]}
    for name, role in (("system.yaml", "description"), ("alpha.elf", "image of alpha"), ("table.bin", "image of alpha"),
                       ("beta.bin", "image of beta"), ("Image", "image of gamma"), ("initrd.bin", "initrd of gamma")):
        assert listed[str(folder / name)] == (role, hashlib.sha256((folder / name).read_bytes()).hexdigest())
    board = ROOT / "boards" / "qemu-riscv64-virt"
    for name, role in (("board.yaml", "board"), ("board.dts", "device tree")):
        sha256 = hashlib.sha256((board / name).read_bytes()).hexdigest()
        assert [value for file, value in listed.items() if Path(file).resolve() == board / name] == [(role, sha256)]
    assert report["elf_sha256"] == hashlib.sha256(build().data).hexdigest()
    flat = build().elf.with_suffix(".bin").read_bytes()
    assert report["flat_sha256"] == hashlib.sha256(flat).hexdigest()
    assert report["tool"].startswith("configtool ") and report["interrupt_controller"] == "plic"


def test_a_statement_for_each_two(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "-v")
    lines = [line.strip() for line in out.splitlines()]
    at = lines.index("- alpha and beta: neither reaches memory or a device of the other (1,044 pages and 515 pages, 3 in "
                     "common), but")
    assert re.fullmatch(r"channel both 8KiB at physical 0x[0-9a-f]+ \(system.yaml:6\): alpha writes the first half, beta "
                        r"the second, each reads the other's", lines[at + 1])
    assert "- gamma reaches none of devices of other VMs (1 device, 1 page)" in lines
    sha256 = hashlib.sha256((build().folder / "initrd.bin").read_bytes()).hexdigest()
    assert re.fullmatch(f"{sha256}  initrd of gamma +{build().folder}/initrd.bin",
                        next(line for line in lines if line.startswith(sha256)))


def test_what_no_check_looks_at_is_still_a_statement() -> None:
    """The statements come from the address spaces as a whole: they hold or fail by themselves."""
    alpha, beta, _ = good()[1].vms
    where, entry, _, _ = leaves(beta.walk, 0)[-3]
    taken = alpha.walk.at(0x8010_0000)
    assert taken is not None
    theirs = taken.phys + 0x8010_0000 - taken.ipa
    system = build()
    report = verify(with_entries((where, leaf(theirs, entry & 0x3ff))), "x", system.system, system.board, system.layout)
    first = f"alpha and beta both reach {theirs:#x} to {theirs + 4096:#x}, which the description does not share "
    assert [line.startswith(first) for line in show.strays(report)] == [True]
    assert not replace(report, checks=()).isolated
    for physical, what in ((good()[1].own.root, "the translation tables"), (0x8020_0000, "the hypervisor's code and data"),
                           (0x8000_0000, "firmware and reserved memory"), (0x0c00_0000, "devices of the hypervisor"),
                           (0x10_1000, "devices of other VMs"), (0x1000_1000, "devices of nobody")):
        report = verify(with_entries((where, leaf(physical, entry & 0x3ff))), "x", system.system, system.board,
                        system.layout)
        assert any(line.startswith(f"beta REACHES {physical:#x} to {physical + 4096:#x} of {what} (")
                   for line in show.strays(report)), what


def test_html_needs_nothing_else(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, out, err = run(capsys, "--format", "html", "-o", str(tmp_path / "report.html"))
    page = (tmp_path / "report.html").read_text()
    assert (code, out, err) == (0, "", "")
    assert "3 VMs, 21 checks, 3,608 pages walked: isolated" in page
    assert page.count("<details") == 21 and page.endswith("</body></html>\n")
    assert not re.search(r"https?:|src=|<link|<script|@import", page)
    pictures = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert len(pictures) == 5           # the bank to scale, its blocks, three guests
    for picture in pictures:
        ElementTree.fromstring(picture)
    matrix = re.search(r'<table class="matrix">.*?</table>', page, re.DOTALL)
    assert matrix is not None
    rows = [re.findall(r'<td class="(\w+)">', row) for row in matrix[0].split("<tr>")[2:]]
    assert [row[:3] for row in rows] == [["self", "share", "share"], ["share", "self", "share"], ["share", "share", "self"]]
    assert all(kind == "none" for row in rows for kind in row[3:]) and [len(row) for row in rows] == [10, 10, 10]


def test_the_same_bytes_whatever_the_hash_seed() -> None:
    system = build()
    for form in ("json", "html"):
        reports = {subprocess.run([sys.executable, "-m", "configtool", "verify", str(system.elf), str(system.yaml),
                                   "--format", form], cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": seed}, check=True,
                                  capture_output=True).stdout for seed in ("1", "2")}
        assert len(reports) == 1


def test_memory_of_another_vm(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    alpha, beta, _ = good()[1].vms
    where, entry, _, ipa = leaves(beta.walk, 0)[-3]
    taken = alpha.walk.at(0x8010_0000)
    assert taken is not None
    theirs = taken.phys + 0x8010_0000 - taken.ipa
    image = with_entries((where, leaf(theirs, entry & 0x3ff)))
    code, out, err = run(capsys, image=image, folder=tmp_path)
    assert code == 1
    assert f"""\
error[memory-exclusive]: VMs 'alpha' and 'beta' both reach physical memory {theirs:#x} to {theirs + 4096:#x}
  --> system.yaml:20:3
   |
20 |   beta:
   |   ^^^^ VM 'beta' at IPA {ipa:#x} (rwx)
  ::: system.yaml:9:3
 9 |   alpha:
   |   ----- VM 'alpha' at IPA 0x80100000 (rwx)
   = note: no channel of the description shares it
   = see: docs/verify.md, memory-exclusive
""" in err
    assert "  FAILED  memory-exclusive  each VM's memory is its own but for channels (3,602 pages)\n" in out
    assert out.endswith("3 VMs, 21 checks, 3,608 pages walked: NOT isolated: 1 check failed (memory-exclusive)\n")


def message(image: bytes) -> list[str]:
    """The first line of each finding."""
    system = build()
    report = verify(image, "bulkhead.elf", system.system, system.board, system.layout)
    return [f"{f.code}: {f.message}" for f in report.findings]


def test_what_a_vm_may_not_reach() -> None:
    beta = good()[1].vms[1]
    where, entry, _, ipa = leaves(beta.walk, 0)[-3]
    flags = entry & 0x3ff
    for physical, owner in ((good()[1].own.root, "the hypervisor's translation tables"),
                            (0x8020_0000, "the hypervisor's code"), (0x8000_0000, "OpenSBI"),
                            (0x1000_0000, "device serial@10000000"), (0x0c00_0000, "device plic@c000000"),
                            (0x10_1000, "device rtc@101000"),
                            (0x3000_0000, "device pci@30000000"),
                            (0x7_0000_0000, "device pci@30000000"),
                            (0xf0_0000_0000, "no memory and no device that the board's device tree tells of")):
        assert f"reach: VM 'beta' reaches {physical:#x} to {physical + 4096:#x}: {owner}" in message(
            with_entries((where, leaf(physical, flags)))), owner


def field(path: str, value: int) -> bytes:
    found = next(f for f in config_fields() if f.path == path and f.kind != "text")
    return patched((found.address, value.to_bytes(found.size, "little")))


@pytest.mark.parametrize("path, value, expected", [
    ("irq_owner[11].vm", 1, "interrupts: VM 'beta' gets interrupt 11"),
    ("irq_owner[11].vm", 0xffff, "interrupts: interrupt 11 of device 'rtc@101000' does not reach VM 'alpha'"),
    ("cpus[1].id", 3, "cpus: the CPU with id 0x3 is in the image twice"),
    ("cpus[0].id", 9, "cpus: the image uses a CPU with id 0x9"),
    ("vms[1].entry", 0x8000_0000, "images: VM 'beta' starts at IPA 0x80000000"),
    ("vms[1].criticality", 6, "configuration: VM 'beta' has criticality 6 in the image"),
    ("vms[0].on_fault.at_most", 4, "restart: on_fault of VM 'alpha' is not what its description says"),
    ("vms[0].channels[0].rings[0].vm", 2,
     "doorbells: the doorbell of channel 'both' of VM 'alpha' reaches gamma instead of beta"),
    ("vms[0].channels[0].rings[0].guest", 33,
     "doorbells: channel 'both' raises several interrupts of VM 'beta': [32, 33]"),
    ("console.base", 0x1000_1000, "console: the hypervisor's console is at 0x10001000"),
    ("vms[0].window_count", 400, "configuration: the configuration in the image is broken: config.vms[0].windows, at "),
])
def test_a_wrong_value(path: str, value: int, expected: str) -> None:
    if path.endswith("guest"):          # not so for a number that is rung from one side alone
        assert any(line.startswith("doorbells: ") for line in message(field(path, value)))
        return
    assert any(line.startswith(expected) for line in message(field(path, value)))


def test_a_reader_that_could_write() -> None:
    beta = good()[1].vms[1]
    where, entry, _, ipa = next(s for s in leaves(beta.walk, 0) if s[1] & 0xff & ~RAM == 0 and not s[1] & 0b100)
    assert message(with_entries((where, entry | 0b1000_0100)))[0] == \
        "channels: VM 'beta' does not have channel 'both' as it should"


@pytest.mark.parametrize("image, reason", [
    (b"", "it is no ELF file"),
    (b"MZ" + bytes(5000), "it is no ELF file"),
    (b"\x7fELF\2\1\1", "it is a damaged ELF file: it ends inside its header"),
])
def test_no_image_at_all(image: bytes, reason: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(capsys, image=image, folder=tmp_path) == (
        2, "", f"configtool: bulkhead.elf cannot be verified: {reason}\n")


def test_other_files(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    system = build()
    for image, reason in ((tmp_path / "missing", "cannot read missing: there is no such file"),
                          (tmp_path, f"cannot read {tmp_path.name}: it is a directory"),
                          (Path("/bin/sh").resolve(), "dash cannot be verified: it is an ELF file for machine ")):
        assert main(["verify", str(image), str(system.yaml)]) == 2
        err = capsys.readouterr().err.replace(str(image), image.name)
        assert err.startswith("configtool: ") and ("ELF" in reason or reason in err)
    stripped = tmp_path / "stripped.elf"
    subprocess.run(["riscv64-unknown-elf-objcopy", "--strip-debug", str(system.elf), str(stripped)], check=True)
    assert main(["verify", str(stripped), str(system.yaml)]) == 2
    assert capsys.readouterr().err == (
        f"configtool: {stripped} cannot be verified: it has no debug information (it was stripped, or compiled without "
        "-g), and the layout of the hypervisor's configuration is read there\n")
    assert main(["verify", str(system.elf), str(system.yaml), "-o", str(tmp_path / "no" / "report")]) == 2
    assert capsys.readouterr().err == f"configtool: cannot write {tmp_path}/no/report: No such file or directory\n"


def test_another_description(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    system = build()
    other = tmp_path / "system.yaml"
    other.write_text(system.yaml.read_text().replace("alpha", "omega"))
    for name in ("table.bin", "beta.bin", "Image", "initrd.bin"):
        (tmp_path / name).symlink_to(system.folder / name)
    assert main(["verify", str(system.elf), str(other)]) == 1
    out, err = capsys.readouterr()
    assert "error[configuration]: the image has other VMs than the description\n" in err
    assert "   = note: in the image: alpha, beta, gamma\n" in err.replace("  = note", "   = note")
    assert out.endswith("NOT isolated: 1 check failed (configuration), and the others build on it\n")


def test_a_changed_guest_image(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    system = build()
    for name in ("system.yaml", "alpha.elf", "table.bin", "beta.bin", "Image", "initrd.bin"):
        (tmp_path / name).write_bytes((system.folder / name).read_bytes())
    image = bytearray((tmp_path / "beta.bin").read_bytes())
    image[300] ^= 1
    (tmp_path / "beta.bin").write_bytes(image)
    (tmp_path / "initrd.bin").unlink()
    assert main(["verify", str(system.elf), str(tmp_path / "system.yaml")]) == 1
    err = capsys.readouterr().err
    assert "error[images]: 'beta.bin' is altered in the memory of VM 'beta'\n" in err
    assert f"first at IPA 0x8000012c: {image[300] ^ 1:#04x} instead of {image[300]:#04x}\n" in err
    assert "error[images]: 'initrd.bin' of VM 'gamma' cannot be compared: there is no such file\n" in err


def test_damaged_files_never_break_it() -> None:
    system, chance = build(), random.Random(7)
    for attempt in range(150):
        data = bytearray(system.data)
        if attempt % 3 == 0:
            del data[chance.randrange(len(data)):]
        for _ in range(chance.choice((1, 4, 40))):
            if data:
                at = chance.choice((chance.randrange(len(data)), chance.randrange(min(len(data), 1000)),
                                    len(data) - 1 - chance.randrange(min(len(data), 3000))))
                data[at] = chance.randrange(256)
        try:
            verify(bytes(data), "bulkhead.elf", system.system, system.board)
        except NotAnImage:
            pass


def test_it_shares_no_code_with_what_it_judges() -> None:
    code = ("import sys, configtool.cli.verify, configtool.verify.judge, configtool.verify.show\n"
            "import configtool.verify.html\n"
            "judged = ('configtool.plan', 'configtool.emit', 'configtool.image')\n"
            "print([name for name in sys.modules if name.startswith(judged)])")
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True,
                          text=True).stdout == "[]\n"
    for file in (ROOT / "configtool" / "verify").glob("*.py"):
        assert not re.search(r"^\s*(from|import) .*\b(plan|emit|image)\b", file.read_text(), re.MULTILINE), file


def test_every_check_is_in_the_manual() -> None:
    system = build()
    report = verify(system.data, "bulkhead.elf", system.system, system.board, system.layout)
    headings = re.findall(r"^### (.+)$", (ROOT / "docs" / "verify.md").read_text(), re.MULTILINE)
    headings.remove("bandwidth")        # of systems with budgets alone: test_verify_bandwidth.py
    headings.remove("firmware")         # of systems with firmware calls alone: test_verify_aarch64.py
    headings.remove("colors")           # of systems with cache colours alone: test_verify_colors.py
    assert headings == [check.name for check in report.checks]
