"""Trustless gateways: Kubo's own, and HTTP servers that do what no gateway should."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path

import pytest
from fedprotocol import tree
from fedprotocol.car import MemoryLeaves, write_car
from fedprotocol.store.base import Malformed, NotFound, StoreError, Unavailable
from fedprotocol.store.directory import DirectoryStore
from fedprotocol.store.gateway import CAR, EMPTY, RAW, Gateway
from fedprotocol.store.kubo_daemon import KuboDaemon
from fedprotocol.store.open import open_store
from fedprotocol.store.peered import PeeredStore
from fedprotocol.tree import TreeShape
from support.kubo import kubo, needs_kubo

__all__ = ["kubo"]

LEAVES = MemoryLeaves([bytes([i]) * 64 for i in range(4)] + [bytes(64)] * 3)
SPEC = b"a spec"
DIGEST = tree.leaf_digest(SPEC)
Answer = Callable[[BaseHTTPRequestHandler], None]


def car_bytes(leaves: MemoryLeaves = LEAVES) -> bytes:
    out = BytesIO()
    write_car(leaves, out)
    return out.getvalue()


@contextmanager
def serving(answer: Answer) -> Iterator[tuple[str, list[str]]]:
    """An HTTP server whose every GET is `answer`ed; its URL, and the paths it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            answer(self)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()


def send(handler: BaseHTTPRequestHandler, body: bytes, status: int = 200, **headers: str) -> None:
    handler.send_response(status)
    form = handler.path.rpartition("=")[2]
    names = {"Content-Type": {"car": CAR, "raw": RAW}[form], **{k.replace("_", "-"): v for k, v in headers.items()}}
    for name, value in names.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)


def honest(handler: BaseHTTPRequestHandler) -> None:
    bodies = {tree.cid(LEAVES.root): car_bytes(), tree.raw_cid(DIGEST): SPEC, EMPTY: b""}
    cid = handler.path.removeprefix("/ipfs/").partition("?")[0]
    send(handler, bodies.get(cid, b""), 200 if cid in bodies else 404)


def store(tmp_path: Path, *urls: str, find_seconds: float = 2.0) -> PeeredStore:
    return PeeredStore(DirectoryStore(tmp_path / "own"), [Gateway(url, find_seconds) for url in urls])


def assert_complete(held: PeeredStore) -> None:
    with held.get(LEAVES.root, LEAVES.shape) as leaves:
        assert [leaves[i] for i in range(len(leaves))] == [LEAVES[i] for i in range(len(LEAVES))]
    assert held.get_block(DIGEST, 100) == SPEC


@needs_kubo
def test_kubos_own_gateway(kubo: KuboDaemon, tmp_path: Path) -> None:
    big = MemoryLeaves([i.to_bytes(4, "big") * 256 for i in range(2_500)])
    theirs = open_store(f"kubo:{kubo.url}", tmp_path / "cache")
    for leaves in (LEAVES, big):
        theirs.put(leaves)
    theirs.put_block(SPEC)
    mine = store(tmp_path, kubo.gateway)
    assert "1 of 1 peers can be read" in mine.check()
    assert_complete(mine)
    with mine.get(big.root, big.shape) as held:
        assert held[2_499] == big[2_499]
    with pytest.raises(NotFound):
        mine.get(bytes(32), LEAVES.shape)


@needs_kubo
def test_what_kubo_does_not_find_comes_from_a_gateway_and_is_pinned(kubo: KuboDaemon, tmp_path: Path) -> None:
    rare = MemoryLeaves([b"nobody in the swarm has this %5d" % i for i in range(5)])

    def answer(handler: BaseHTTPRequestHandler) -> None:
        send(handler, car_bytes(rare) if "car" in handler.path else b"rare block")

    with serving(answer) as (url, _):
        mine = open_store(f"kubo:{kubo.url}", tmp_path / "cache", [url])
        vars(mine)["_find_seconds"] = 1.0
        with mine.get(rare.root, rare.shape) as held:
            assert held[4] == rare[4]
        assert mine.get_block(tree.leaf_digest(b"rare block"), 100) == b"rare block"
    other = open_store(f"kubo:{kubo.url}", tmp_path / "other")
    with other.get(rare.root, rare.shape) as held:  # from Kubo: the gateway is gone
        assert held[0] == rare[0]


def test_copies_are_kept_and_asked_for_once(tmp_path: Path) -> None:
    with serving(honest) as (url, asked):
        mine = store(tmp_path, url)
        assert_complete(mine)
        assert_complete(mine)
        assert asked == [f"/ipfs/{tree.cid(LEAVES.root)}?format=car", f"/ipfs/{tree.raw_cid(DIGEST)}?format=raw"]


def slow(handler: BaseHTTPRequestHandler) -> None:
    handler.close_connection = True
    time.sleep(4)


def stalls(handler: BaseHTTPRequestHandler) -> None:
    """A beginning, and then silence."""
    send(handler, car_bytes()[:150] if "car" in handler.path else SPEC[:2], Content_Length="100000")
    handler.wfile.flush()
    time.sleep(4)


def endless(handler: BaseHTTPRequestHandler) -> None:
    send(handler, car_bytes() + b"\1\0" if "car" in handler.path else SPEC)
    try:
        while True:
            handler.wfile.write(bytes(1 << 16))
    except OSError:
        pass


def bomb(handler: BaseHTTPRequestHandler) -> None:
    """A few kilobytes that unpack to many megabytes."""
    send(handler, gzip.compress(bytes(1 << 26)), Content_Encoding="gzip")


HOSTILE: dict[str, Answer] = {
    "refuses": lambda h: send(h, b"", 403),
    "is busy": lambda h: send(h, b"", 429),
    "fails": lambda h: send(h, b"", 500),
    "found it too late": lambda h: send(h, b"", 504),
    "serves a page": lambda h: send(h, b"<html>", Content_Type="text/html"),
    "serves nothing": lambda h: send(h, b""),
    "serves other bytes": lambda h: send(h, car_bytes()[:-1] + b"?" if "car" in h.path else b"no spec"),
    "serves another tree": lambda h: send(h, car_bytes(MemoryLeaves([b"\7" * 64] * 7))),
    "serves half": lambda h: send(h, car_bytes()[:-70] if "car" in h.path else SPEC[:-1]),
    "breaks off": lambda h: send(h, car_bytes()[:100] if "car" in h.path else SPEC[:2], Content_Length="5000"),
    "never answers": slow,
    "stalls": stalls,
    "never ends": endless,
    "unpacks without end": bomb,
    "sends round in circles": lambda h: send(h, b"", 302, Location=h.path),
    "sends elsewhere": lambda h: send(h, b"", 302, Location="file:///etc/passwd"),
    "sends nowhere": lambda h: send(h, b"", 302, Location="//[::1"),
}


@pytest.mark.parametrize("behaviour", HOSTILE)
def test_a_hostile_gateway_is_passed_over(behaviour: str, tmp_path: Path) -> None:
    with serving(HOSTILE[behaviour]) as (bad, asked), serving(honest) as (good, _):
        started = time.monotonic()
        both = [Gateway(bad, 0.5), Gateway(good, 20)]  # the honest one may be slow, on a busy machine
        assert_complete(PeeredStore(DirectoryStore(tmp_path / "both/own"), both))
        assert len(asked) >= 2
        alone = store(tmp_path / "alone", bad, find_seconds=0.5)
        for read in (lambda: alone.get(LEAVES.root, LEAVES.shape), lambda: alone.get_block(DIGEST, 100)):
            with pytest.raises((NotFound, Malformed)):
                read()
        assert time.monotonic() - started < 25  # less than one that is silent has by default
    assert [path for path in (tmp_path / "alone").rglob("*") if path.is_file()] == []


def test_nobody_listens(tmp_path: Path) -> None:
    mine = store(tmp_path, "http://127.0.0.1:9")
    assert "0 of 1 peers can be read; http://127.0.0.1:9: " in mine.check()
    with pytest.raises(NotFound, match=r"127\.0\.0\.1:9: it does not answer"):
        mine.get(LEAVES.root, LEAVES.shape)


def test_a_slow_download_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that never stalls for long, and never gets anywhere either."""

    def trickles(handler: BaseHTTPRequestHandler) -> None:
        send(handler, b"")
        for byte in car_bytes():
            time.sleep(0.05)
            try:
                handler.wfile.write(bytes([byte]))
            except OSError:
                return

    monkeypatch.setattr("fedprotocol.store.download.MIN_BYTES_PER_SECOND", 448)  # one second for these leaves
    started = time.monotonic()
    with serving(trickles) as (url, _), pytest.raises(NotFound, match="slower than"):
        store(tmp_path, url, find_seconds=0.5).get(LEAVES.root, LEAVES.shape)
    assert time.monotonic() - started < 10


def test_a_gateway_as_a_store_is_read_only(tmp_path: Path) -> None:
    with serving(honest) as (url, _), serving(lambda h: send(h, b"", 404)) as (empty, _):
        mine = open_store(f"gateway:{empty}", tmp_path / "cache", [url])
        assert_complete(mine)  # type: ignore[arg-type]
        for publish in (lambda: mine.put(LEAVES), lambda: mine.put_block(SPEC)):
            with pytest.raises(Unavailable, match="read only"):
                publish()
        with pytest.raises(Malformed, match="more than"):
            open_store(f"gateway:{url}", tmp_path / "other").get_block(DIGEST, 3)
        with pytest.raises(Malformed):
            open_store(f"gateway:{url}", tmp_path / "other").get(LEAVES.root, TreeShape(8, 64))


@pytest.mark.parametrize(
    "url", ["gateway:", "gateway:ftp://host", "gateway:https://", "gateway:https://a?b", "gateway:https://me:pw@host"]
)
def test_urls_that_name_no_gateway(url: str, tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        open_store(url, tmp_path)
