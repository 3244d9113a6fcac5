"""A trustless HTTP gateway as a source: what it serves is a CAR or a raw block, and every byte of it is checked here.

The forms are those of the IPFS specifications, "Trustless Gateway": `?format=car` in the order of a depth-first walk
without repeated blocks, `?format=raw`.
"""

import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import BinaryIO
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import HTTPError

from fedprotocol import tree
from fedprotocol.store.base import Malformed, NotFound, StoreError
from fedprotocol.store.download import Download, seconds_for
from fedprotocol.store.source import SourceFailed
from fedprotocol.tree import TreeShape

CAR = "application/vnd.ipld.car; version=1; order=dfs; dups=n"
RAW = "application/vnd.ipld.raw"
EMPTY = "bafkqaaa"
"""The CID of no bytes at all, which every gateway can serve: the specification's own probe."""

_CONNECT_SECONDS = 10.0
_BLOCK_SECONDS = 60.0
_CHUNK = 64 * 1024
_REDIRECTS = 3  # from a path to a subdomain, as public gateways do
_ABSENT = (404, 410, 504)


class Gateway:
    """The gateway at `url`, `https://host` or `https://host/prefix`; `find_seconds`: how long it may look for a block.

    Proxies and credentials of the environment are not used.
    """

    def __init__(self, url: str, find_seconds: float = 30.0) -> None:
        """Raises StoreError if `url` makes no sense."""
        self.name = _checked(url)
        self._find_seconds = find_seconds
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.max_redirects = _REDIRECTS

    @contextmanager
    def tree(self, root: bytes, shape: TreeShape) -> Iterator[BinaryIO]:
        """The CAR under `root` as it comes. Raises NotFound, SourceFailed, also while it is read."""
        with self._answer(tree.cid(root), "car", CAR) as response:
            yield _file(response, seconds_for(shape, self._find_seconds))

    def block(self, digest: bytes, max_bytes: int) -> bytes:
        """A raw block. Raises NotFound, Malformed, SourceFailed."""
        cid = tree.raw_cid(digest)
        with self._answer(cid, "raw", RAW) as response:
            data = _file(response, _BLOCK_SECONDS).read(max_bytes + 1)
        if len(data) > max_bytes:
            raise Malformed(f"{self.name} serves more than {max_bytes} bytes for {cid}")
        if hashlib.sha256(data).digest() != digest:
            raise Malformed(f"{self.name} serves other bytes for {cid}")
        return data

    def check(self) -> str:
        """One line: it answers in the form that is asked for. Raises NotFound, SourceFailed."""
        with self._answer(EMPTY, "raw", RAW):
            return f"{self.name} answers"

    @contextmanager
    def _answer(self, cid: str, form: str, accept: str) -> Iterator[requests.Response]:
        url = f"{self.name}/ipfs/{cid}?format={form}"
        try:
            response = self._session.get(
                url,
                headers={"Accept": accept, "Accept-Encoding": "identity"},
                stream=True,
                timeout=(_CONNECT_SECONDS, self._find_seconds),
            )
        except requests.Timeout as error:
            raise NotFound(f"{self.name} did not find {cid} in {self._find_seconds:.0f} s") from error
        except (requests.RequestException, ValueError) as error:  # ValueError: it redirects to what is no URL
            raise SourceFailed(f"{self.name} does not answer: {error}") from error
        with response:
            kind = response.headers.get("Content-Type", "").partition(";")[0]
            if response.status_code in _ABSENT:
                raise NotFound(f"{self.name} does not have {cid} (HTTP {response.status_code})")
            if response.status_code != requests.codes.ok:
                raise SourceFailed(f"{self.name} refuses {cid} (HTTP {response.status_code})")
            if kind != accept.partition(";")[0]:
                raise SourceFailed(
                    f"{self.name} is no trustless gateway: it answers ?format={form} with {kind or 'bytes'}"
                )
            yield response


def _file(response: requests.Response, seconds: float) -> BinaryIO:
    # `iter_content` waits until a chunk is full: a gateway that trickles would outlast the deadline.
    chunks = iter(partial(response.raw.read1, _CHUNK, decode_content=False), b"")
    return io.BufferedReader(Download(chunks, seconds, (HTTPError,), SourceFailed))


def _checked(url: str) -> str:
    parts = urlsplit(url)
    try:
        ok = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or True)
    except ValueError:
        ok = False
    if not ok or parts.username or parts.query or parts.fragment:
        raise StoreError(f"{url!r} is no gateway; write https://host, without /ipfs behind it")
    return url.rstrip("/").removesuffix("/ipfs")
