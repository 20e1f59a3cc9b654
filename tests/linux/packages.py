# SPDX-License-Identifier: Apache-2.0
"""Debian packages of any architecture and suite, without touching the packages of this system.

apt is run with a state and a cache of its own below cache_dir(); the mirror is the one that this machine's apt sources
name, with another suite. Packages are verified as usual, against the machine's debian-archive-keyring. A package that
has been downloaded once is never asked for again, so that all works without a network from then on.
"""
from __future__ import annotations

import contextlib
import fcntl
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path, PurePosixPath
from typing import Callable, Iterator

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_SOURCES = Path("/etc/apt")
_SUITES = ("bullseye", "bookworm", "trixie", "forky", "sid", "oldstable", "stable", "testing", "unstable")


class FetchError(Exception):
    """What is asked for cannot be had; the text says why and what would help."""


def cache_dir() -> Path:
    """Where downloads are kept: $BULKHEAD_CACHE, or bulkhead/ in the user's cache directory."""
    chosen = os.environ.get("BULKHEAD_CACHE")
    if chosen:
        return Path(chosen).expanduser().resolve()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser().resolve() / "bulkhead"


def say(text: str) -> None:
    print(f"fetch: {text}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def locked(name: str) -> Iterator[None]:
    """One process at a time, for all that share the cache."""
    cache_dir().mkdir(parents=True, exist_ok=True)
    with open(cache_dir() / f".{name}.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def mirror(sources: Path = _SOURCES) -> str:
    """Base URI of the Debian mirror that this machine's apt uses. `sources`: /etc/apt or its like."""
    files = [sources / "sources.list", *sorted((sources / "sources.list.d").glob("*.list"))]
    entries = [entry for file in files if file.is_file() for entry in _one_line(file.read_text("utf-8", "replace"))]
    for file in sorted((sources / "sources.list.d").glob("*.sources")):
        entries += _deb822(file.read_text("utf-8", "replace"))
    for uri, suites in entries:
        if any(suite.partition("-")[0] in _SUITES and "security" not in suite for suite in suites):
            return uri
    raise FetchError(f"no Debian mirror in {sources}/sources.list or {sources}/sources.list.d; add an entry for the "
                     "main archive there")


def _one_line(text: str) -> list[tuple[str, tuple[str, ...]]]:
    """`deb [options] URI suite components...`: URI and suite of each. Source: sources.list(5)."""
    found: list[tuple[str, tuple[str, ...]]] = []
    for line in text.splitlines():
        match = re.match(r"deb\s+(?:\[[^]]*\]\s+)?(\S+)\s+(\S+)\s+\S", line.strip())
        if match:
            found.append((match[1], (match[2],)))
    return found


def _deb822(text: str) -> list[tuple[str, tuple[str, ...]]]:
    """Stanzas of `Field: value`: URIs and suites of those that are enabled. Source: sources.list(5)."""
    found: list[tuple[str, tuple[str, ...]]] = []
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    for stanza in re.split(r"\n\s*\n", "\n".join(lines)):
        fields = {key.lower(): value.split() for key, value in re.findall(r"(?m)^([\w-]+):((?:.*(?:\n[ \t].*)*))", stanza)}
        if "deb" in fields.get("types", ()) and fields.get("enabled", ["yes"])[0].lower() not in ("no", "false", "0"):
            found += [(uri, tuple(fields.get("suites", ()))) for uri in fields.get("uris", ())]
    return found


class Archive:
    """The packages of one suite ('trixie') and architecture ('riscv64') of Debian's main archive."""

    def __init__(self, suite: str, arch: str) -> None:
        self.suite = suite
        self.arch = arch
        self._dir = cache_dir() / "apt" / f"{suite}-{arch}"
        self._debs = cache_dir() / "debs" / suite

    def have(self, name: str) -> Path | None:
        """The .deb of a package that is in the cache already; of several the one that came last."""
        found = [*self._debs.glob(f"{name}_*_{self.arch}.deb"), *self._debs.glob(f"{name}_*_all.deb")]
        return max(found, key=lambda path: (path.stat().st_mtime_ns, path.name)) if found else None

    def package(self, name: str, why: str) -> Path:
        """The .deb of a package, downloaded if it is not in the cache. `why`: what it is for, for the user."""
        with locked("apt"):
            return self.have(name) or self._download(name, why)

    def needed_by(self, name: str, pattern: str) -> str:
        """The one package on which a package (a metapackage) depends and whose whole name matches the pattern."""
        with locked("apt"):
            depends = self._show(name).get("Depends", "")
        names = [re.split(r"[\s(:]", entry.strip())[0] for entry in depends.split(",")]
        found = [n for n in names if re.fullmatch(pattern, n)]
        if len(found) != 1:
            raise FetchError(f"package {name} of {self.suite}/{self.arch} should depend on one package that matches "
                             f"'{pattern}', but depends on: {depends or 'nothing'}")
        return found[0]

    def _download(self, name: str, why: str) -> Path:
        record = self._show(name)
        say(f"{name} {record['Version']} for {self.arch}, {int(record['Size']) / 1e6:.1f} MB: {why}")
        self._debs.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._debs) as work:
            if self._apt("apt-get", "-q", "download", f"{name}:{self.arch}", cwd=work, fatal=False) is None:
                self._update()      # the index may be older than the mirror
                self._apt("apt-get", "-q", "download", f"{name}:{self.arch}", cwd=work)
            (deb,) = Path(work).glob("*.deb")
            return deb.rename(self._debs / deb.name)

    def _show(self, name: str) -> dict[str, str]:
        """The record of the newest version in the package index."""
        if not any((self._dir / "state" / "lists").glob("*_Packages*")):
            self._update()
        text = self._apt("apt-cache", "show", "--no-all-versions", f"{name}:{self.arch}", fatal=False)
        if not text:
            raise FetchError(f"Debian's {self.suite} has no package {name} for {self.arch}; remove {self._dir} where "
                             "the index kept there is too old")
        return dict(re.findall(r"(?m)^([\w-]+): (.*)$", text.split("\n\n")[0]))

    def _update(self) -> None:
        say(f"package index of {self.suite} for {self.arch}")
        if not KEYRING.exists():
            raise FetchError(f"{KEYRING} is missing; install the package debian-archive-keyring")
        for directory in ("state/lists/partial", "cache/archives/partial"):
            (self._dir / directory).mkdir(parents=True, exist_ok=True)
        (self._dir / "status").write_text("")
        (self._dir / "sources.list").write_text(f"deb [signed-by={KEYRING}] {mirror()} {self.suite} main\n")
        # How this machine reaches the network (proxies and the like) holds here, too; its hooks do not.
        dump = subprocess.run(["apt-config", "dump", "Acquire"], check=True, stdout=subprocess.PIPE, text=True).stdout
        acquire = [line for line in dump.splitlines() if not re.match(r"Acquire(::(IndexTargets|Languages|GzipIndexes).*)? \"", line)]
        (self._dir / "apt.conf").write_text("\n".join([
            *acquire,
            'Acquire::Languages "none";',
            'Acquire::Retries "3";',
            'Acquire::GzipIndexes "true";',
            'Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";',
            f'APT::Architecture "{self.arch}";',
            f'APT::Architectures {{ "{self.arch}"; }};',
            'APT::Sandbox::User "root";',
            'Dir::Etc::Main "/dev/null";',
            'Dir::Etc::Parts "/dev/null";',
            'Dir::Etc::Preferences "/dev/null";',
            'Dir::Etc::PreferencesParts "/dev/null";',
            f'Dir::Etc::SourceList "{self._dir}/sources.list";',
            'Dir::Etc::SourceParts "/dev/null";',
            f'Dir::State "{self._dir}/state";',
            f'Dir::State::status "{self._dir}/status";',
            f'Dir::Cache "{self._dir}/cache";',
            'Dir::Cache::pkgcache "";',
            'Dir::Cache::srcpkgcache "";', ""]))
        self._apt("apt-get", "-q", "update", "--error-on=any")

    def _apt(self, *command: str, cwd: str | None = None, fatal: bool = True) -> str | None:
        """Output of a command of apt's. None: it failed and that is not fatal."""
        environment = {**os.environ, "APT_CONFIG": str(self._dir / "apt.conf"), "LC_ALL": "C.UTF-8"}
        done = subprocess.run(command, cwd=cwd or self._dir, env=environment, stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if done.returncode == 0:
            return done.stdout
        if fatal:
            reason = [line for line in done.stderr.splitlines() if line.startswith("E:")] or done.stderr.splitlines()
            raise FetchError(f"{' '.join(command)} ({self.suite}, {self.arch}): " + "; ".join(reason[:3]))
        return None


def extract(deb: Path, wanted: Callable[[PurePosixPath], bool], into: Path) -> list[Path]:
    """Unpack the regular files of a .deb whose path in the package (usr/bin/x, without ./) is wanted, with their path.

    The package is read as a stream: what is not wanted is not written anywhere. Gives the files in the package's order.
    """
    found = []
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(deb)], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL) as unpack:
        assert unpack.stdout is not None
        try:
            with tarfile.open(fileobj=unpack.stdout, mode="r|", bufsize=1 << 20) as archive:
                for member in archive:
                    path = PurePosixPath(os.path.normpath(member.name))
                    if not member.isfile() or path.is_absolute() or ".." in path.parts or not wanted(path):
                        continue
                    target = into / path
                    target.parent.mkdir(parents=True, exist_ok=True)
                    source = archive.extractfile(member)
                    assert source is not None
                    target.write_bytes(source.read())
                    target.chmod(member.mode & 0o755 | 0o600)
                    found.append(target)
            while unpack.stdout.read(1 << 20):      # what pads the archive; dpkg-deb would mind a closed pipe
                pass
            damaged = unpack.wait() != 0
        except tarfile.TarError:
            damaged = True
    if damaged:
        raise FetchError(f"dpkg-deb cannot read {deb}; remove the file and try again")
    return found
