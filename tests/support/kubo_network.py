"""Kubo daemons on one machine, one for each site, that find each other only by the addresses that sites are told."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from fedprotocol.store.kubo_daemon import KuboDaemon
from support.kubo import BINARY
from support.ports import free_port


class KuboNetwork:
    """A daemon for each of `names`, its repository in `folder`/NAME. A context manager; no daemon knows another."""

    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        self._open = ExitStack()
        self.daemons = {name: KuboDaemon(BINARY, folder / name, port=free_port()) for name in names}
        self._addresses: dict[str, str] = {}

    def peers(self, name: str) -> list[str]:
        """Multiaddresses of the others, for [store] peers; they stay the same when a daemon starts again."""
        return [address for other, address in self._addresses.items() if other != name]

    def __enter__(self) -> Self:
        with ExitStack() as opening:
            for name, daemon in self.daemons.items():
                opening.enter_context(daemon)
                self._addresses[name] = daemon.address()
            self._open = opening.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()
