"""Updates that nobody serves, before a real store and servers that never answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fedaggregator.compute.inputs import InputsMissing, contributions
from fednode.daemon.actions import registry as do
from fednode.daemon.actions.content.check_inputs import Finding, check_inputs
from fednode.daemon.actions.content.check_order import SPREAD, gives_up_at, in_order, seconds_to_check
from fednode.daemon.facts import UpdateVerdict
from fedprotocol.car import MemoryLeaves
from fedprotocol.chain.read.snapshot import RoundState
from fedprotocol.numbers import split_leaves
from fedprotocol.program.background import Background
from fedprotocol.spec import Spec
from fedprotocol.store.base import Stopped
from fedprotocol.store.deadline import Deadline
from fedprotocol.store.directory import DirectoryStore
from fedprotocol.store.gateway import Gateway
from fedprotocol.store.peered import PeerDirectory, PeeredStore
from fedprotocol.store.race import HEAD_START
from fedprotocol.types import Phase, Update
from support.slow_servers import listening, says_nothing
from support.snapshots import CONFIG, ME, NOW, OTHER, chain, root, state
from support.specs import small_spec

SPEC = Spec.model_validate_json(small_spec())
SILENT = [Update(OTHER, root(f"silent {i}"), 1, 0, attested=False, yes=0) for i in range(4)]
CHECK = do.CheckInputs(1, root("inputs"))


def update(seed: int) -> MemoryLeaves:
    values = np.zeros(SPEC.layout.leaf_count * 32, np.int8)
    values[:200] = np.random.default_rng(seed).integers(1, 100, 200)
    return MemoryLeaves(split_leaves(values, 32))


def revealed(*updates: Update, my_index: int | None = None) -> RoundState:
    return state(1, Phase.ATTEST, updates=updates, my_index=my_index, phase_end=NOW + 60)


@contextmanager
def served(folder: Path, *weights: int) -> Iterator[tuple[PeeredStore, list[Update]]]:
    """A store whose first source never answers; updates of these weights lie in the second one."""
    theirs = DirectoryStore(folder / "theirs")
    there = [
        Update(OTHER, theirs.put(update(i)), weight, 10, attested=False, yes=0) for i, weight in enumerate(weights)
    ]
    with listening(says_nothing) as (place, _):
        sources = [Gateway(f"http://{place}"), PeerDirectory(folder / "theirs")]
        yield PeeredStore(DirectoryStore(folder / "own"), sources), there


def test_light_updates_that_nobody_serves_do_not_delay_heavy_ones(tmp_path: Path) -> None:
    with served(tmp_path, 64, 64) as (store, heavy):
        updates = revealed(*SILENT, *heavy)
        started, told = time.monotonic(), dict[int, tuple[UpdateVerdict, float]]()

        def found(finding: Finding) -> None:
            told[finding.index] = (finding.verdict, time.monotonic() - started)

        check_inputs(store, SPEC, updates, in_order(updates, range(6)), found, Deadline(8), dict)
    assert {index: verdict for index, (verdict, _) in told.items()} == {
        **dict.fromkeys(range(4), UpdateVerdict.ABSENT),
        **dict.fromkeys((4, 5), UpdateVerdict.GOOD),
    }
    assert max(after for verdict, after in told.values() if verdict is UpdateVerdict.GOOD) < HEAD_START + 2
    assert max(after for _, after in told.values()) < 8 + 3


def test_many_silent_ones_leave_time_for_the_lightest_honest_one(tmp_path: Path) -> None:
    """Forty of one weight, all silent but the last; each has its share of the time."""
    with served(tmp_path, 1) as (store, (honest,)):
        silent = [replace(SILENT[0], root=root(f"silent {i}")) for i in range(40)]
        updates = revealed(*silent, honest)
        verdicts: dict[int, UpdateVerdict] = {}

        def found(finding: Finding) -> None:
            verdicts[finding.index] = finding.verdict

        check_inputs(store, SPEC, updates, in_order(updates, range(41)), found, Deadline(24), dict)
    assert verdicts[40] is UpdateVerdict.GOOD


def test_a_check_that_is_called_off_makes_room_at_once(tmp_path: Path) -> None:
    """The loop interrupts it when the phase is over, say; nothing is said of what was not found yet."""
    told: list[Finding] = []
    background: Background[do.Work] = Background()
    with served(tmp_path) as (store, _):
        updates = revealed(*SILENT)
        background.start(
            CHECK, lambda stop: check_inputs(store, SPEC, updates, range(4), told.append, Deadline(60, stop), dict)
        )
        time.sleep(0.5)
        assert background.running() == {CHECK}
        background.interrupt(CHECK)
        background.wait(2)
        (outcome,) = background.outcomes()
    assert isinstance(outcome.error, Stopped)
    assert told == []
    assert background.running() == frozenset()


def test_lanes_do_not_wait_for_each_other() -> None:
    background: Background[do.Work] = Background()
    hold = threading.Event()
    slow: list[do.Work] = [
        CHECK,
        do.JudgeProposal(1, OTHER, root("a"), root("b")),
        do.Train(2, root("b")),
    ]
    assert len({work.lane for work in [*slow, do.Release(0, frozenset())]}) == 4
    for work in slow:
        background.start(work, lambda _: hold.wait(10))
    background.start(do.Release(0, frozenset()), lambda _: "released")
    background.wait(2)
    assert [outcome.result for outcome in background.outcomes()] == ["released"]
    assert background.running() == set(slow)
    hold.set()


def test_the_own_update_first_then_the_heaviest() -> None:
    weights = [1, 7, 3, 7, 1]
    updates = revealed(*(Update(OTHER, root(f"{i}"), w, 0, attested=False, yes=0) for i, w in enumerate(weights)))
    assert in_order(updates, range(5)) == [1, 3, 2, 0, 4]
    assert in_order(updates, (4, 2, 0)) == [2, 0, 4]
    assert in_order(replace(updates, my_index=4), range(5)) == [4, 1, 3, 2, 0]


@pytest.mark.parametrize(("length", "margin"), [(600, 60), (240, 60), (100, 25), (60, 5), (7, 1), (600, 0), (1, 0)])
def test_nodes_give_absentees_up_at_different_moments(length: int, margin: int) -> None:
    attest = state(1, Phase.ATTEST, phase_start=NOW, phase_end=NOW + length)
    accounts = [f"0x{i:040x}" for i in range(400)]
    moments = [gives_up_at(account, attest, margin) for account in accounts]
    last = NOW + length - margin
    assert all(max(NOW + length // 2, last - SPREAD * margin) <= moment <= last for moment in moments)
    room = min(SPREAD * margin, last - (NOW + length // 2))
    assert len(set(moments)) > 0.8 * room
    if room > 20:
        for third in range(3):  # evenly
            part = [m for m in moments if last - room + third * room / 3 <= m <= last - room + (third + 1) * room / 3]
            assert 90 < len(part) < 180
    assert moments == [gives_up_at(account.upper().replace("X", "x"), attest, margin) for account in accounts]
    later = [gives_up_at(account, replace(attest, number=2), margin) for account in accounts]
    assert margin == 0 or length < 10 or later != moments


def test_there_is_time_to_check_until_it_is_given_up_and_again_until_the_end() -> None:
    attest = state(1, Phase.ATTEST, phase_start=NOW, phase_end=NOW + 600)
    until = gives_up_at(ME, attest, 60)
    assert seconds_to_check(chain(attest, time=NOW + 10), attest, 60) == until - NOW - 10
    assert seconds_to_check(chain(attest, time=until), attest, 60) == NOW + 600 - until
    assert seconds_to_check(chain(attest, time=NOW + 700), attest, 60) == 0


def test_accepted_updates_that_nobody_serves_do_not_delay_the_others(tmp_path: Path) -> None:
    config = replace(CONFIG, leaf_count=SPEC.layout.leaf_count)
    with served(tmp_path, 3, 64, 2) as (store, there):
        aggregate = state(1, Phase.AGGREGATE, updates=(*SILENT, *there), accepted_mask=0b1111111)
        with pytest.raises(InputsMissing) as caught, contributions(store, config, aggregate, Deadline(6)):
            pass
        assert set(caught.value.missing) == set(SILENT)
        alone = PeeredStore(store.own, [])
        only = replace(aggregate, view=replace(aggregate.view, accepted_mask=0b1110000))
        with contributions(alone, config, only) as inputs:
            assert [given.weight for given in inputs] == [3, 64, 2]
            assert [given.leaves.root for given in inputs] == [update.root for update in there]
