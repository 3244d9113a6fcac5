"""Measures one explorer, as a process of its own and over HTTP."""

from __future__ import annotations

import os
import shutil
import statistics
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import requests
from fedexplorer.views import ALL
from fedprotocol.program.peak_memory import peak_memory
from support.big_federation import BigFederation
from support.explorer_process import explorer
from support.proxy import Proxy

from explorer_load.samples import Samples

VISITS = 25  # of each page; another one each time, as far as there are others
WATCHED = 20.0  # seconds for which viewers are counted
BLOCK_EVERY = 2.0  # seconds between blocks meanwhile
SLOWEST_START = 1800.0


@dataclass
class Answered:
    """How long the answers to one kind of request took, in milliseconds, and the most bytes of one. `computed`: the
    processor's time for one, on average, which does not depend on what else the machine does."""

    median: float
    late: float  # 95 of 100 were there sooner
    computed: float
    size: int


@dataclass
class Measured:
    """`pages` by name, HTML and JSON. `calls`: to the chain's node in a minute, by the number of viewers. `memory` in
    bytes, the most that was resident."""

    rounds: int
    clients: int
    events: int
    blocks: int
    sync: float
    again: float  # the same with the events on disk
    memory: int
    index_bytes: int
    pages: dict[str, tuple[Answered, Answered]] = field(default_factory=dict)
    calls: dict[int, float] = field(default_factory=dict)
    methods: Counter[str] = field(default_factory=Counter)  # of one viewer


def measured(big: BigFederation, folder: Path, store: Path) -> Measured:
    """Raises AssertionError if a page is not there."""
    home = folder / "cache"
    shutil.rmtree(home, ignore_errors=True)
    with Proxy(big.federation.chain.url) as node:
        with running(big, node.url, folder, store) as (url, sync, _):
            events = requests.get(url + "api/events", timeout=60).json()["length"]
        with running(big, node.url, folder, store) as (url, again, pid):
            blocks = big.federation.coordinator.head()
            result = Measured(big.rounds, big.size, events, blocks, sync, again, 0, _size(home))
            _visit(big, url, pid, result)
            _wait_for_quiet(node)
            for viewers in (0, 1, 10):
                result.calls[viewers], methods = _watch(big, url, node, viewers)
                result.methods = methods if viewers == 1 else result.methods
            result.memory = peak_memory(pid)
    return result


@contextmanager
def running(big: BigFederation, rpc: str, folder: Path, store: Path) -> Iterator[tuple[str, float, int]]:
    """The explorer's URL, the seconds until its first page was there, its process."""
    begun = time.monotonic()
    with explorer(big.federation.coordinator.address, rpc, folder, "--store", f"dir:{store}") as started:
        deadline = begun + SLOWEST_START
        while requests.get(started.url, timeout=60).status_code != 200:
            assert started.program.poll() is None and time.monotonic() < deadline, started.log
            time.sleep(0.1)
        yield started.url, time.monotonic() - begun, started.program.pid


def _visit(big: BigFederation, url: str, pid: int, result: Measured) -> None:
    with requests.Session() as session:
        every = max(1, result.events // 40)
        rows = [
            session.get(url + f"api/events?first={first}&shown=1", timeout=60).json()["rows"][0]
            for first in range(0, result.events, every)
        ]
        samples = Samples(big, rows)
        for view in ALL:
            paths = samples.of(view, VISITS)
            api = ["/api/federation" if path == "/" else "/api" + path for path in paths]
            result.pages[view.name] = (_timed(session, url, pid, paths), _timed(session, url, pid, api))
            print(f"{view.name}: {result.pages[view.name][0].median:.0f} ms", flush=True)


def _timed(session: requests.Session, url: str, pid: int, paths: list[str]) -> Answered:
    took, size, before = [], 0, _processor_seconds(pid)
    for path in paths:
        begun = time.perf_counter()
        answer = session.get(url.rstrip("/") + path, timeout=60, allow_redirects=False)
        took.append((time.perf_counter() - begun) * 1000)
        assert answer.status_code < 400, f"{path}: {answer.status_code} {answer.text[:300]}"
        size = max(size, len(answer.content))
    computed = (_processor_seconds(pid) - before) * 1000 / len(paths)
    return Answered(statistics.median(took), statistics.quantiles(took, n=20)[-1], computed, size)


def _processor_seconds(pid: int) -> float:
    """Of the process so far (proc(5): utime and stime, in ticks)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _wait_for_quiet(node: Proxy) -> None:
    """Until nothing is fetched any more that visited pages asked for."""
    while True:
        node.seen.clear()
        time.sleep(3)
        if not any(call["method"].startswith("eth_getTransaction") for call in list(node.seen)):
            return


def _watch(big: BigFederation, url: str, node: Proxy, viewers: int) -> tuple[float, Counter[str]]:
    """Calls to the node in a minute while so many viewers look at the first page and load it again at every change."""
    stop = threading.Event()
    threads = [threading.Thread(target=_look_on, args=(url, stop), daemon=True) for _ in range(viewers)]
    for thread in threads:
        thread.start()
    time.sleep(2)
    node.seen.clear()
    end = time.monotonic() + WATCHED
    while time.monotonic() < end:
        big.federation.fund(1)
        time.sleep(BLOCK_EVERY)
    seen = Counter(call["method"] for call in list(node.seen))
    stop.set()
    for thread in threads:
        thread.join(30)
    return sum(seen.values()) * 60 / WATCHED, seen


def _look_on(url: str, stop: threading.Event) -> None:
    with requests.Session() as session, requests.get(url + "live", stream=True, timeout=60) as stream:
        for line in stream.iter_lines():
            if stop.is_set():
                return
            if line.startswith(b"event: changed"):
                session.get(url, timeout=60)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
