"""Sources whose names come and go while a program runs: those that others announce."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO
from urllib.parse import urlsplit

from fedprotocol.errors import FedError
from fedprotocol.program import outgoing
from fedprotocol.store.deadline import Deadline
from fedprotocol.store.peered import PeerDirectory, directory_of
from fedprotocol.store.places import Place, kind_of
from fedprotocol.store.source import Source
from fedprotocol.tree import TreeShape

MOST = 16
"""Asked for one thing: strangers' hosts that hang must not use up the time of a fetch."""

Find = Callable[[], Sequence[str]]
"""Places that may be read from, as people write them."""


class FoundSources:
    """What `find` names and a store reads over the web or from folders: those that served last come first, all others
    in an order that is another with every call, so that nobody who hangs is always in front."""

    def __init__(self, find: Find, is_local: bool = False) -> None:
        """`is_local`: addresses of private networks and folders are asked too."""
        self._find = find
        self._is_local = is_local
        self._made: dict[str, _Noted | None] = {}
        self._lock = threading.Lock()

    def __call__(self) -> list[Source]:
        with self._lock:
            sources = [source for name in self._find() if (source := self._source(name)) is not None]
        random.shuffle(sources)
        sources.sort(key=lambda source: -source.served)
        return list(sources[:MOST])

    def _source(self, name: str) -> _Noted | None:
        """None: what it names cannot be read from here."""
        if name not in self._made:
            try:
                self._made[name] = _Noted(self._opened(name))
            except FedError:
                self._made[name] = None
        return self._made[name]

    def _opened(self, name: str) -> Source:
        from fedprotocol.store.gateway import Gateway
        from fedprotocol.store.public import PublicResolver

        if kind_of(name) is Place.FOLDER:
            return PeerDirectory(directory_of(name))
        if self._is_local:
            return Gateway(name)
        proxy = outgoing.proxy_for(name)
        return Gateway(name, resolver=PublicResolver(urlsplit(proxy.url).hostname if proxy else None))


class _Noted:
    """A source, and when it served last: `served`, in monotonic seconds, 0 for never."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.name = source.name
        self.served = 0.0

    @contextmanager
    def tree(self, root: bytes, shape: TreeShape, deadline: Deadline) -> Iterator[BinaryIO]:
        with self._source.tree(root, shape, deadline) as file:
            yield file
        self.served = time.monotonic()

    def block(self, digest: bytes, max_bytes: int, deadline: Deadline) -> bytes:
        data = self._source.block(digest, max_bytes, deadline)
        self.served = time.monotonic()
        return data

    def check(self, deadline: Deadline) -> str:
        return self._source.check(deadline)
