"""What a round paid the account, written down once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from fednode.daemon.settled_rounds import SettledRounds
from fednode.figure_files import SETTLED, records
from fedprotocol.chain.read.payouts import payout
from fedprotocol.chain.read.snapshot import RoundState
from fedprotocol.types import Phase, Update
from support.snapshots import CONFIG, ME, OTHER, SEAT, chain, root, state

# of a reward of 1,000, 10 % go to the aggregator; the account has 3 of 7 examples
TERMS = replace(CONFIG, round_reward=1000, aggregator_bps=1000)


def final(number: int = 1, accepted: int = 0b11, attested: bool = True, aggregator: str = OTHER) -> RoundState:
    ended = state(number, Phase.FINAL)
    updates = (Update(OTHER, root("theirs"), 4, 0, True, 7), Update(ME, root("mine"), 3, 0, attested, 7))
    changed = {"total_weight": 7, "accepted_mask": accepted, "aggregator": aggregator, "global_root": root("global")}
    return replace(ended, view=replace(ended.view, **changed, settled_at=5000), updates=updates, my_index=1)


@pytest.mark.parametrize(
    ("ended", "paid"),
    [
        (final(), 900 * 3 // 7),
        (final(aggregator=ME), 900 * 3 // 7 + 100),
        (final(accepted=0b01), 0),
        (final(attested=False), 0),
        (replace(final(aggregator=ME), my_index=None), 100),
        (replace(final(), view=replace(final().view, phase=Phase.CHALLENGE)), 0),
        (replace(final(aggregator=ME), view=replace(final(aggregator=ME).view, phase=Phase.VOID)), 0),
    ],
)
def test_what_the_contract_pays(ended: RoundState, paid: int) -> None:
    assert payout(chain(ended, config=TERMS), ended) == paid


def test_a_round_is_written_down_once_and_again_after_a_re_org(tmp_path: Path) -> None:
    seen = chain(final(), state(2, Phase.TRAIN), config=TERMS, my_seat=replace(SEAT, stake=12_345), tokens=678)
    settled = SettledRounds(tmp_path, 2)
    settled.note(seen)
    expected = {"round": 1, "phase": "final", "payout": 3.85, "stake": 123.45, "owed": 0.0, "tokens": 6.78, "at": 5000}
    assert records(tmp_path / SETTLED) == [expected]
    before = (tmp_path / SETTLED).stat().st_ino
    settled.note(seen)
    assert (tmp_path / SETTLED).stat().st_ino == before, "nothing is written for what is known"
    settled.note(chain(final(2), config=TERMS))
    other = final(2, accepted=0b01)
    settled.note(chain(other, config=TERMS))
    assert [(entry["round"], entry["payout"]) for entry in records(tmp_path / SETTLED)] == [(1, 3.85), (2, 0.0)]
