# SPDX-License-Identifier: Apache-2.0
"""Which mirror is asked for packages, what is unpacked, and what the initramfs is made of. Nothing here needs a network."""
from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from packages import FetchError, cache_dir, extract, mirror
from initramfs import archive


def apt(directory: Path, files: dict[str, str]) -> Path:
    """An /etc/apt with these files."""
    (directory / "sources.list.d").mkdir()
    for name, text in files.items():
        (directory / name).write_text(text)
    return directory


def test_mirror_from_one_line_sources(tmp_path):
    assert mirror(apt(tmp_path, {"sources.list": """\
# deb http://commented.example/debian bookworm main
deb http://one.example/debian-security bookworm-security main
deb-src http://source.example/debian bookworm main
deb http://other.example/apt nodistro main
deb [arch=amd64 signed-by=/usr/share/keyrings/x.gpg] http://two.example/debian bookworm main contrib
"""})) == "http://two.example/debian"


def test_mirror_from_deb822_sources(tmp_path):
    assert mirror(apt(tmp_path, {"sources.list.d/debian.sources": """\
Types: deb
URIs: http://off.example/debian
Suites: trixie
Components: main
Enabled: no

Types: deb-src
URIs: http://source.example/debian
Suites: trixie

Types: deb
URIs: http://one.example/debian-security
Suites: trixie-security

Types: deb deb-src
# a comment between fields
URIs:
  http://two.example/debian
Suites: trixie trixie-updates
Components: main
"""})) == "http://two.example/debian"


def test_without_a_mirror(tmp_path):
    with pytest.raises(FetchError) as failed:
        mirror(apt(tmp_path, {"sources.list": "deb http://other.example/apt nodistro main\n"}))
    assert str(failed.value) == (f"no Debian mirror in {tmp_path}/sources.list or {tmp_path}/sources.list.d; add an entry "
                                 "for the main archive there")


def test_cache_is_where_the_user_wants_it(monkeypatch, tmp_path):
    monkeypatch.setenv("BULKHEAD_CACHE", str(tmp_path / "mine"))
    assert cache_dir() == tmp_path / "mine"
    monkeypatch.delenv("BULKHEAD_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_dir() == tmp_path / "bulkhead"


def test_only_what_is_wanted_is_unpacked(tmp_path):
    package = tmp_path / "package"
    for name, text in {"DEBIAN/control": "Package: x\nVersion: 1\nArchitecture: all\nMaintainer: x <x@example>\n"
                                         "Description: x\n", "usr/bin/one": "1", "usr/bin/two": "2"}.items():
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(text)
    subprocess.run(["dpkg-deb", "-b", str(package), str(tmp_path / "x.deb")], check=True, stdout=subprocess.DEVNULL)
    found = extract(tmp_path / "x.deb", lambda path: path.name == "two", tmp_path / "out")
    assert [str(file.relative_to(tmp_path / "out")) for file in found] == ["usr/bin/two"]
    assert [file.name for file in (tmp_path / "out/usr/bin").iterdir()] == ["two"]


def test_a_damaged_package_is_named(tmp_path):
    (tmp_path / "x.deb").write_text("no package")
    with pytest.raises(FetchError, match=r"dpkg-deb cannot read .*/x\.deb; remove the file and try again"):
        extract(tmp_path / "x.deb", lambda path: True, tmp_path / "out")


def test_archive_has_all_entries_in_order():
    data = archive({"/init": b"#!/bin/sh\n", "/usr/share/x": b"abc"}, links={"/bin/sh": "busybox"})
    assert len(data) % 512 == 0
    entries, at = [], 0
    while True:
        assert data[at:at + 6] == b"070701"
        fields = [int(data[at + 6 + 8 * i:at + 14 + 8 * i], 16) for i in range(13)]
        mode, size, name_size = fields[1], fields[6], fields[11]
        name = data[at + 110:at + 110 + name_size - 1].decode()
        at += -(-(110 + name_size) // 4) * 4
        if name == "TRAILER!!!":
            break
        entries.append((name, oct(mode), data[at:at + size]))
        at += -(-size // 4) * 4
    assert entries == sorted(entries)
    assert ("init", "0o100755", b"#!/bin/sh\n") in entries
    assert ("usr/share/x", "0o100644", b"abc") in entries
    assert ("usr/share", "0o40755", b"") in entries
    assert ("bin/sh", "0o120777", b"busybox") in entries
    assert ("dev/console", "0o20600", b"") in entries
    assert not any(data[at + 124:])
