"""The site's log: one JSON object in a line, only ever added to, and each line names the SHA-256 of the one before it.

It is a plain file, so that `chattr +a` can make the system itself refuse to change it, and any log collector can follow
it. A line is on the disk before what it tells of happens. What a program that was killed left of a line is no entry.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fedprotocol.errors import FedError
from fedprotocol.files.whole import sync_folder
from pydantic import ValidationError

from fednode.policy.entries import ENTRY, NOTHING, Approved, Left, Told


class LogError(FedError):
    """The log cannot be read or written."""


@dataclass(frozen=True)
class Line:
    """An entry and the digest of its line. `follows`: it names the line that stands before it."""

    entry: Approved | Left | Told
    digest: str
    follows: bool


@dataclass(frozen=True)
class History:
    """What the log says, oldest first. `is_cut`: the last line that the journal knows of is not in it. `torn`: how many
    lines are no entries, because a program was killed while it wrote them."""

    lines: tuple[Line, ...] = ()
    is_cut: bool = False
    torn: int = 0

    @property
    def gap(self) -> int | None:
        """The place of the last entry before which something is missing; the number of lines if something is missing
        after the last one; None: nothing is."""
        if self.is_cut:
            return len(self.lines)
        return max((place for place, line in enumerate(self.lines) if not line.follows), default=None)

    def approvals(self) -> tuple[tuple[int, Approved], ...]:
        """Approvals with their places."""
        found = ((place, line.entry) for place, line in enumerate(self.lines))
        return tuple((place, entry) for place, entry in found if isinstance(entry, Approved))

    def departures(self) -> tuple[Left, ...]:
        return tuple(line.entry for line in self.lines if isinstance(line.entry, Left))

    @property
    def head(self) -> str:
        """The digest of the last line; empty: there is none."""
        return self.lines[-1].digest if self.lines else ""

    def next_before(self, head: str) -> str:
        """What the next entry names as the one before it: the last line, or, if the log lacks the line `head` that the
        journal knows of, that one, which leaves the gap to be seen for ever."""
        if self.is_cut:
            return head
        return self.lines[-1].digest if self.lines else NOTHING


class Log:
    """The log in the file `path`, which is made with its first entry."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self, head: str = "") -> History:
        """`head`: the digest of the last line that the journal knows of; empty: of none. Raises LogError."""
        try:
            with self._open(os.O_RDONLY, fcntl.LOCK_SH) as descriptor:
                return history(_content(descriptor), head, self.path)
        except FileNotFoundError:
            return history(b"", head, self.path)
        except OSError as error:
            raise LogError(f"the log {self.path} cannot be read: {error.strerror}") from error

    def append(self, entry: Approved | Left | Told, head: str = "") -> str:
        """Add `entry`, whose `before` is filled in, and wait until it is on the disk. Returns the digest of its line.

        Raises LogError: nothing that depends on it may happen then.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            is_new = not self.path.exists()
            with self._open(os.O_RDWR | os.O_APPEND | os.O_CREAT, fcntl.LOCK_EX) as descriptor:
                content = _content(descriptor)
                before = history(content, head, self.path).next_before(head)
                line = _line(entry.model_copy(update={"before": before}))
                separator = b"" if content.endswith(b"\n") or not content else b"\n"
                _write(descriptor, separator + line + b"\n")
                os.fsync(descriptor)
            if is_new:
                sync_folder(self.path.parent)
        except OSError as error:
            raise LogError(
                f"the log {self.path} cannot be written ({error.strerror}), and nothing leaves that is not in it"
            ) from error
        return digest_of_line(line)

    @contextmanager
    def _open(self, flags: int, lock: int) -> Iterator[int]:
        descriptor = os.open(self.path, flags | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, lock)
            yield descriptor
        finally:
            os.close(descriptor)


def history(content: bytes, head: str, path: Path) -> History:
    """The log with this `content`. Raises LogError if a line is JSON and no entry of this version."""
    lines: list[Line] = []
    before, torn, named = NOTHING, 0, set[str]()
    for number, raw in enumerate(content.split(b"\n"), 1):
        if not raw:
            continue
        try:
            json.loads(raw)
        except ValueError:  # also if it is no text
            torn += 1
            continue
        try:
            entry = ENTRY.validate_json(raw)
        except ValidationError:
            raise LogError(
                f"line {number} of the log {path} is no entry of this version: use the newer version that wrote it, "
                "or put back the file from your backup"
            ) from None
        digest = digest_of_line(raw)
        lines.append(Line(entry, digest, entry.before == before))
        named |= {entry.before, digest}
        before = digest
    return History(tuple(lines), bool(head) and head not in named, torn)


def digest_of_line(line: bytes) -> str:
    """SHA-256 of a line without its end: 0x and 64 hexadecimal digits."""
    return "0x" + hashlib.sha256(line).hexdigest()


def _line(entry: Approved | Left | Told) -> bytes:
    return json.dumps(entry.model_dump(mode="json"), allow_nan=False, separators=(",", ":")).encode()


def _content(descriptor: int) -> bytes:
    with os.fdopen(os.dup(descriptor), "rb") as file:
        return file.read()


def _write(descriptor: int, content: bytes) -> None:
    while content:
        content = content[os.write(descriptor, content) :]
