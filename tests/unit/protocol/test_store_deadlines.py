"""One deadline around the whole of a fetch, whatever those do who are asked."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import BinaryIO

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from fedprotocol import tree
from fedprotocol.car import CarFile, MemoryLeaves
from fedprotocol.program import outgoing
from fedprotocol.store.base import Malformed, NotFound, Stopped, StoreError, Unavailable
from fedprotocol.store.deadline import Deadline
from fedprotocol.store.directory import DirectoryStore, car_path
from fedprotocol.store.gateway import CAR, Gateway
from fedprotocol.store.kubo import KuboStore
from fedprotocol.store.peered import PeerDirectory, PeeredStore
from fedprotocol.tree import TreeShape
from support.slow_servers import Talk, drips, lasting, listening, says_nothing

# ipfshttpclient's, see kubo.py
pytestmark = pytest.mark.filterwarnings("ignore:The 'strict' parameter is no longer needed")

LEAVES = MemoryLeaves([bytes([i]) * 64 for i in range(7)])
DIGEST = tree.leaf_digest(b"a spec")
BUDGET = 0.5
SLACK = 8.0  # seconds, for a machine with other work; far below what is waited for without a deadline

HEAD = f"HTTP/1.1 200 OK\r\nContent-Type: {CAR}\r\n".encode()
HOSTILE: dict[str, tuple[str, Talk]] = {
    "never answers": ("http", says_nothing),
    "never shakes hands": ("https", says_nothing),
    "trickles its status": ("http", drips(b"HTTP/1.1 200 O", b"K", 0.1)),
    "trickles a header": ("http", drips(HEAD + b"X: ", b"y", 0.1)),
    "trickles headers": ("http", drips(HEAD, b"X: y\r\n", 0.1)),
    "drips chunks": ("http", drips(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n\n\r\n", 0.1)),
    "trickles a chunk's size": ("http", drips(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"0", 0.1)),
    "never gets to its answer": ("http", drips(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.1)),
}


class Hanging(AbstractResolver):
    """DNS that never answers for the names in `silent`; the others are this machine."""

    def __init__(self, *silent: str) -> None:
        self.silent = silent
        self.asked: list[str] = []

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_INET,  # noqa: ARG002
    ) -> list[ResolveResult]:
        self.asked.append(host)
        if host in self.silent:
            await asyncio.Event().wait()
        return [ResolveResult(hostname=host, host="127.0.0.1", port=port, family=socket.AF_INET, proto=0, flags=0)]

    async def close(self) -> None:
        pass


@pytest.mark.parametrize("behaviour", HOSTILE)
def test_a_gateway_has_no_more_than_the_deadline(behaviour: str, tmp_path: Path) -> None:
    scheme, talk = HOSTILE[behaviour]
    with listening(talk) as (place, came):
        store = PeeredStore(DirectoryStore(tmp_path), [Gateway(f"{scheme}://{place}")])
        for read in (partial(store.get, LEAVES.root, LEAVES.shape), partial(store.get_block, DIGEST, 100)):
            with lasting(BUDGET + SLACK), pytest.raises((NotFound, Malformed)):
                read(Deadline(BUDGET))
        assert came
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("behaviour", HOSTILE)
def test_a_fetch_that_is_called_off_ends_at_once(behaviour: str, tmp_path: Path) -> None:
    scheme, talk = HOSTILE[behaviour]
    stop = threading.Event()
    with listening(talk) as (place, _):
        store = PeeredStore(DirectoryStore(tmp_path), [Gateway(f"{scheme}://{place}")])
        threading.Timer(0.3, stop.set).start()
        with lasting(SLACK), pytest.raises((Stopped, Malformed)):  # its first byte may be wrong
            store.get(LEAVES.root, LEAVES.shape, Deadline(stop=stop))


def test_without_a_deadline_a_gateway_has_its_own_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine too, silence is not called a slow download."""
    through = outgoing.through

    def busy(url: str) -> str:
        time.sleep(0.05)
        return through(url)

    monkeypatch.setattr(outgoing, "through", busy)
    with listening(says_nothing) as (place, _):
        store = PeeredStore(DirectoryStore(tmp_path), [Gateway(f"http://{place}", find_seconds=0.5)])
        with lasting(0.5 + SLACK), pytest.raises(NotFound, match="did not answer"):
            store.get(LEAVES.root, LEAVES.shape)


def test_dns_that_hangs_holds_up_no_other_name() -> None:
    resolver = Hanging("silent.example")
    with listening(drips(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", b"", 9)) as (place, came):
        port = place.rpartition(":")[2]
        hangs, answers = (
            Gateway(f"http://{host}:{port}", resolver=resolver) for host in ("silent.example", "b.example")
        )
        with lasting(BUDGET + SLACK), pytest.raises(NotFound, match=r"no answer|not answer"):
            hangs.block(DIGEST, 100, Deadline(BUDGET))
        assert not came
        waiting = [threading.Thread(target=_ignored, args=(hangs,), daemon=True) for _ in range(50)]
        for thread in waiting:
            thread.start()
        with lasting(SLACK), pytest.raises(NotFound, match="does not have"):
            answers.block(DIGEST, 100, Deadline(BUDGET))
        assert resolver.asked.count("b.example") == 1


def _ignored(gateway: Gateway) -> None:
    with pytest.raises(StoreError):
        gateway.block(DIGEST, 100, Deadline(BUDGET))


def test_the_systems_resolver_hangs_for_its_own_name_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """One look-up a name, in a thread that nothing waits for."""
    asked: list[str] = []
    hold = threading.Event()
    find = socket.getaddrinfo

    def slow(host: str, *rest: object, **more: object) -> object:
        asked.append(host)
        if host == "silent.example":
            hold.wait(10)
        return find("127.0.0.1", *rest, **more)  # type: ignore[call-overload]

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    try:
        with listening(drips(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", b"", 9)) as (place, _):
            port = place.rpartition(":")[2]
            for _ in range(3):
                with lasting(0.3 + SLACK), pytest.raises(NotFound):
                    Gateway(f"http://silent.example:{port}").block(DIGEST, 100, Deadline(0.3))
            with pytest.raises(NotFound, match="does not have"):
                Gateway(f"http://other.example:{port}").block(DIGEST, 100, Deadline(BUDGET + SLACK))
        assert asked.count("silent.example") == 1
    finally:
        hold.set()


@pytest.mark.parametrize(
    "place",
    [
        "http://elsewhere.example/ipfs/x",
        "//elsewhere.example/ipfs/x",
        "http://gateway.example.evil.example/x",
        "http://gateway.example:5001/api/v0/version",
        "http://me:secret@gateway.example:PORT/x",
        "ftp://gateway.example/x",
        "file:///etc/passwd",
        "http://a:b",
        "//[::1",
        "",
    ],
)
def test_a_redirect_leads_to_the_same_host_or_nowhere(place: str) -> None:
    resolver = Hanging()

    def talk(connection: socket.socket) -> None:
        connection.recv(1 << 16)
        port = connection.getsockname()[1]
        there = place.replace("PORT", str(port))
        connection.sendall(f"HTTP/1.1 302 Found\r\nLocation: {there}\r\nContent-Length: 0\r\n\r\n".encode())

    with listening(talk) as (here, came):
        gateway = Gateway(f"http://gateway.example:{here.rpartition(':')[2]}", resolver=resolver)
        with pytest.raises(StoreError, match=r"not followed|round in circles|does not answer"):
            gateway.block(DIGEST, 100, Deadline(BUDGET + SLACK))
        assert set(resolver.asked) == {"gateway.example"}
        assert len(came) <= 4


def test_a_redirect_to_a_gateways_own_subdomain_is_followed() -> None:
    cid, resolver = tree.raw_cid(DIGEST), Hanging()

    def talk(connection: socket.socket) -> None:
        asked = connection.recv(1 << 16)
        there = f"{cid}.ipfs.gateway.example:{connection.getsockname()[1]}"
        if b"Host: gateway.example" in asked:
            connection.sendall(f"HTTP/1.1 301 Moved\r\nLocation: http://{there}/\r\nContent-Length: 0\r\n\r\n".encode())
        else:
            head = b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.ipld.raw\r\nContent-Length: 6\r\n\r\n"
            connection.sendall(head + b"a spec")

    with listening(talk) as (here, _):
        gateway = Gateway(f"http://gateway.example:{here.rpartition(':')[2]}", resolver=resolver)
        assert gateway.block(DIGEST, 6, Deadline(BUDGET + SLACK)) == b"a spec"


def test_headers_without_end_fill_no_memory() -> None:
    talk = drips(HEAD, b"X: %s\r\n" % (b"y" * 4000), 0)
    with listening(talk) as (place, _), lasting(5), pytest.raises(StoreError, match="does not answer"):
        Gateway(f"http://{place}").block(DIGEST, 100, Deadline(10))


# ------------------------------------------------------------------------------ Kubo


def kubo_at(place: str, folder: Path, *sources: PeerDirectory) -> KuboStore:
    return KuboStore(f"http://{place}", DirectoryStore(folder), sources=sources)


def test_a_kubo_that_stalls_has_no_more_than_the_deadline(tmp_path: Path) -> None:
    with listening(says_nothing) as (place, came):
        store = kubo_at(place, tmp_path)
        for read in (partial(store.get, LEAVES.root, LEAVES.shape), partial(store.get_block, DIGEST, 100)):
            with lasting(BUDGET + SLACK), pytest.raises((NotFound, Unavailable)):
                read(Deadline(BUDGET))
        assert came


def test_what_a_stalled_kubo_does_not_find_comes_from_elsewhere(tmp_path: Path) -> None:
    DirectoryStore(tmp_path / "theirs").put(LEAVES)
    with listening(says_nothing) as (place, _):
        store = kubo_at(place, tmp_path / "own", PeerDirectory(tmp_path / "theirs"))
        with lasting(10), store.get(LEAVES.root, LEAVES.shape, Deadline(5)) as held:
            assert held[6] == LEAVES[6]
        with lasting(SLACK), store.get(LEAVES.root, LEAVES.shape, Deadline(60)):
            pass  # it is not asked to pin it again at once


# --------------------------------------------------------------------- several threads


class Fleeting(DirectoryStore):
    """Another thread lets go of each tree as soon as it is here."""

    def admit(self, source: BinaryIO, root: bytes, shape: TreeShape) -> CarFile:
        held = super().admit(source, root, shape)
        self.unpin(root)
        return held


def test_what_is_let_go_of_at_once_was_fetched_and_published(tmp_path: Path) -> None:
    """How large it is, for the figures, is asked of the open file."""
    DirectoryStore(tmp_path / "a").put(LEAVES)
    store = PeeredStore(Fleeting(tmp_path / "own"), [PeerDirectory(tmp_path / "a")])
    with store.get(LEAVES.root, LEAVES.shape) as held:
        assert held[0] == LEAVES[0] and held.size == car_path(tmp_path / "a", LEAVES.root).stat().st_size
    assert store.put(LEAVES) == LEAVES.root


def test_a_store_is_shared_by_threads(tmp_path: Path) -> None:
    """The same tree comes from two places at once, is read, and let go of, all the time."""
    for name in ("a", "b"):
        DirectoryStore(tmp_path / name).put(LEAVES)
    store = PeeredStore(DirectoryStore(tmp_path / "own"), [PeerDirectory(tmp_path / name) for name in ("a", "b")])
    wrong: list[BaseException] = []

    def repeat(work: Callable[[], object]) -> None:
        try:
            for _ in range(60):
                work()
        except BaseException as error:
            wrong.append(error)

    def read() -> None:
        with store.get(LEAVES.root, LEAVES.shape) as held:
            assert [held[i] for i in range(7)] == [LEAVES[i] for i in range(7)]

    works = [read, read, read, read, lambda: store.unpin(LEAVES.root), lambda: store.put_block(b"a spec")]
    threads = [threading.Thread(target=repeat, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    read()
    assert car_path(tmp_path / "own", LEAVES.root).is_file()
    assert list((tmp_path / "own/tmp").iterdir()) == []


ENDS = """
import socket, sys, threading, time
from pathlib import Path
from fedprotocol.store.directory import DirectoryStore
from fedprotocol.store.gateway import Gateway
from fedprotocol.store.peered import PeeredStore
from fedprotocol.tree import TreeShape

find = socket.getaddrinfo

def slow(host, *rest, **more):
    return time.sleep(60) if host == "silent.example" else find(host, *rest, **more)

socket.getaddrinfo = slow
sources = [Gateway(sys.argv[2]), Gateway("https://silent.example")]
store = PeeredStore(DirectoryStore(Path(sys.argv[1])), sources)
threading.Thread(target=store.get, args=(bytes(32), TreeShape(7, 64)), daemon=True).start()
time.sleep(3)
"""


@pytest.mark.process
def test_a_program_ends_although_fetches_hang(tmp_path: Path) -> None:
    with listening(says_nothing) as (place, came), lasting(20):
        arguments = [sys.executable, "-c", ENDS, str(tmp_path), f"http://{place}"]
        ended = subprocess.run(arguments, capture_output=True, text=True, timeout=30, check=True)
        assert came
    assert ended.stderr == ""
