"""Which file system a file is on, and which processes have it open, so that an error can name the real cause. This
works on Linux; elsewhere nothing is known."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

NETWORK = ("nfs", "cifs", "smb", "9p", "afs", "ceph", "fuse.sshfs", "glusterfs", "fuse.glusterfs", "lustre", "beegfs")
_MOUNTS = Path("/proc/self/mountinfo")


class Mount(NamedTuple):
    """Where a file system is mounted, and of what kind it is ("ext4", "nfs4")."""

    point: str
    kind: str

    @property
    def is_network(self) -> bool:
        return self.kind.startswith(NETWORK)


def mount_of(path: Path, mounts: str | None = None) -> Mount | None:
    """The file system of `path`, according to `mounts` (mountinfo, see proc(5); default: that of this process). None if
    it is not known."""
    if mounts is None:
        try:
            mounts = _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")
        except OSError:
            return None
    full = os.path.realpath(path)
    found = None
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        fields = before.split(" ")
        if len(fields) < 5 or not after:
            continue
        point = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), fields[4])
        inside = full == point or full.startswith(point.rstrip("/") + "/")
        if inside and (found is None or len(point) >= len(found.point)):  # the later mount hides the earlier one
            found = Mount(point, after.split(" ")[0])
    return found


def is_read_only(path: Path) -> bool:
    """Whether its file system is mounted read-only here. Raises OSError."""
    return bool(os.statvfs(path).f_flag & os.ST_RDONLY)


def holders(*paths: Path) -> list[str]:
    """Other processes of this machine that have one of the files open, as `name (pid 12)`, as far as this process may
    see them."""
    wanted = {os.path.realpath(path) for path in paths}
    return [f"{_name(process)} (pid {process.name})" for process in _processes() if wanted & _open_files(process)]


def has_open(pid: int, path: Path) -> bool:
    """Whether the process with this id runs on this machine and has the file open."""
    return os.path.realpath(path) in _open_files(Path("/proc") / str(pid))


def is_command(pid: int, program: str, command: str) -> bool:
    """Whether the process with this id runs `program` with this `command`, such as `fednode run`."""
    try:
        words = (Path("/proc") / str(pid) / "cmdline").read_text(errors="replace").split("\0")
    except OSError:
        return False
    return any(Path(word).name == program and command in words[place + 1 :] for place, word in enumerate(words))


def why_locked(*paths: Path) -> str:
    """Why the database with these files (`paths`) cannot be opened, and what to do."""
    if held := holders(*paths):
        return f"{' and '.join(held)} has it open and does not let go: stop that program"
    mount = mount_of(paths[0])
    if mount is not None and mount.is_network:
        return on_network(mount)
    return "a program of another user, or in another container, holds it: stop that one"


def on_network(mount: Mount) -> str:
    """What to do about a database on that file system."""
    return (
        f"it lies on {mount.kind} ({mount.point}), a network file system, on whose locks no database can rely: "
        "choose a home on a disk of this machine"
    )


def _processes() -> list[Path]:
    with suppress(OSError):
        return [entry for entry in Path("/proc").iterdir() if entry.name.isdecimal() and entry.name != str(os.getpid())]
    return []


def _open_files(process: Path) -> set[str]:
    found: set[str] = set()
    with suppress(OSError):
        for descriptor in (process / "fd").iterdir():
            with suppress(OSError):
                found.add(os.readlink(descriptor))  # noqa: PTH115 - the name need not exist
    return found


def _name(process: Path) -> str:
    try:
        return (process / "comm").read_text(errors="replace").strip()
    except OSError:
        return "a process"
