"""Several sources for one fetch, and several fetches, so that what is slow delays nothing else."""

from __future__ import annotations

import threading
import time
from functools import partial
from pathlib import Path

import pytest
from fedprotocol.car import MemoryLeaves
from fedprotocol.store.base import NotFound, Stopped
from fedprotocol.store.deadline import Deadline
from fedprotocol.store.directory import DirectoryStore
from fedprotocol.store.gateway import Gateway
from fedprotocol.store.peered import PeerDirectory, PeeredStore
from fedprotocol.store.race import HEAD_START, Attempt, first_of
from fedprotocol.store.side_by_side import GRACE, fair_share, side_by_side
from support.slow_servers import lasting, listening, says_nothing

LEAVES = MemoryLeaves([bytes([i]) * 64 for i in range(7)])
BUDGET = 0.5
SLACK = 8.0  # seconds, for a machine with other work; far below what is waited for without a deadline

# ------------------------------------------------------------------ several sources


def test_a_silent_source_costs_no_more_than_its_head_start(tmp_path: Path) -> None:
    """Wherever the one that serves stands among those that do not."""
    DirectoryStore(tmp_path / "theirs").put(LEAVES)
    with listening(says_nothing) as (place, _):
        quiet = [Gateway(f"http://{place}/{i}") for i in range(2)]
        sources = [*quiet, PeerDirectory(tmp_path / "theirs")]
        store = PeeredStore(DirectoryStore(tmp_path / "own"), sources)
        with lasting(2 * HEAD_START + SLACK, 2 * HEAD_START), store.get(LEAVES.root, LEAVES.shape) as held:
            assert held[6] == LEAVES[6]


def test_a_source_that_gets_on_is_left_alone() -> None:
    asked = []

    def fetch(name: str, deadline: Deadline) -> str:
        asked.append(name)
        for _ in range(30):
            deadline.moved(1 << 20)
            time.sleep(0.1)
        return name

    attempts = [Attempt(name, partial(fetch, name)) for name in ("first", "second")]
    assert first_of(attempts, "it", NotFound("not here"), Deadline(30)) == "first"
    assert asked == ["first"]


def test_the_losers_are_called_off() -> None:
    ended = threading.Event()

    def slow(deadline: Deadline) -> str:
        try:
            while True:
                deadline.check()
                time.sleep(0.02)
        except Stopped:
            ended.set()
            raise

    attempts = [Attempt("slow", slow), Attempt("quick", lambda _: "quick")]
    assert first_of(attempts, "it", NotFound("not here"), Deadline(30)) == "quick"
    assert ended.wait(2)


def test_what_hangs_where_no_deadline_reaches_is_not_waited_for() -> None:
    """A read from a network's disk that is gone."""
    hold = threading.Event()
    try:
        with lasting(BUDGET + SLACK), pytest.raises(NotFound, match="a disk"):
            first_of([Attempt("a disk", lambda _: hold.wait(20))], "it", NotFound("not here"), Deadline(BUDGET))
    finally:
        hold.set()


def test_a_directory_that_hangs_is_asked_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hold = threading.Event()
    begun: list[Path] = []

    def hangs(path: Path) -> None:
        begun.append(path)
        hold.wait(60)
        raise OSError("gone")

    monkeypatch.setattr("fedprotocol.store.peered.open_regular", hangs)
    store = PeeredStore(DirectoryStore(tmp_path / "own"), [PeerDirectory(tmp_path / "theirs")])
    for number in range(70):
        with pytest.raises(NotFound):
            store.get(number.to_bytes(32, "big"), LEAVES.shape, Deadline(0.01))
    hold.set()
    assert len(begun) <= 64


# ---------------------------------------------------------------------- side by side


def test_the_time_left_is_divided_among_what_is_open() -> None:
    assert fair_share(80, 1) == fair_share(80, 8) == 80
    assert fair_share(80, 16) == 40
    assert fair_share(80, 320) == 2
    assert fair_share(80, 17) == 80 / 3


def test_they_are_begun_in_order_and_each_has_its_share() -> None:
    """Forty that are silent after eight that are served: each is asked, and those first have been told by then."""
    begun: list[int] = []
    shares: dict[int, float] = {}

    def fetch(key: int, deadline: Deadline) -> int:
        begun.append(key)
        shares[key] = deadline.left
        if key < 8:
            return key
        while True:
            deadline.check()
            time.sleep(0.02)

    with lasting(4 + GRACE + SLACK):
        ended = list(side_by_side(range(48), fetch, Deadline(4)))
    assert sorted(begun[:8]) == list(range(8))
    assert {of.key for of in ended if of.error is None} == {of.key for of in ended[:8]} == set(range(8))
    assert len({of.key for of in ended}) == 48
    assert max(shares[key] for key in range(8)) <= 4 * 8 / 48 + 0.1
    assert min(shares[key] for key in range(8, 48)) > 0.1  # two thirds of a second on an idle machine


def test_the_absent_are_asked_for_again_while_others_are_fetched() -> None:
    tries: list[float] = []
    found = threading.Event()

    def fetch(key: str, _: Deadline) -> str:
        if key == "long":
            found.wait(10)
            time.sleep(0.5)
            return key
        tries.append(time.monotonic())
        if len(tries) < 3:
            raise NotFound("not yet")
        found.set()
        return key

    ended = [(of.key, of.error is None) for of in side_by_side(["long", "late"], fetch, Deadline(10), pause=0.2)]
    assert ended == [("late", False), ("late", False), ("late", True), ("long", True)]
    assert tries[1] - tries[0] >= 0.2


@pytest.mark.parametrize("ends", [True, False], ids=["by itself", "never"])
def test_side_by_side_stops_at_once(ends: bool) -> None:
    stop, hold = threading.Event(), threading.Event()

    def fetch(_: int, deadline: Deadline) -> None:
        while not hold.is_set():
            time.sleep(0.02)
            if ends:
                deadline.check()

    threading.Timer(0.3, stop.set).start()
    with lasting(SLACK), pytest.raises(Stopped):
        list(side_by_side(range(20), fetch, Deadline(stop=stop)))
    hold.set()


def test_what_does_not_end_with_its_share_counts_as_absent() -> None:
    hold = threading.Event()
    with lasting(BUDGET + GRACE + SLACK):
        ended = list(side_by_side([1], lambda _key, _deadline: hold.wait(20), Deadline(BUDGET)))
    hold.set()
    assert [type(of.error) for of in ended] == [NotFound]


def test_a_deadlines_parts_are_over_with_it() -> None:
    stop = threading.Event()
    whole = Deadline(0.2, stop)
    part = whole.part(60)
    assert part.left <= 0.2
    part.moved(5)
    assert whole.bytes_moved == 5
    stop.set()
    assert part.left == 0
    with pytest.raises(Stopped):
        part.check()
    late = Deadline(0)
    with pytest.raises(NotFound):
        late.part(60).check()
