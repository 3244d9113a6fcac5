"""A trustless HTTP gateway as a source. It serves CARs and raw blocks, and every byte is checked here.

The forms are those of the IPFS specifications, "Trustless Gateway": `?format=car` in the order of a depth-first walk
without repeated blocks, `?format=raw`.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from aiohttp.abc import AbstractResolver

from fedprotocol import tree
from fedprotocol.program import outgoing
from fedprotocol.program.tokens import headers_for
from fedprotocol.store import web
from fedprotocol.store.base import Malformed, NotFound, StoreError
from fedprotocol.store.deadline import Deadline
from fedprotocol.store.download import Download, time_for
from fedprotocol.store.source import BLOCK_SECONDS, FIND_SECONDS, SourceFailed
from fedprotocol.tree import TreeShape
from fedprotocol.urls import describe_status, gateway_url

CAR = "application/vnd.ipld.car; version=1; order=dfs; dups=n"
RAW = "application/vnd.ipld.raw"
EMPTY = "bafkqaaa"
"""The CID of an empty block, which every gateway can serve. The specification names it as a probe."""

_OK = 200
_ABSENT = (404, 410, 504)


class Gateway:
    """The gateway at `url`, `https://host` or `https://host/prefix`; `find_seconds`: how long it may look for a block.

    `resolver` looks up the addresses of hosts.
    """

    def __init__(self, url: str, find_seconds: float = FIND_SECONDS, resolver: AbstractResolver = web.RESOLVER) -> None:
        """Raises StoreError if `url` makes no sense, NetworkSetting if the environment's settings do not."""
        self.name = _checked(url)
        outgoing.proxy_for(self.name)
        if self.name.startswith("https:"):
            outgoing.tls()
        headers_for(self.name)
        self._find_seconds = find_seconds
        self._resolver = resolver

    @contextmanager
    def tree(self, root: bytes, shape: TreeShape, deadline: Deadline) -> Iterator[BinaryIO]:
        """The CAR under `root`, as it arrives. Raises NotFound, SourceFailed, Stopped, and also while the CAR is
        read."""
        with self._answer(tree.cid(root), "car", CAR, deadline) as chunks:
            yield _file(chunks, time_for(shape, self._find_seconds, deadline))

    def block(self, digest: bytes, max_bytes: int, deadline: Deadline) -> bytes:
        """A raw block. Raises NotFound, Malformed, SourceFailed, Stopped."""
        cid = tree.raw_cid(digest)
        within = deadline.part(BLOCK_SECONDS)
        with self._answer(cid, "raw", RAW, within) as chunks:
            data = _file(chunks, within).read(max_bytes + 1)
        if len(data) > max_bytes:
            raise Malformed(f"{self.name} serves more than {max_bytes} bytes for {cid}")
        if hashlib.sha256(data).digest() != digest:
            raise Malformed(f"{self.name} serves other bytes for {cid}")
        return data

    def check(self, deadline: Deadline) -> str:
        """One line that says that it answers in the requested form. Raises NotFound, SourceFailed, Stopped."""
        with self._answer(EMPTY, "raw", RAW, deadline):
            return f"{self.name} answers"

    @contextmanager
    def _answer(self, cid: str, form: str, accept: str, deadline: Deadline) -> Iterator[Iterator[bytes]]:
        url = f"{self.name}/ipfs/{cid}?format={form}"
        headers = {"Accept": accept, "Accept-Encoding": "identity"}
        try:
            with web.get(url, headers, self._find_seconds, deadline, self._resolver) as answer:
                if answer.head.status in _ABSENT:
                    raise NotFound(f"it does not have {cid} (HTTP {answer.head.status})")
                if answer.head.status != _OK:
                    raise SourceFailed(
                        f"it refuses {cid} ({describe_status(answer.head.status)}{outgoing.through(url)})"
                    )
                if answer.head.media_type != accept.partition(";")[0]:
                    kind = answer.head.media_type or "bytes"
                    by = outgoing.through(url)
                    raise SourceFailed(f"it is no trustless gateway: it answers ?format={form} with {kind}{by}")
                yield answer.chunks
        except (NotFound, SourceFailed) as error:
            raise type(error)(f"{self.name}: {error}") from error


def _file(chunks: Iterator[bytes], deadline: Deadline) -> BinaryIO:
    return io.BufferedReader(Download(chunks, deadline, web.BROKEN, SourceFailed))


def _checked(url: str) -> str:
    try:
        return gateway_url(url)
    except ValueError as error:
        raise StoreError(f"{url!r} is no gateway: it {error}") from None
