# SPDX-License-Identifier: Apache-2.0
"""The commands: their output, their exit codes, what they write and what they leave alone."""
from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from configtool.cli.main import main
from configtool.diagnostics import UsageError
from configtool.output import write_file, write_folder
from workbench import HELLO, configtool, furnish

PROGRAM = Path(__file__).parents[2] / "bin" / "configtool"


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a good system.yaml, to work in."""
    monkeypatch.chdir(furnish(tmp_path))
    (tmp_path / "system.yaml").write_text(HELLO)
    return tmp_path


def program(*arguments: object, **more: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(PROGRAM), *map(str, arguments)], capture_output=True, text=True, check=False,
                          **more)    # type: ignore[call-overload, no-any-return]


# --- the program -----------------------------------------------------------------------------------------------------


def test_it_runs_from_anywhere_and_takes_nothing_of_the_users_python(desk: Path) -> None:
    for name in ("yaml.py", "argparse.py", "configtool.py", "sitecustomize.py"):
        (desk / name).write_text("raise SystemExit('the wrong module')\n")
    (desk / "link").symlink_to(PROGRAM)
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(desk), "PYTHONHOME": "/nonexistent", "LC_ALL": "C"}
    done = subprocess.run(["./link", "check", "system.yaml"], capture_output=True, text=True, env=environment,
                          check=False)
    assert (done.returncode, done.stdout, done.stderr) == (
        0, "system.yaml: ok: 1 VM on 1 of 4 CPUs of qemu-riscv64-virt\n", "")


def test_help() -> None:
    done = program("--help")
    assert done.returncode == 0 and done.stdout.startswith("usage: configtool COMMAND [ARGUMENTS]\n")


@pytest.mark.parametrize("command", ["check", "plan", "gen", "run", "free", "explain", "rules"])
def test_every_command_has_help(command: str) -> None:
    code, out, err = configtool(command, "--help")
    assert (code, err) == (0, "") and out.startswith(f"usage: configtool {command} ")


@pytest.mark.parametrize("arguments, message", [
    (["chek", "system.yaml"], "configtool: there is no command 'chek'; did you mean 'check'?\n"),
    (["frobnicate"], "configtool: there is no command 'frobnicate'; commands: check, plan, gen, "),
    (["system.yaml"], "configtool: no command given; to check a description: configtool check system.yaml\n"),
    (["check", "nosuch.yaml"], "configtool: cannot read nosuch.yaml: there is no such file\n"),
    (["check", "."], "configtool: cannot read .: it is a directory\n"),
    (["check", "/dev/zero"], "configtool: cannot read /dev/zero: it is no regular file\n"),
    (["check", "-W", "BH9999", "system.yaml"], "configtool: there is no rule 'BH9999'; "),
    (["check", "-W", "no-BH0100", "system.yaml"],
     "configtool: -W no-BH0100: BH0100 is an error; only warnings can be changed\n"),
    (["explain", "BH020"], "configtool: there is no rule 'BH020'; near it: "),
    (["plan", "--why", "nothing", "system.yaml"],
     "configtool: --why nothing: the plan has no such thing; there are: hypervisor, hypervisor.console, "
     "vms.hello.devicetree, "),
    (["board", "shw"], "configtool: there is no command 'board shw'; there are: board show, board import\n"),
    (["run", "nosuch.yaml"], "configtool: cannot read nosuch.yaml: there is no such file\n"),
])
def test_wrong_usage_is_exit_2(arguments: list[str], message: str, desk: Path) -> None:
    code, out, err = configtool(*arguments)
    assert code == 2 and out == "" and err.startswith(message)


def test_a_bug_is_exit_3(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import configtool.pipeline
    monkeypatch.setattr(configtool.pipeline, "load_system", lambda *_: 1 // 0)
    code, out, err = configtool_("check", "system.yaml")
    assert code == 3 and out == "" and "ZeroDivisionError" in err
    assert err.endswith("configtool: this is a bug of configtool, not a mistake of yours. Please report it with the "
                        "lines above and "
                        "the description.\n")


configtool_ = configtool    # the package of this name hides it in the test above


# --- check -----------------------------------------------------------------------------------------------------------


def test_check_says_what_is_wrong(desk: Path) -> None:
    (desk / "system.yaml").write_text(HELLO.replace("vcpus: 1", "vcpus: 5").replace("guest.elf", "gest.elf"))
    assert configtool("check", "system.yaml", "--guests", "built") == (1, "", """\
error[BH0206]: 5 CPUs wanted, and board qemu-riscv64-virt has 4 CPUs
 --> system.yaml:6:12
  |
6 |     vcpus: 5
  |            ^
  = help: ask for 1 fewer
  = explain: configtool explain BH0206

error[BH0401]: there is no file 'gest.elf'
 --> system.yaml:8:19
  |
8 |     image: {file: gest.elf}
  |                   ^^^^^^^^ not found
  = note: looked for as gest.elf and built/gest.elf
  = help: did you mean 'guest.elf'?
  = explain: configtool explain BH0401

2 errors
""")


def test_formats_for_programs(desk: Path) -> None:
    (desk / "system.yaml").write_text(HELLO.replace("vcpus: 1", "vcpus: 5"))
    code, out, err = configtool("check", "system.yaml", "--format", "json")
    assert (code, err, json.loads(out)["diagnostics"][0]["code"]) == (1, "", "BH0206")
    code, out, err = configtool("check", "system.yaml", "--format", "sarif")
    assert (code, err, json.loads(out)["runs"][0]["results"][0]["ruleId"]) == (1, "", "BH0206")
    assert configtool("check", "system.yaml", "--format", "github") == (
        1, "::error file=system.yaml,line=6,col=12,endLine=6,endColumn=13,title=BH0206::5 CPUs wanted, and board "
        "qemu-riscv64-virt has 4 CPUs%0Ahelp: ask for 1 fewer\n", "")
    (desk / "system.yaml").write_text(HELLO)
    assert configtool("check", "system.yaml", "--format", "github") == (0, "", "")


UNUSED = HELLO + "    criticality: 3   # bulkhead: allow BH0310 because it is an example\n"


def test_warnings_and_what_the_command_line_makes_of_them(desk: Path) -> None:
    (desk / "system.yaml").write_text(UNUSED)
    code, out, err = configtool("check", "system.yaml")
    assert code == 0 and out.startswith("system.yaml: ok: ") and err == """\
warning[BH0013]: BH0310 is allowed here, and this line gives no such warning
 --> system.yaml:9:22
  |
9 |     criticality: 3   # bulkhead: allow BH0310 because it is an example
  |                      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  = help: remove the comment
  = explain: configtool explain BH0013

1 warning
"""
    for options, code in ((["--werror"], 1), (["-E", "bh13"], 1), (["--werror", "-W", "BH0013"], 0),
                          (["-W", "no-13"], 0)):
        assert configtool("check", "system.yaml", *options)[0] == code
    assert configtool("check", "system.yaml", "-W", "no-13")[2] == ""
    assert configtool("gen", "system.yaml", "-o", "out", "--werror")[0] == 1 and not (desk / "out").exists()


@pytest.mark.parametrize("comment, message", [
    ("BH0206 because I like it", "BH0206 is an error, and only warnings can be allowed"),
    ("BH9999 because I like it", "there is no rule BH9999"),
])
def test_what_cannot_be_allowed(comment: str, message: str, desk: Path) -> None:
    (desk / "system.yaml").write_text(HELLO + f"# bulkhead: allow {comment}\n")
    code, _, err = configtool("check", "system.yaml")
    assert code == 1 and err.startswith(f"error[BH0011]: {message}\n")


def test_colour_only_where_it_is_asked_for(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (desk / "system.yaml").write_text("")
    assert "\033" not in configtool("check", "system.yaml")[2]
    assert "\033" in configtool("check", "system.yaml", "--color", "always")[2]
    monkeypatch.setattr("os.isatty", lambda _: True)
    for no_color, coloured in (("", True), ("1", False)):
        environment = {"PATH": "/usr/bin:/bin", "TERM": "xterm", "NO_COLOR": no_color}
        primary, secondary = os.openpty()
        subprocess.run([str(PROGRAM), "check", "system.yaml"], stderr=secondary, env=environment, check=False)
        os.close(secondary)
        shown = os.read(primary, 10000).decode()
        os.close(primary)
        assert ("\033" in shown) is coloured and "the file is empty" in shown


def test_as_many_errors_as_asked_for(desk: Path) -> None:
    (desk / "system.yaml").write_text(HELLO + "".join(f"    key{n}: 1\n" for n in range(30)))
    for options, shown in (([], 20), (["--max-errors", 3], 3), (["--max-errors", 0], 30)):
        err = configtool("check", "system.yaml", *options)[2]
        assert err.count("error[BH0100]") == shown and err.endswith("\n30 errors\n")
        assert ("more errors: --max-errors 0 shows all" in err) is (shown < 30)
    assert len(json.loads(configtool("check", "system.yaml", "--format", "json")[1])["diagnostics"]) == 30


def test_a_reader_that_goes_away_is_no_bug(desk: Path) -> None:
    done = subprocess.run(f"{PROGRAM} rules --markdown | head -1", shell=True, capture_output=True, text=True,
                          check=False)
    assert (done.stdout, done.stderr) == ("<!-- SPDX-License-Identifier: Apache-2.0 -->\n", "")


# --- plan, free, explain, rules --------------------------------------------------------------------------------------


def test_plan_for_people_and_programs(desk: Path) -> None:
    code, out, err = configtool("plan", "system.yaml")
    assert (code, err) == (0, "") and out.startswith("hello on qemu-riscv64-virt: 1 VM on 1 CPU, sv39x4 tables\n")
    code, out, err = configtool("plan", "system.yaml", "--json")
    assert (code, err, json.loads(out)["vms"][0]["name"]) == (0, "", "hello")


def test_why(desk: Path) -> None:
    (desk / "system.yaml").write_text(HELLO.replace("{ram: 16MiB}",
                                                    "{ram: 16MiB, log: {size: 4KiB, at: 0x90000000, phys: 0x9000_}}"
                                                    .replace("0x9000_", "0xa0000000"))
                                      + "    devices: [rtc@101000]\nhypervisor: {console: serial0}\n")
    assert configtool("plan", "system.yaml", "--why", "vms.hello.memory.log") == (0, """\
vms.hello.memory.log
  4KiB at guest address 0x90000000: written at system.yaml:7
  0x90000000 to 0x90001000 is physical 0xa0000000: fixed at system.yaml:7
""", "")
    assert configtool("plan", "system.yaml", "--why", "vms.hello.vcpus")[1] == """\
vms.hello.vcpus
  cpu@0: the lowest free CPUs, after the VMs that name theirs; 1 at system.yaml:6
"""
    assert configtool("plan", "system.yaml", "--why", "vms.hello.devices.rtc@101000")[1] == """\
vms.hello.devices.rtc@101000
  guest address 0x101000: its physical one
  interrupt 11: its number on the board (level-high)
"""
    assert configtool("plan", "system.yaml", "--why", "hypervisor.console")[1] == """\
hypervisor.console
  serial0: written at system.yaml:10
"""
    out = configtool("plan", "system.yaml", "--why", "vms.hello.memory.ram")[1]
    assert out.startswith("vms.hello.memory.ram\n  16MiB at guest address 0x80000000: the default of riscv64; image "
                          "guest.elf fits there\n")


def test_why_of_all_that_is_below(desk: Path) -> None:
    (desk / "system.yaml").write_text(HELLO + "    devices: {rest: true, except: [rtc@101000]}\n    on_fault: {action: restart}\n")
    code, out, err = configtool("plan", "system.yaml", "--why", "vms.hello")
    assert (code, err) == (0, "") and out.startswith("vms.hello.vcpus\n  cpu@0: ")
    assert "\nvms.hello.image\n  guest.elf at guest address 0x80000000: where the ELF file is linked\n" in out
    assert "\nvms.hello.on_fault\n  restart: written at system.yaml:10\n" in out
    assert "\nvms.hello.on_reset\n  stop: the default, as nothing is written\n" in out
    assert "\nvms.hello.devices.rest\n  flash@20000000: nobody else has it\n" in out
    assert "\n  not rtc@101000: except: names it\n" in out
    assert "\n  not virtio_mmio@10001000: it reaches all memory, and so has to be listed with dma: trusted\n" in out
    assert "\n  not plic@c000000: the hypervisor keeps it: whoever programs it takes any interrupt\n" in out
    assert configtool("plan", "system.yaml", "--why", "vms.hello.memory.rm") == (
        2, "", "configtool: --why vms.hello.memory.rm: the plan has no such thing; did you mean vms.hello.memory.ram?\n")


REST = HELLO + "    devices: {rest: true, except: [virtio_mmio@10001000]}\n"


def test_the_rest_of_the_devices_can_be_locked(desk: Path) -> None:
    system = desk / "system.yaml"
    system.write_text(REST)
    assert configtool("plan", "system.yaml", "--locked") == (
        2, "", "configtool: cannot read system.yaml.lock: there is no such file; configtool plan --lock system.yaml "
        "writes it\n")
    locked, _, why = configtool("plan", "system.yaml", "--lock")
    assert locked == 0, why
    assert configtool("plan", "system.yaml", "--locked")[0] == 0
    lock = json.loads((desk / "system.yaml.lock").read_text())
    assert list(lock) == ["hello"] and "/soc/rtc@101000" in lock["hello"]
    lock["hello"] = ["/soc/gone@0"] + [path for path in lock["hello"] if path != "/soc/rtc@101000"]
    (desk / "system.yaml.lock").write_text(json.dumps(lock))
    code, out, err = configtool("plan", "system.yaml", "--locked")
    assert (code, out) == (1, "") and err == """\
error[BH0124]: the rest of the devices, which VM 'hello' gets, has changed
 --> system.yaml:9:14
  |
9 |     devices: {rest: true, except: [virtio_mmio@10001000]}
  |              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  = note: new: /soc/rtc@101000
  = note: gone: /soc/gone@0
  = help: if that is right: configtool plan --lock system.yaml
  = help: if not, exclude the new ones by except:
  = explain: configtool explain BH0124

1 error
"""
    for text in ("[", "[]", "{\"hello\": 3}"):
        (desk / "system.yaml.lock").write_text(text)
        err = configtool("plan", "system.yaml", "--locked")[2]
        assert err.startswith("configtool: system.yaml.lock is no lock file; ")
    system.write_text(HELLO)
    assert configtool("plan", "system.yaml", "--lock") == (
        2, "", "configtool: system.yaml: no VM has devices: {rest: true}, so there is nothing to lock\n")


def test_free(desk: Path) -> None:
    (desk / "system.yaml").write_text(HELLO + "    devices: [rtc@101000]\n")
    code, out, err = configtool("free", "system.yaml")
    assert (code, err) == (0, "")
    assert "\nCPUs: 3 of 4\n  cpu@1\n  cpu@2\n  cpu@3\n" in out
    assert "rtc@101000" not in out and "serial@10000000" not in out
    assert re.search(r"\n  virtio_mmio@10001000( \(\w+\))?: 0x10001000, 4KiB, interrupt 1\n", out)
    assert re.match(r"Memory: 20[0-9]{2}\.[0-9] MiB\n  0x[0-9a-f]+ to 0x[0-9a-f]+  [0-9]+KiB\n", out)
    assert out.endswith("\nInterrupts that a device raises: 12\n  1-8, 32-35\n")


def test_explain_and_rules() -> None:
    code, out, err = configtool("explain", "bh109")
    assert (code, err) == (0, "") and out == """\
BH0109: keys that exclude each other (error)

Two keys say the same in different ways: `vcpus` (how many) and `cpus` (which), `image` and `images`, `between` and
`from` or `to`. In a file that extends another one, null takes away what the base has: `cpus: null`.

Wrong:

    vms:
      hello:
        vcpus: 1
        memory: {ram: 16MiB}
        image: {file: guest.elf}
        cpus: [cpu@0]

Right:

    vms:
      hello:
        vcpus: 1
        memory: {ram: 16MiB}
        image: {file: guest.elf}
"""
    code, out, _ = configtool("rules")
    assert code == 0 and "BH0013  warning  comment that allows a warning that is not there\n" in out


# --- gen -------------------------------------------------------------------------------------------------------------


def tree(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {str(p.relative_to(folder)): (p.read_bytes(), p.stat().st_mtime_ns) for p in sorted(folder.rglob("*"))
            if p.is_file()}


def test_gen_writes_all_and_leaves_alone_what_stays(desk: Path) -> None:
    assert configtool("gen", "system.yaml", "-o", "new/out", "--depfile", "new/gen.d") == (0, "", "")
    out = desk / "new" / "out"
    first = tree(out)
    assert {"config.c", "plan.h", "tables.bin", "payload.S", "link.ld", "config.mk", "plan.json", "hello.h",
            "hello.dts", "hello.dtb",
            ".generated"} <= set(first)
    rules = (desk / "new" / "gen.d").read_text().splitlines()
    assert rules[0].startswith("new/gen.stamp: ") and rules[0].endswith(" guest.elf system.yaml")
    assert "system.yaml:" in rules and "guest.elf:" in rules and any(line.endswith("board.dts:") for line in rules)

    assert configtool("gen", "system.yaml", "-o", "new/out")[0] == 0
    assert tree(out) == first, "nothing to do, nothing done"
    (desk / "system.yaml").write_text(HELLO.replace("vcpus: 1", "vcpus: 1\n    criticality: 5"))
    assert configtool("gen", "system.yaml", "-o", "new/out")[0] == 0
    second = tree(out)
    assert second["config.c"] != first["config.c"] and second["tables.bin"] == first["tables.bin"]
    assert sorted(os.listdir(desk / "new")) == ["gen.d", "out"]


def test_gen_of_the_same_is_the_same_anywhere(desk: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = furnish(tmp_path_factory.mktemp("else where"))
    (other / "system.yaml").write_text(HELLO)
    for folder in (desk, other):
        # -I: another hash seed each time
        assert program("gen", "system.yaml", "-o", "out", cwd=folder).returncode == 0
    assert program("gen", other / "system.yaml", "-o", other / "full", cwd="/").returncode == 0
    contents = [{name: data for name, (data, _) in tree(path).items()}
                for path in (desk / "out", other / "out", other / "full")]
    assert contents[0] == contents[1] == contents[2]


def test_gen_with_an_error_writes_nothing(desk: Path) -> None:
    assert configtool("gen", "system.yaml", "-o", "out")[0] == 0
    before = tree(desk / "out")
    (desk / "system.yaml").write_text(HELLO.replace("vcpus: 1", "vcpus: 9"))
    assert configtool("gen", "system.yaml", "-o", "out", "--depfile", "d")[0] == 1
    assert tree(desk / "out") == before and not (desk / "d").exists()


def test_gen_touches_no_folder_of_others(desk: Path) -> None:
    (desk / "home").mkdir()
    (desk / "home" / "thesis.tex").write_text("years of work")
    assert configtool("gen", "system.yaml", "-o", "home") == (
        2, "", f"configtool: {desk}/home holds files that configtool did not write (thesis.tex); name a folder that is "
        "its own, "
        "or a new one\n")
    assert configtool("gen", "system.yaml", "-o", "guest.elf") == (
        2, "", f"configtool: {desk}/guest.elf is no folder\n")
    assert configtool("gen", "system.yaml", "-o", "/proc/x")[0] == 2
    assert os.listdir(desk / "home") == ["thesis.tex"]
    assert configtool("gen", "system.yaml", "-o", "out")[0] == 0
    (desk / "out" / "notes").write_text("mine")
    assert configtool("gen", "system.yaml", "-o", "out")[0] == 2


def test_a_folder_is_as_it_was_when_writing_fails(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_folder("out", {"a": b"1", "b/c": b"2"})
    before = tree(desk / "out")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")
    monkeypatch.setattr("configtool.output._swap", full)
    with pytest.raises(UsageError) as caught:
        write_folder("out", {"a": b"3"})
    assert str(caught.value) == f"cannot write {desk}/out: no space left on device"
    assert tree(desk / "out") == before and [name for name in os.listdir(".") if name.startswith(".")] == []


def test_a_folder_is_replaced_where_folders_cannot_be_exchanged(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("configtool.output._exchange", lambda *_: False)
    write_folder("out", {"a": b"1", "b/c": b"2"})
    write_folder("out", {"a": b"1", "d": b"3"})
    assert sorted(tree(desk / "out")) == [".generated", "a", "d"]
    write_file("f", b"1")
    write_file("f", b"2")
    assert Path("f").read_bytes() == b"2" and [name for name in os.listdir(".") if ".new" in name] == []


# --- run -------------------------------------------------------------------------------------------------------------


def built(folder: Path, *command: str) -> Path:
    (folder / "built" / "gen").mkdir(parents=True)
    (folder / "built" / "gen" / "plan.json").write_text(json.dumps({"run": command}))
    (folder / "built" / "bulkhead.bin").touch()
    return folder / "built"


def test_run_starts_what_the_board_says(desk: Path) -> None:
    built(desk, sys.executable, "-c", "import sys; print(sys.argv[1:]); sys.exit(len(sys.argv) - 3)", "{bin}",
          "x={dir}/d")
    done = program("run", "system.yaml", "--built", "built")
    assert (done.returncode, done.stdout, done.stderr) == (0, "['built/bulkhead.bin', 'x=built/d']\n", "")


@pytest.mark.parametrize("command, message", [
    (("qemu-system-none", "{bin}"), "cannot run qemu-system-none: it is not installed (make deps installs what is "
     "missing)"),
    (("true", "{elf}"), "there is no built/bulkhead.elf: make SYSTEM=... builds it"),
    ((), "the board.yaml of this board says nothing of how to run it (run:)"),
])
def test_run_says_what_it_lacks(command: tuple[str, ...], message: str, desk: Path) -> None:
    built(desk, *command)
    assert configtool("run", "system.yaml", "--built", "built") == (2, "", f"configtool: {message}\n")
    assert configtool("run", "system.yaml", "--built", "none") == (
        2, "", "configtool: none holds no system that was built: make SYSTEM=... builds one\n")


def test_run_ends_with_ctrl_c(desk: Path) -> None:
    import signal
    built(desk, "sleep", "60")
    running = subprocess.Popen([str(PROGRAM), "run", "system.yaml", "--built", "built"], start_new_session=True)
    time.sleep(0.4)
    os.killpg(running.pid, signal.SIGINT)
    assert running.wait(10) == 0


def test_main_gives_the_exit_code_and_does_not_leave() -> None:
    assert main(["--version"]) == 0
