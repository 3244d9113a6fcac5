"""IPFS as a store, through the RPC of a Kubo daemon.

The daemon moves and pins blocks; all reads come from verified copies in the program's own directory. Kubo does not know
how large the DAG under a root is, so nothing is pinned before it was read by the reader that knows its shape. A copy is
served while the daemon is down; Kubo pins it again when it is next requested.
"""

import hashlib
import io
import logging
import math
import os
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import ipfshttpclient
from ipfshttpclient import exceptions as ipfs

from fedprotocol import metrics, tree
from fedprotocol.car import CarError, CarFile, Leaves, Truncated, children, read_car
from fedprotocol.errors import FedError
from fedprotocol.foreign_errors import in_a_line, told_as
from fedprotocol.program import outgoing
from fedprotocol.program.tokens import headers_for
from fedprotocol.store.base import Malformed, NotFound, StoreError, Unavailable
from fedprotocol.store.deadline import Deadline
from fedprotocol.store.directory import DirectoryStore
from fedprotocol.store.download import Download, seconds_for, time_for
from fedprotocol.store.kubo_address import multiaddr, peer_id
from fedprotocol.store.race import Attempt, first_of
from fedprotocol.store.side_by_side import all_of, side_by_side
from fedprotocol.store.source import BLOCK_SECONDS, FIND_SECONDS, Source, block_from, patience, tree_from
from fedprotocol.tree import TreeShape

T = TypeVar("T")

log = logging.getLogger(__name__)

# ipfshttpclient, no longer maintained, passes this to urllib3 (pinned below 3) with every request.
warnings.filterwarnings("ignore", message="The 'strict' parameter is no longer needed", category=FutureWarning)

_LOCAL_SECONDS = 120.0  # seconds for a request that moves data on this machine
_ANSWER_SECONDS = 10.0  # seconds for a question that a healthy daemon answers
_MEETING_SECONDS = 5.0
_AGAIN_SECONDS = 60.0  # seconds after a daemon did not answer, before copies are pinned in it again
_STREAMS = 16
_ABSENT = ("not found", "could not find", "deadline exceeded", "timed out", "canceled")


class KuboStore:
    """A Kubo daemon at `url` (http://host:port), and `cache` for the verified copies.

    `find_seconds` is how long the network may take to produce a first, or a next, block. `peers` are multiaddresses of
    other sites' daemons: Kubo is connected to them when the store is first used, and again when it does not find
    something; Kubo finds other daemons in its own way. `sources` are asked for content that Kubo does not find at all,
    or not soon.
    """

    def __init__(
        self,
        url: str,
        cache: DirectoryStore,
        find_seconds: float = FIND_SECONDS,
        peers: Sequence[str] = (),
        sources: Sequence[Source] = (),
        more_peers: Callable[[], Sequence[str]] = tuple,
        more: Callable[[], Sequence[Source]] = tuple,
        pins: bool = True,
    ) -> None:
        """`more_peers`, `more`: name further ones when something is not found. `pins`: whether what is fetched is kept
        in Kubo; otherwise only the cache keeps it. Raises StoreError if `url` or a peer makes no sense."""
        self.url = url
        self._by = outgoing.through(url)
        self.cache = cache
        self.peers = {peer_id(peer): peer for peer in peers}
        self.sources = tuple(sources)
        self._more_peers, self._more = more_peers, more
        self._pins = pins
        self._find_seconds = find_seconds
        self._met = not self.peers
        self._asked_again = 0.0  # monotonic time from which copies are pinned again
        # `ipfshttpclient.connect` is not used, because it warns about every Kubo that is newer than itself.
        with told_as(StoreError, f"Kubo at {url} cannot be asked"):
            self._client = ipfshttpclient.Client(multiaddr(url), headers=headers_for(url), timeout=_LOCAL_SECONDS)
            # It passes these settings of requests to every session; without them, requests would read the environment.
            self._client._client._session_props.update(
                trust_env=False, proxies=outgoing.proxies(url), verify=outgoing.verify(url)
            )

    def put(self, leaves: Leaves) -> bytes:
        """Copy a tree into the cache, import it into Kubo and pin it there. Raises Unavailable."""
        root = self.cache.put(leaves)
        self._import(root, _LOCAL_SECONDS)
        self._meet_first()
        return root

    def get(self, root: bytes, shape: TreeShape, deadline: Deadline | None = None) -> CarFile:
        """Fetch through Kubo, verify, pin. Raises NotFound, Malformed, Unavailable or Stopped."""
        within = self._patience(deadline, seconds_for(shape, self._find_seconds))
        try:
            held = self.cache.get(root, shape)
        except (NotFound, Malformed) as error:
            attempts = [Attempt(f"Kubo at {self.url}", partial(self._found, partial(self._fetch, root, shape)))]
            attempts += [tree_from(source, self.cache, root, shape) for source in self._asked()]
            held = first_of(attempts, tree.cid(root), error, within)
        self._keep(root, within)
        return held

    def _asked(self) -> tuple[Source, ...]:
        named = {source.name for source in self.sources}
        return (*self.sources, *(source for source in self._more() if source.name not in named))

    def _keep(self, root: bytes, deadline: Deadline) -> None:
        """Have Kubo pin what is in the cache. If it does not answer, this is tried again later."""
        if not self._pins or time.monotonic() < self._asked_again:
            return
        try:
            if not self._is_pinned(root, min(_ANSWER_SECONDS, max(1.0, deadline.left))):
                self._import(root, min(_LOCAL_SECONDS, max(1.0, deadline.left)))
        except Unavailable as error:
            self._asked_again = time.monotonic() + _AGAIN_SECONDS
            log.warning("%s is read from %s alone: %s", tree.cid(root), self.cache.path, error)

    def _patience(self, deadline: Deadline | None, seconds: float) -> Deadline:
        """Kubo looks for it twice: before and after it connects to the named peers."""
        twice = self._find_seconds + _MEETING_SECONDS
        return patience(deadline, seconds + twice, len(self.sources))

    def put_block(self, data: bytes) -> bytes:
        """Publish and pin a raw block. Raises Unavailable."""
        digest = self.cache.put_block(data)
        self._put_block(data, _LOCAL_SECONDS)
        return digest

    def _put_block(self, data: bytes, seconds: float) -> None:
        digest = tree.leaf_digest(data)
        opts = {"cid-codec": "raw", "mhtype": "sha2-256", "pin": "true"}
        with self._calling("block put"):
            key = self._client.block.put(io.BytesIO(data), opts=opts, timeout=seconds)["Key"]
        if key != tree.raw_cid(digest):
            raise Unavailable(f"Kubo at {self.url} stored a block as {key}, not as {tree.raw_cid(digest)}")

    def get_block(self, digest: bytes, max_bytes: int, deadline: Deadline | None = None) -> bytes:
        """Fetch a raw block of at most `max_bytes`. Raises NotFound, Malformed, Unavailable or Stopped."""
        try:
            return self.cache.get_block(digest, max_bytes)
        except (NotFound, Malformed) as error:  # a damaged copy is replaced
            find = partial(self._found, partial(self._fetch_block, digest, max_bytes))
            attempts = [Attempt(f"Kubo at {self.url}", find)]
            attempts += [block_from(source, self.cache, digest, max_bytes) for source in self._asked()]
            within = self._patience(deadline, BLOCK_SECONDS)
            data = first_of(attempts, tree.raw_cid(digest), error, within)
            # if one of the sources had it, Kubo has it too by then, or does not answer
            if self._pins and len(attempts) > 1:
                with suppress(Unavailable):
                    self._put_block(data, min(_ANSWER_SECONDS, max(1.0, within.left)))
            return data

    def unpin(self, root: bytes) -> None:
        """Unpin it in Kubo, whose garbage collection then deletes it, and delete the copy. Raises Unavailable."""
        with self._calling("pin rm"):
            if self._is_pinned(root, _ANSWER_SECONDS):
                self._client.pin.rm(tree.cid(root))
        self.cache.unpin(root)

    def check(self) -> str:
        """One line with Kubo's version, its peers, and the cache. Raises Unavailable."""
        with self._calling("version"):
            version = self._client.version(timeout=_ANSWER_SECONDS)["Version"]
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
            self._client.version(timeout=_ANSWER_SECONDS)
        try:
            return len(self._connected())
        except Unavailable:
            return 0

    def _found(self, find: Callable[[Deadline], T], deadline: Deadline) -> T:
        """The result of `find`: at once, or after connecting to the named peers."""
        self._meet_first()
        try:
            return find(deadline)
        except NotFound:
            if not self._meet():
                raise
            return find(deadline)

    def _meet_first(self) -> None:
        if not self._met:
            self._meet()

    def _meet(self) -> bool:
        """Connect Kubo to the named peers to which it is not connected. Returns whether there are more connections than
        before."""
        peers = {**{peer_id(peer): peer for peer in self._more_peers()}, **self.peers}
        if not peers:
            return False
        try:
            connected = self._connected()
        except Unavailable:  # Kubo is offline or does not run; the next request says so if it matters
            return False
        self._met = True
        missing = [address for peer, address in peers.items() if peer not in connected]
        tried = side_by_side(missing, self._connect, Deadline(2 * _MEETING_SECONDS), places=_STREAMS)
        met = [of.result is True for of in tried]
        return any(met)

    def _connect(self, address: str, deadline: Deadline) -> bool:
        try:
            with self._calling(f"swarm connect {address}"):
                # `swarm.connect` is not used, because ipfshttpclient sends every letter of the address as a separate
                # address.
                options = {"timeout": f"{_MEETING_SECONDS:.0f}s"}
                self._client._client.request(
                    "/swarm/connect", (address,), opts=options, decoder="json", timeout=max(1.0, deadline.left)
                )
        except StoreError as error:
            log.warning("%s", error)
            return False
        return True

    def _connected(self) -> set[str]:
        with self._calling("swarm peers"):
            return {peer["Peer"] for peer in self._client.swarm.peers(timeout=_ANSWER_SECONDS)["Peers"] or ()}

    def _fetch_block(self, digest: bytes, max_bytes: int, deadline: Deadline) -> bytes:
        cid = tree.raw_cid(digest)
        with self._calling(f"block get {cid}"):
            size = self._client.block.stat(cid, **self._finding(deadline))["Size"]
            if size > max_bytes:
                raise Malformed(f"{cid} has {size} bytes, at most {max_bytes} are allowed")
            data: bytes = self._client.block.get(cid, **self._finding(deadline))
        if hashlib.sha256(data).digest() != digest:
            raise Malformed(f"Kubo at {self.url} served other bytes for {cid}")
        metrics.FETCHED.inc(size)
        (self.put_block if self._pins else self.cache.put_block)(data)
        return data

    def _fetch(self, root: bytes, shape: TreeShape, deadline: Deadline) -> CarFile:
        cid = tree.cid(root)
        try:  # what the daemon has already need not be looked for, and is sent once
            held = self._admitted(root, shape, deadline, offline=True)
        except NotFound:
            with self._calling(f"block stat {cid}"):
                # after `find_seconds` it is known that nobody has it
                self._client.block.stat(cid, **self._finding(deadline))
            self._prefetch(root, shape, deadline)
            held = self._admitted(root, shape, deadline)
        if self._pins:
            try:
                with self._calling(f"pin add {cid}"):
                    self._client.pin.add(cid, timeout=max(1.0, min(_LOCAL_SECONDS, deadline.left)))
            except StoreError:
                held.close()
                raise
        metrics.FETCHED.inc(held.size)
        return held

    def _admitted(self, root: bytes, shape: TreeShape, deadline: Deadline, offline: bool = False) -> CarFile:
        with self._export(root, shape, deadline, offline) as source:
            return self.cache.admit(source, root, shape)

    def _prefetch(self, root: bytes, shape: TreeShape, deadline: Deadline) -> None:
        """Have Kubo fetch several subtrees at the same time, because a single export waits for the network at every
        block."""
        subtrees = {(root, shape.leaf_count)}
        over = threading.Event()
        within = deadline.part(math.inf, over)
        try:
            while len(subtrees) < _STREAMS and max(count for _, count in subtrees) > _STREAMS:
                subtrees = {child for pair in all_of(list(subtrees), self._split, within, _STREAMS) for child in pair}
            all_of(list(subtrees), partial(self._verify, shape.leaf_bytes), within, _STREAMS)
        finally:
            over.set()

    def _split(self, subtree: tuple[bytes, int], deadline: Deadline) -> tuple[tuple[bytes, int], ...]:
        digest, count = subtree
        if count <= _STREAMS:
            return (subtree,)
        cid = tree.cid(digest)
        with self._calling(f"block get {cid}"), _as_store_errors(cid):
            return children(self._client.block.get(cid, **self._finding(deadline)), count)

    def _verify(self, leaf_bytes: int, subtree: tuple[bytes, int], deadline: Deadline) -> None:
        """Stream a subtree and discard it, so that Kubo has its blocks. A single leaf comes with the whole tree."""
        digest, count = subtree
        if count > 1:
            shape = TreeShape(count, leaf_bytes)
            with self._export(digest, shape, deadline) as source, Path(os.devnull).open("wb") as nowhere:
                read_car(source, digest, shape, nowhere, nowhere)

    @contextmanager
    def _export(self, root: bytes, shape: TreeShape, deadline: Deadline, offline: bool = False) -> Iterator[BinaryIO]:
        """`dag export` read like a file, with a limit of time. Its errors become those of a store. `offline`: only of
        what the daemon has."""
        cid = tree.cid(root)
        within = time_for(shape, self._find_seconds, deadline)
        within.check()
        options = {"timeout": f"{max(1.0, within.left):.0f}s", "progress": "false"}
        if offline:
            options["offline"] = "true"
        silence = max(1.0, min(self._find_seconds, within.left))
        with (
            self._calling(f"dag export {cid}"),
            _as_store_errors(cid),
            self._client.dag.export(cid, opts=options, stream=True, timeout=silence) as chunks,
        ):
            yield io.BufferedReader(Download(chunks, within, (ipfs.Error, OSError)))

    def _import(self, root: bytes, seconds: float) -> None:
        cid = tree.cid(root)
        with self._calling(f"dag import {cid}"):
            answer = self._client.dag.imprt(self.cache.car_path(root), timeout=seconds)["Root"]
            is_pinned = answer["Cid"]["/"] == cid and not answer.get("PinErrorMsg")
        if not is_pinned:
            raise Unavailable(f"Kubo at {self.url} did not pin {cid}: {answer}")

    def _is_pinned(self, root: bytes, seconds: float) -> bool:
        with self._calling("pin ls"):
            try:
                self._client.pin.ls(tree.cid(root), type="recursive", timeout=seconds)
            except ipfs.ErrorResponse as error:
                if "is not pinned" in str(error):
                    return False
                raise
        return True

    def _finding(self, deadline: Deadline) -> dict[str, Any]:
        """The time limit for Kubo. Kubo gives up first and says what it did not find; the socket's limit, which is
        longer, is for a daemon that hangs. If there are named peers, some time is left to connect to them and look
        again. Raises NotFound, Stopped.
        """
        deadline.check()
        seconds = min(self._find_seconds, deadline.left / (2 if self.peers else 1))
        return {"opts": {"timeout": f"{0.9 * seconds:.3f}s"}, "timeout": seconds + min(5.0, deadline.left)}

    @contextmanager
    def _calling(self, what: str) -> Iterator[None]:
        try:
            yield
        except ipfs.ErrorResponse as error:
            if any(word in str(error) for word in _ABSENT):
                raise NotFound(f"Kubo at {self.url} did not find this in time ({what}): {error}") from error
            raise Unavailable(f"Kubo at {self.url} refused `{what}`: {error}") from error
        except ipfs.TimeoutError as error:
            raise Unavailable(f"Kubo at {self.url}{self._by} does not answer in time ({what}): it is busy") from error
        except (ipfs.ConnectionError, OSError) as error:  # requests' own errors are OSErrors
            fix = "start `ipfs daemon`" if outgoing.is_here(self.url) else "check that it runs there"
            message = f"no Kubo answers at {self.url}{self._by} ({what}): {in_a_line(error)}"
            raise Unavailable(f"{message}; {fix}, or correct the store's URL") from error
        except FedError:
            raise
        except Exception as error:  # any exception of the client about an answer
            message = f"what answers at {self.url}{self._by} is no Kubo, or damaged ({what}): {in_a_line(error)}"
            raise Unavailable(message) from error


@contextmanager
def _as_store_errors(cid: str) -> Iterator[None]:
    try:
        yield
    except Truncated as error:  # Kubo checks what it receives; it ends early when it does not find the next block
        raise NotFound(f"only a part of {cid} was found in time: {error}") from error
    except CarError as error:
        raise Malformed(f"{cid} is not the tree it must be: {error}") from error
