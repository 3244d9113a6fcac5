"""IPFS as a store, through the RPC of a Kubo daemon.

The daemon moves and pins blocks; what is read comes from verified copies in a directory of one's own. A root names a
DAG of unknown size to Kubo, so nothing is pinned before it was streamed through the reader that knows its shape.
A copy is served while the daemon is down; it is pinned again when it is next asked for.
"""

import hashlib
import io
import ipaddress
import logging
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, TypeVar
from urllib.parse import urlsplit

import ipfshttpclient
from ipfshttpclient import exceptions as ipfs

from fedprotocol import tree
from fedprotocol.car import CarError, CarFile, Leaves, Truncated, children, read_car
from fedprotocol.monitor import metrics
from fedprotocol.store.base import Malformed, NotFound, StoreError, Unavailable
from fedprotocol.store.directory import DirectoryStore
from fedprotocol.store.download import Download, seconds_for
from fedprotocol.store.source import Source, admit_block, admit_tree
from fedprotocol.tree import TreeShape

T = TypeVar("T")

log = logging.getLogger(__name__)

# ipfshttpclient, no longer maintained, passes this to urllib3 (pinned below 3) with every request.
warnings.filterwarnings("ignore", message="The 'strict' parameter is no longer needed", category=FutureWarning)

_LOCAL_SECONDS = 120.0
_MEETING_SECONDS = 5.0
_DEFAULT_PORT = 5001
_STREAMS = 16
_ABSENT = ("not found", "could not find", "deadline exceeded", "timed out", "canceled")


class KuboStore:
    """A Kubo daemon at `url` (http://host:port), and `cache` for the verified copies.

    `find_seconds` is how long the network may take to produce a first, or a next, block. `peers` are multiaddresses of
    other sites' daemons: Kubo is connected to them when the store is first used, and again when it does not find
    something; how it finds others is its own affair. `sources` are asked in turn for what it does not find at all.
    """

    def __init__(
        self,
        url: str,
        cache: DirectoryStore,
        find_seconds: float = 30.0,
        peers: Sequence[str] = (),
        sources: Sequence[Source] = (),
    ) -> None:
        """Raises StoreError if `url` or a peer makes no sense."""
        self.url = url
        self.cache = cache
        self.peers = {_peer_id(peer): peer for peer in peers}
        self.sources = tuple(sources)
        self._find_seconds = find_seconds
        self._met = not self.peers
        # Not `ipfshttpclient.connect`: it asks for the version and warns of every Kubo that is younger than itself.
        self._client = ipfshttpclient.Client(_multiaddr(url), timeout=_LOCAL_SECONDS)

    def put(self, leaves: Leaves) -> bytes:
        """Copy a tree into the cache, import it into Kubo and pin it there. Raises Unavailable."""
        root = self.cache.put(leaves)
        self._import(root)
        self._meet_first()
        return root

    def get(self, root: bytes, shape: TreeShape) -> CarFile:
        """Fetch through Kubo, verify, pin. Raises NotFound, Malformed or Unavailable."""
        try:
            held = self.cache.get(root, shape)
        except (NotFound, Malformed):
            try:
                return self._found(partial(self._fetch, root, shape))
            except (NotFound, Malformed) as error:
                if not self.sources:
                    raise
                held = admit_tree(self.cache, self.sources, root, shape, error)
        try:
            if not self._is_pinned(root):
                self._import(root)
        except Unavailable as error:
            log.warning("%s is read from %s alone: %s", tree.cid(root), self.cache.path, error)
        return held

    def put_block(self, data: bytes) -> bytes:
        """Publish and pin a raw block. Raises Unavailable."""
        digest = self.cache.put_block(data)
        opts = {"cid-codec": "raw", "mhtype": "sha2-256", "pin": "true"}
        with self._calling("block put"):
            key = self._client.block.put(io.BytesIO(data), opts=opts)["Key"]
        if key != tree.raw_cid(digest):
            raise Unavailable(f"Kubo at {self.url} stored a block as {key}, not as {tree.raw_cid(digest)}")
        return digest

    def get_block(self, digest: bytes, max_bytes: int) -> bytes:
        """Fetch a raw block of at most `max_bytes`. Raises NotFound, Malformed or Unavailable."""
        try:
            return self.cache.get_block(digest, max_bytes)
        except (NotFound, Malformed):  # a damaged copy is replaced
            try:
                return self._found(partial(self._fetch_block, digest, max_bytes))
            except (NotFound, Malformed) as error:
                if not self.sources:
                    raise
                data = admit_block(self.cache, self.sources, digest, max_bytes, error)
                self.put_block(data)
                return data

    def unpin(self, root: bytes) -> None:
        """Unpin in Kubo, where garbage collection takes it, and delete the copy. Raises Unavailable."""
        with self._calling("pin rm"):
            if self._is_pinned(root):
                self._client.pin.rm(tree.cid(root))
        self.cache.unpin(root)

    def check(self) -> str:
        """One line: Kubo's version and peers, and the cache. Raises Unavailable."""
        with self._calling("version"):
            version = self._client.version()["Version"]
        try:
            self._meet()
            connected = self._connected()
            network = f"{len(connected)} peers"
            if self.peers:
                network += f", {len(connected & self.peers.keys())} of the {len(self.peers)} named"
        except Unavailable:  # the daemon answered before: it runs with --offline
            network = "offline"
        return f"Kubo {version} at {self.url} ({network}); copies in {self.cache.check()}"

    def reachable(self) -> int:
        """Daemons that Kubo is connected to; none if it runs offline. Raises Unavailable."""
        with self._calling("version"):
            self._client.version()
        try:
            return len(self._connected())
        except Unavailable:
            return 0

    def _found(self, find: Callable[[], T]) -> T:
        """What `find` finds, at once or after the named peers were met."""
        self._meet_first()
        try:
            return find()
        except NotFound:
            if not self._meet():
                raise
            return find()

    def _meet_first(self) -> None:
        if not self._met:
            self._meet()

    def _meet(self) -> bool:
        """Connect Kubo to the named peers that it is not connected to; whether it is to more of them than before."""
        if not self.peers:
            return False
        try:
            connected = self._connected()
        except Unavailable:  # offline, or down: what comes next says so if it matters
            return False
        self._met = True
        missing = [address for peer, address in self.peers.items() if peer not in connected]
        with ThreadPoolExecutor(_STREAMS) as pool:
            return any(list(pool.map(self._connect, missing)))

    def _connect(self, address: str) -> bool:
        try:
            with self._calling(f"swarm connect {address}"):
                # Not `swarm.connect`: ipfshttpclient sends every letter of the address as one more address.
                options = {"timeout": f"{_MEETING_SECONDS:.0f}s"}
                self._client._client.request("/swarm/connect", (address,), opts=options, decoder="json")
        except StoreError as error:
            log.warning("%s", error)
            return False
        return True

    def _connected(self) -> set[str]:
        with self._calling("swarm peers"):
            return {peer["Peer"] for peer in self._client.swarm.peers()["Peers"] or ()}

    def _fetch_block(self, digest: bytes, max_bytes: int) -> bytes:
        cid = tree.raw_cid(digest)
        with self._calling(f"block get {cid}"):
            size = self._client.block.stat(cid, **self._finding())["Size"]
            if size > max_bytes:
                raise Malformed(f"{cid} has {size} bytes, at most {max_bytes} are allowed")
            data: bytes = self._client.block.get(cid, **self._finding())
        if hashlib.sha256(data).digest() != digest:
            raise Malformed(f"Kubo at {self.url} served other bytes for {cid}")
        metrics.FETCHED.inc(size)
        self.put_block(data)
        return data

    def _fetch(self, root: bytes, shape: TreeShape) -> CarFile:
        cid = tree.cid(root)
        with self._calling(f"block stat {cid}"):
            self._client.block.stat(cid, **self._finding())  # nobody has it: known after `find_seconds`
        self._prefetch(root, shape)
        with self._export(root, shape) as source:
            held = self.cache.admit(source, root, shape)
        try:
            with self._calling(f"pin add {cid}"):
                self._client.pin.add(cid)
        except StoreError:
            held.close()
            raise
        metrics.FETCHED.inc(held.path.stat().st_size)
        return held

    def _prefetch(self, root: bytes, shape: TreeShape) -> None:
        """Have Kubo fetch subtrees side by side: one export alone waits a round trip for every block."""
        subtrees = {(root, shape.leaf_count)}
        with ThreadPoolExecutor(_STREAMS) as pool:
            try:
                while len(subtrees) < _STREAMS and max(count for _, count in subtrees) > _STREAMS:
                    subtrees = {child for pair in pool.map(self._split, subtrees) for child in pair}
                list(pool.map(partial(self._verify, shape.leaf_bytes), subtrees))
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise

    def _split(self, subtree: tuple[bytes, int]) -> tuple[tuple[bytes, int], ...]:
        digest, count = subtree
        if count <= _STREAMS:
            return (subtree,)
        cid = tree.cid(digest)
        with self._calling(f"block get {cid}"), _as_store_errors(cid):
            return children(self._client.block.get(cid, **self._finding()), count)

    def _verify(self, leaf_bytes: int, subtree: tuple[bytes, int]) -> None:
        """Stream a subtree and keep nothing, Kubo has its blocks then; a single leaf comes with the whole tree."""
        digest, count = subtree
        if count > 1:
            shape = TreeShape(count, leaf_bytes)
            with self._export(digest, shape) as source, Path(os.devnull).open("wb") as nowhere:
                read_car(source, digest, shape, nowhere, nowhere)

    @contextmanager
    def _export(self, root: bytes, shape: TreeShape) -> Iterator[BinaryIO]:
        """`dag export` as a file, bounded in time; the errors of reading it become a store's."""
        cid = tree.cid(root)
        seconds = seconds_for(shape, self._find_seconds)
        options = {"timeout": f"{seconds:.0f}s", "progress": "false"}
        with (
            self._calling(f"dag export {cid}"),
            _as_store_errors(cid),
            self._client.dag.export(cid, opts=options, stream=True, timeout=self._find_seconds) as chunks,
        ):
            yield io.BufferedReader(Download(chunks, seconds, (ipfs.Error, OSError)))

    def _import(self, root: bytes) -> None:
        cid = tree.cid(root)
        with self._calling(f"dag import {cid}"):
            answer = self._client.dag.imprt(self.cache.car_path(root))["Root"]
            is_pinned = answer["Cid"]["/"] == cid and not answer.get("PinErrorMsg")
        if not is_pinned:
            raise Unavailable(f"Kubo at {self.url} did not pin {cid}: {answer}")

    def _is_pinned(self, root: bytes) -> bool:
        with self._calling("pin ls"):
            try:
                self._client.pin.ls(tree.cid(root), type="recursive")
            except ipfs.ErrorResponse as error:
                if "is not pinned" in str(error):
                    return False
                raise
        return True

    def _finding(self) -> dict[str, Any]:
        """Kubo gives up first and says what it did not find; the socket's own limit is for a daemon that hangs."""
        return {"opts": {"timeout": f"{self._find_seconds:.0f}s"}, "timeout": self._find_seconds + 5}

    @contextmanager
    def _calling(self, what: str) -> Iterator[None]:
        try:
            yield
        except ipfs.ErrorResponse as error:
            if any(word in str(error) for word in _ABSENT):
                raise NotFound(f"Kubo at {self.url} did not find this in time ({what}): {error}") from error
            raise Unavailable(f"Kubo at {self.url} refused `{what}`: {error}") from error
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise Unavailable(f"what answers at {self.url} is no Kubo, or damaged ({what}): {error!r}") from error
        except (ipfs.Error, OSError) as error:  # requests' own errors are OSErrors
            raise Unavailable(
                f"no Kubo answers at {self.url} ({what}): {error}; start `ipfs daemon` or correct the store's URL"
            ) from error


@contextmanager
def _as_store_errors(cid: str) -> Iterator[None]:
    try:
        yield
    except Truncated as error:  # Kubo checks what it receives; it ends early when it does not find the next block
        raise NotFound(f"only a part of {cid} was found in time: {error}") from error
    except CarError as error:
        raise Malformed(f"{cid} is not the tree it must be: {error}") from error


def _peer_id(address: str) -> str:
    """The last part of a multiaddress that ends in /p2p/<peer id>."""
    start, _, peer = address.rpartition("/p2p/")
    if not start.startswith("/") or not peer or "/" in peer:
        raise StoreError(
            f"{address!r} is no peer of a Kubo daemon; write what its `ipfs id` says: /ip4/192.0.2.7/tcp/4001/p2p/12D3…"
        )
    return peer


def _multiaddr(url: str) -> str:
    """http://127.0.0.1:5001 as ipfshttpclient wants it: /ip4/127.0.0.1/tcp/5001/http."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        parts, host, port = urlsplit(""), None, None
    if parts.scheme not in ("http", "https") or not host or parts.path.strip("/") or parts.query or parts.username:
        raise StoreError(f"{url!r} is not the RPC address of a Kubo daemon; it looks like http://127.0.0.1:5001")
    try:
        kind = f"ip{ipaddress.ip_address(host).version}"
    except ValueError:
        kind = "dns"
    return f"/{kind}/{host}/tcp/{port or _DEFAULT_PORT}/{parts.scheme}"
