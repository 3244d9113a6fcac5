"""A store for everybody who publishes: a separate directory that also reads the others', or a Kubo daemon."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from fedprotocol.store.kubo_daemon import KuboDaemon

from fedlab.demo.options import DemoError


class Stores(Protocol):
    """The stores, by the name of their owner."""

    def open(self, names: Sequence[str]) -> None: ...
    def url(self, name: str) -> str: ...
    def peers(self, name: str) -> list[str]: ...
    def places(self) -> list[str]: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class DirectoryStores:
    """`<run>/stores/<name>/`; each owner reads the directories of all others and writes only its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._names: tuple[str, ...] = ()

    def open(self, names: Sequence[str]) -> None:
        self._names = tuple(names)
        for name in names:
            (self._folder / name).mkdir(parents=True)

    def url(self, name: str) -> str:
        return f"dir:{self._folder / name}"

    def peers(self, name: str) -> list[str]:
        return [self.url(other) for other in self._names if other != name]

    def places(self) -> list[str]:
        """All of them, for a program that only reads."""
        return [self.url(name) for name in self._names]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


class KuboStores:
    """One Kubo daemon for each owner. They are connected to one another and to nobody else, and stop at the end of the
    `with` block."""

    def __init__(self, root: Path, folder: Path) -> None:
        self._binary = find_kubo(root)
        self._folder = folder
        self._daemons: dict[str, KuboDaemon] = {}
        self._running = ExitStack()

    def open(self, names: Sequence[str]) -> None:
        """Raises: Unavailable."""
        for name in names:
            self._daemons[name] = self._running.enter_context(KuboDaemon(self._binary, self._folder / name))
        for daemon in self._daemons.values():
            daemon.connect(self._daemons.values())

    def url(self, name: str) -> str:
        return f"kubo:{self._daemons[name].url}"

    def peers(self, name: str) -> list[str]:  # noqa: ARG002 - Kubo finds the other daemons itself
        return []

    def places(self) -> list[str]:
        """One of them, which finds what the others have."""
        return [self.url(name) for name in list(self._daemons)[:1]]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running.close()


def find_kubo(root: Path) -> Path:
    """The binary that `make kubo` builds, or `ipfs` on the PATH. Raises: DemoError."""
    built = root / ".tools/bin/ipfs"
    found = str(built) if built.is_file() else shutil.which("ipfs")
    if found is None:
        raise DemoError("--store ipfs needs Kubo: `make kubo` builds it (with Go), or put `ipfs` on the PATH")
    return Path(found)


def new_stores(kind: str, root: Path, folder: Path) -> Stores:
    """The stores, not opened yet. Raises: DemoError if there is no Kubo."""
    return KuboStores(root, folder) if kind == "ipfs" else DirectoryStores(folder)
