"""Trees, CARs and the Kubo store against a real Kubo daemon."""

from __future__ import annotations

import contextlib
import hashlib
import io
import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ipfshttpclient
import pytest
from chaos.faults import WrongBytes
from chaos.proxy import Proxy
from fedprotocol import car, numbers, tree
from fedprotocol.car import MemoryLeaves
from fedprotocol.store.base import Malformed, NotFound, StoreError, Unavailable
from fedprotocol.store.directory import DirectoryStore, car_path
from fedprotocol.store.kubo import KuboStore
from fedprotocol.store.kubo_daemon import KuboDaemon
from fedprotocol.store.open import open_store
from fedprotocol.tree import TreeShape
from support.kubo import BINARY, kubo, kubos, needs_kubo
from support.ports import free_port

__all__ = ["kubo", "kubos"]

pytestmark = [
    needs_kubo,
    pytest.mark.filterwarnings("ignore:The 'strict' parameter is no longer needed"),  # ipfshttpclient's, see kubo.py
]

COUNTS = [2, 3, 5, 225, 2049]


def leaves_of(count: int, seed: int = 0) -> MemoryLeaves:
    """Random leaves, a block of zeros among them, and the last one a repetition."""
    rng = random.Random(seed * 10_000 + count)
    leaves = [rng.randbytes(256) for _ in range(count)]
    if count > 4:
        leaves[count // 4 : count // 2] = [bytes(256)] * (count // 2 - count // 4)
        leaves[-1] = leaves[0]
    return MemoryLeaves(leaves)


def client(daemon: KuboDaemon) -> ipfshttpclient.Client:
    host, port = daemon.url.removeprefix("http://").split(":")
    return ipfshttpclient.Client(f"/ip4/{host}/tcp/{port}/http")


def store_on(daemon: KuboDaemon, cache: Path, find_seconds: float = 20.0) -> KuboStore:
    return KuboStore(daemon.url, DirectoryStore(cache), find_seconds)


@pytest.mark.parametrize("count", COUNTS)
def test_kubo_has_the_same_root_and_writes_the_same_bytes(kubo: KuboDaemon, count: int) -> None:
    leaves, out = leaves_of(count), io.BytesIO()
    car.write_car(leaves, out)
    out.seek(0)
    assert client(kubo).dag.imprt(out)["Root"]["Cid"]["/"] == tree.cid(leaves.root)
    assert client(kubo).dag.export(tree.cid(leaves.root)) == out.getvalue()
    assert tree.cid(leaves.root) in client(kubo).pin.ls(type="recursive")["Keys"]


def test_what_else_kubo_exports_is_refused(kubo: KuboDaemon) -> None:
    """Files and folders: dag-pb under CIDv0 or v1, and a single raw block."""
    leaves = leaves_of(2)
    for content, options in ((bytes(300_000), {}), (b"x" * 256, {"cid-version": "1"})):
        cid = client(kubo).add(io.BytesIO(content), opts=options)["Hash"]
        exported = client(kubo).dag.export(cid)
        with pytest.raises(car.BadHeader, match="does not have the one root"):
            car.read_car(io.BytesIO(exported), leaves.root, leaves.shape, io.BytesIO(), io.BytesIO())


def test_kubo_reads_our_nodes_and_leaves(kubo: KuboDaemon) -> None:
    """What `ipfs dag get` makes of a root: two links, codecs and digests as we derived them."""
    leaves = leaves_of(3)
    out = io.BytesIO()
    car.write_car(leaves, out)
    client(kubo).dag.imprt(io.BytesIO(out.getvalue()))
    left, right = (link["/"] for link in client(kubo).dag.get(tree.cid(leaves.root)).as_json())
    assert tree.parse_cid(left) == (tree.DAG_CBOR, tree.page_root([leaves.digest(0), leaves.digest(1)]))
    assert tree.parse_cid(right) == (tree.RAW, leaves.digest(2))
    assert client(kubo).block.get(right) == leaves[2]


def test_directory_and_kubo_give_an_update_the_same_cid(kubo: KuboDaemon, tmp_path: Path) -> None:
    leaves = leaves_of(225, seed=1)
    directory = open_store(f"dir:{tmp_path}/own", tmp_path)
    assert directory.put(leaves) == store_on(kubo, tmp_path / "cache").put(leaves)
    assert car_path(tmp_path / "own", leaves.root).read_bytes() == client(kubo).dag.export(tree.cid(leaves.root))


def test_whoever_only_reads_pins_nothing(kubos: tuple[KuboDaemon, KuboDaemon], tmp_path: Path) -> None:
    """Their copies go with their cache; what a node has pinned in the same daemon stays."""
    theirs, daemon = kubos
    leaves = leaves_of(225, seed=77)
    block = random.Random(77).randbytes(900)
    publisher = store_on(theirs, tmp_path / "theirs")
    publisher.put(leaves)
    digest = publisher.put_block(block)
    reader = open_store(f"kubo:{daemon.url}", tmp_path / "reader", [theirs.address()], only_reads=True)
    with reader.get(leaves.root, leaves.shape) as held:
        assert held[7] == leaves[7]
    reader.get(leaves.root, leaves.shape).close()
    assert reader.get_block(digest, 1_000) == block
    pinned = client(daemon).pin.ls(type="recursive")["Keys"]
    assert tree.cid(leaves.root) not in pinned
    assert tree.raw_cid(digest) not in pinned


def test_an_update_travels_from_site_to_site(
    kubos: tuple[KuboDaemon, KuboDaemon], tmp_path: Path, record_property: pytest.RecordProperty
) -> None:
    here, there = (store_on(daemon, tmp_path / str(i)) for i, daemon in enumerate(kubos))
    values = random.Random(5).choices(range(-128, 128), k=460_800)
    leaves = MemoryLeaves(numbers.split_leaves(numbers.from_bytes(bytes(v & 255 for v in values), 8), 1024))
    start = time.monotonic()
    root = here.put(leaves)
    record_property("Kubo: publish 450 leaves of 1 KiB, seconds", round(time.monotonic() - start, 2))
    start = time.monotonic()
    with there.get(root, leaves.shape) as held:
        record_property("Kubo: fetch 450 leaves of 1 KiB from a peer, seconds", round(time.monotonic() - start, 2))
        assert numbers.join_leaves(held, 8, len(values)).tolist() == values
    assert tree.cid(root) in client(kubos[1]).pin.ls(type="recursive")["Keys"]
    there.unpin(root)
    there.unpin(root)
    assert tree.cid(root) not in client(kubos[1]).pin.ls(type="recursive").get("Keys", {})


@pytest.mark.parametrize("count", COUNTS[:4])
def test_every_shape_travels(kubos: tuple[KuboDaemon, KuboDaemon], tmp_path: Path, count: int) -> None:
    here, there = (store_on(daemon, tmp_path / str(i)) for i, daemon in enumerate(kubos))
    leaves = leaves_of(count, seed=2)
    here.put(leaves)
    with there.get(leaves.root, leaves.shape) as held:
        assert [held[i] for i in range(count)] == [leaves[i] for i in range(count)]


def test_what_the_daemon_has_is_exported_once(
    kubo: KuboDaemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaves = leaves_of(40, seed=17)
    store_on(kubo, tmp_path / "one").put(leaves)
    exports: list[bool] = []
    export = KuboStore._export

    def counted(store: KuboStore, *arguments: Any) -> Any:
        exports.append(arguments[-1] is True)
        return export(store, *arguments)

    monkeypatch.setattr(KuboStore, "_export", counted)
    with store_on(kubo, tmp_path / "other").get(leaves.root, leaves.shape) as held:
        assert held.root == leaves.root
    assert exports == [True], "only what it has, and no part of it before"


def test_a_copy_in_the_cache_is_pinned_again(kubo: KuboDaemon, tmp_path: Path) -> None:
    """Killed between copying and pinning, or a new Kubo: the next `get` makes good."""
    leaves = leaves_of(5, seed=3)
    DirectoryStore(tmp_path).put(leaves)
    store_on(kubo, tmp_path).get(leaves.root, leaves.shape).close()
    assert tree.cid(leaves.root) in client(kubo).pin.ls(type="recursive")["Keys"]


def test_blocks_travel_and_are_bounded(kubos: tuple[KuboDaemon, KuboDaemon], tmp_path: Path) -> None:
    here, there = (store_on(daemon, tmp_path / str(i)) for i, daemon in enumerate(kubos))
    spec = b'{"version": 1}'
    digest = here.put_block(spec)
    assert client(kubos[0]).block.get(tree.raw_cid(digest)) == spec
    with pytest.raises(Malformed, match="at most 5"):
        there.get_block(digest, 5)
    assert there.get_block(digest, 100) == spec
    assert there.get_block(digest, 100) == spec


def test_damaged_copies_are_fetched_again(kubo: KuboDaemon, tmp_path: Path) -> None:
    store, leaves = store_on(kubo, tmp_path), leaves_of(5, seed=9)
    digest = store.put_block(b"a spec")
    store.put(leaves)
    store.cache.block_path(digest).write_bytes(b"another")
    assert store.get_block(digest, 10) == b"a spec"
    assert store.cache.get_block(digest, 10) == b"a spec"
    path = store.cache.car_path(leaves.root)
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    last_written = next(i for i in reversed(range(5)) if leaves[i] not in [leaves[j] for j in range(i)])
    with store.get(leaves.root, leaves.shape) as held, pytest.raises(car.WrongBlock):
        held[last_written]
    with store.get(leaves.root, leaves.shape) as held:
        assert [held[i] for i in range(5)] == [leaves[i] for i in range(5)]


def test_copies_are_served_while_the_daemon_is_down(tmp_path: Path) -> None:
    leaves, daemon = leaves_of(5, seed=10), KuboDaemon(BINARY, tmp_path / "repo")
    with daemon:
        store = store_on(daemon, tmp_path / "cache")
        store.put(leaves)
    with store.get(leaves.root, leaves.shape) as held:
        assert held[4] == leaves[4]
    with pytest.raises(Unavailable):
        store.get(leaves_of(6).root, TreeShape(6, 256))


def test_named_peers_are_met_and_met_again(tmp_path: Path) -> None:
    """Two daemons that nobody introduces; a third address at which nobody is."""
    nobody = "/ip4/127.0.0.1/tcp/9/p2p/12D3KooWAfPDpPRRRBrmqy9is2zjU5srQ4hKuZitiGmh4NTTpS2d"
    with KuboDaemon(BINARY, tmp_path / "a") as a, KuboDaemon(BINARY, tmp_path / "b") as b:
        here = store_on(a, tmp_path / "here")
        there = KuboStore(b.url, DirectoryStore(tmp_path / "there"), 2, [nobody, a.address()])
        first, second = leaves_of(5, seed=11), leaves_of(5, seed=12)
        digest = here.put_block(b"a spec")
        assert there.get_block(digest, 10) == b"a spec"
        assert "1 peers, 1 of the 2 named" in there.check()
        for leaves in (first, second):
            here.put(leaves)
            client(b)._client.request("/swarm/disconnect", (a.address(),), decoder="json")
            there.get(leaves.root, leaves.shape).close()


PARENT = """
import sys, time
from pathlib import Path
from fedprotocol.store.kubo_daemon import KuboDaemon

print(KuboDaemon(Path(sys.argv[1]), Path(sys.argv[2]), offline=True).start().pid, flush=True)
time.sleep(600)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")
def test_a_daemon_does_not_outlive_a_program_that_is_killed(tmp_path: Path) -> None:
    arguments = [sys.executable, "-c", PARENT, str(BINARY), str(tmp_path / "repo")]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        daemon = Path(f"/proc/{int(parent.stdout.readline())}")
        assert "ipfs" in (daemon / "cmdline").read_text()
        parent.kill()
    deadline = time.monotonic() + 20
    while daemon.exists() and "State:\tZ" not in (daemon / "status").read_text():
        assert time.monotonic() < deadline, "the daemon is still there"
        time.sleep(0.1)


def within(seconds: float, call: Callable[[], object]) -> None:
    start = time.monotonic()
    call()
    assert time.monotonic() - start < seconds


def test_what_nobody_has_is_not_found_in_time(kubos: tuple[KuboDaemon, KuboDaemon], tmp_path: Path) -> None:
    store = store_on(kubos[0], tmp_path, find_seconds=1)
    leaves = leaves_of(5, seed=4)

    def absent() -> None:
        with pytest.raises(NotFound, match="did not find"):
            store.get(leaves.root, leaves.shape)
        with pytest.raises(NotFound, match="did not find"):
            store.get_block(bytes(32), 10)

    within(10, absent)


@pytest.mark.parametrize("missing", ["leaf", "node"])
def test_a_tree_with_a_part_withheld_is_not_found_in_time(
    kubos: tuple[KuboDaemon, KuboDaemon], tmp_path: Path, missing: str
) -> None:
    store = store_on(kubos[0], tmp_path, find_seconds=1)
    leaves = leaves_of(40, seed=5 if missing == "leaf" else 6)
    DirectoryStore(tmp_path / "other").put(leaves)
    client(kubos[1]).dag.imprt(car_path(tmp_path / "other", leaves.root))
    digests = [leaves.digest(i) for i in range(40)]
    client(kubos[1]).pin.rm(tree.cid(leaves.root))
    gone = tree.raw_cid(digests[33]) if missing == "leaf" else tree.cid(tree.levels(digests)[3][0])
    client(kubos[1])._client.request("/block/rm", (gone,), decoder="json")

    def partial() -> None:
        with pytest.raises(NotFound):
            store.get(leaves.root, leaves.shape)

    within(20, partial)
    assert not car_path(tmp_path, leaves.root).exists()
    assert tree.cid(leaves.root) not in client(kubos[0]).pin.ls(type="recursive").get("Keys", {})


def test_an_offline_daemon_says_so_and_does_not_hang(tmp_path: Path) -> None:
    with KuboDaemon(BINARY, tmp_path / "repo", offline=True) as daemon:
        store = store_on(daemon, tmp_path / "cache")
        assert "offline" in store.check()
        leaves = leaves_of(3, seed=7)

        def absent() -> None:
            with pytest.raises(NotFound):
                store.get(leaves.root, leaves.shape)

        within(5, absent)
        assert store.put(leaves) == leaves.root


def test_trees_of_another_shape_are_malformed_and_not_pinned(
    kubos: tuple[KuboDaemon, KuboDaemon], tmp_path: Path
) -> None:
    """Valid DAGs under the right CID that are not what the federation fixed; one of them would never end."""
    store = store_on(kubos[0], tmp_path)
    other = leaves_of(40, seed=8)
    out = io.BytesIO()
    car.write_car(other, out)
    client(kubos[1]).dag.imprt(io.BytesIO(out.getvalue()))
    for shape in (TreeShape(39, 256), TreeShape(41, 256), TreeShape(2, 256), TreeShape(40, 255), TreeShape(80, 256)):
        with pytest.raises(Malformed):
            store.get(other.root, shape)
    endless = leaves_of(2).root
    for _ in range(60):  # 2^60 leaves in 60 blocks
        node = tree.inner_node(endless, False, endless, False)
        client(kubos[1]).block.put(io.BytesIO(node), opts={"cid-codec": "dag-cbor", "mhtype": "sha2-256"})
        endless = hashlib.sha256(node).digest()

    def refused() -> None:
        with pytest.raises(Malformed):
            store.get(endless, TreeShape(450, 1024))

    within(15, refused)
    pinned = client(kubos[0]).pin.ls(type="recursive").get("Keys", {})
    assert not {tree.cid(other.root), tree.cid(endless)} & set(pinned)
    assert not list((tmp_path / "trees").iterdir())


def test_a_daemon_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    store = KuboStore(url, DirectoryStore(tmp_path))
    leaves = leaves_of(3)
    for use in (
        store.check,
        lambda: store.get(leaves.root, leaves.shape),
        lambda: store.put(leaves),
        lambda: store.put_block(b"x"),
        lambda: store.get_block(bytes(32), 10),
        lambda: store.unpin(leaves.root),
    ):
        with pytest.raises(Unavailable, match="ipfs daemon"):
            use()


def test_something_else_at_the_address_is_unavailable(tmp_path: Path) -> None:
    """A server that answers everything with a page."""

    def serve(server: socket.socket) -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, args=(server,), daemon=True).start()
        store = KuboStore(f"http://127.0.0.1:{server.getsockname()[1]}", DirectoryStore(tmp_path))
        with pytest.raises(Unavailable):
            store.check()
        with pytest.raises(Unavailable):
            store.get(bytes(32), TreeShape(2, 4))
        server.shutdown(socket.SHUT_RDWR)


def test_the_daemon_is_the_same_peer_after_a_restart_and_stops(tmp_path: Path) -> None:
    daemon = KuboDaemon(BINARY, tmp_path / "repo")
    with daemon:
        peer = daemon.address().rsplit("/", 1)[1]
        digest = store_on(daemon, tmp_path / "a").put_block(b"kept")
        assert daemon.pid is not None
        pid = daemon.pid
    assert not Path(f"/proc/{pid}").exists()
    with daemon:
        assert daemon.address().rsplit("/", 1)[1] == peer
        assert store_on(daemon, tmp_path / "b").get_block(digest, 10) == b"kept"
    daemon.stop()


def test_a_daemon_without_a_program_or_a_repo_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="make kubo"):
        KuboDaemon(tmp_path / "ipfs", tmp_path / "repo").start()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/config").write_text("{}")
    with pytest.raises(Unavailable, match="log ends"):
        KuboDaemon(BINARY, tmp_path / "broken").start()


@pytest.mark.parametrize("flip", range(8))
def test_a_daemon_whose_answers_are_damaged_is_unavailable_and_nothing_else(
    kubo: KuboDaemon, tmp_path: Path, flip: int
) -> None:
    """One bit of every answer is another; what is read is what was stored, or an error of the store."""
    stored = open_store(f"kubo:{kubo.url}", tmp_path / "own").put_block(b"a document")
    with Proxy(lambda: kubo.url) as proxy:
        proxy.fault = WrongBytes(random.Random(flip))
        store = open_store(f"kubo:{proxy.url}", tmp_path / "other")
        for call in (store.check, lambda: store.put_block(b"another"), lambda: store.unpin(stored)):
            with contextlib.suppress(StoreError):
                call()
        with contextlib.suppress(StoreError):
            assert store.get_block(stored, 100) == b"a document"
