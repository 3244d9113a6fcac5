"""What a round's page draws, from the rounds of random histories: nothing is missing, nothing is in a wrong place."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from fedexplorer.views.matrix import MOST_COLUMNS, MOST_GROUPS, matrix
from fedexplorer.views.round_rows import Participant, PhaseRow, UpdateRow, participants_of, proposal_rows, update_rows
from fedexplorer.views.timeline import MOST_LANES, WIDTH, timeline
from fedprotocol.types import Phase
from support.model_histories import Played


@pytest.mark.parametrize("seed", range(3))
def test_every_act_is_on_the_axis_within_its_phase(seed: int) -> None:
    played, phases_of = Played(seed), {"committed": Phase.TRAIN, "revealed": Phase.REVEAL, "attested": Phase.ATTEST}
    for _ in range(150):
        played.step()
    drawn = 0
    for history in played.histories(with_lens=True):
        people, proposals = participants_of(history), proposal_rows(history)
        phases = [PhaseRow(phase=span.phase, start=span.start, end=span.end) for span in history.phases]
        axis = timeline(phases, people, proposals, played.model.now)
        assert axis.start == history.opened.time and axis.bands[0].x == 0
        assert axis.bands[-1].x + axis.bands[-1].width == pytest.approx(WIDTH, abs=0.2)
        for one, following in zip(axis.bands, axis.bands[1:], strict=False):
            assert one.x + one.width == pytest.approx(following.x, abs=0.2)
        bands = {band.phase: band for band in axis.bands}
        for lane in axis.lanes:
            for mark in lane.marks:
                drawn += mark.count
                assert 0 <= mark.x <= WIDTH
                if (phase := phases_of.get(mark.kind)) in bands:
                    band = bands[phase]
                    assert band.x - 0.1 <= mark.x <= band.x + band.width + 0.1
        acts = len(people) + len(history.updates) + len(history.votes) + len(proposals) + history.convicted
        assert sum(mark.count for lane in axis.lanes for mark in lane.marks) == acts
    assert drawn > 50, "this history shows too little"


def voters(bitmaps: list[int | None]) -> tuple[list[Participant], list[UpdateRow]]:
    """One client for each bitmap, None if it did not vote."""
    accounts = [f"0x{i:040x}" for i in range(len(bitmaps))]
    people = [
        Participant(
            account=account,
            committed=1,
            replaced=0,
            matches=True,
            index=i,
            revealed=2,
            attested=None if bitmap is None else 3 + i,
            vouches="" if bitmap is None else hex(bitmap),
            paid=0,
            credited=None,
            penalty=0,
            fault=None,
            penalised=None,
        )
        for i, (account, bitmap) in enumerate(zip(accounts, bitmaps, strict=True))
    ]
    updates = [
        UpdateRow(
            index=i,
            client=account,
            root=bytes(32),
            examples=1,
            weight=10 + i,
            shift=0,
            loss_before=0,
            loss_after=0,
            yes=0,
            accepted=None,
            verdict="",
            time=2,
            block=1,
            tx=bytes(32),
        )
        for i, account in enumerate(accounts)
    ]
    return people, updates


def test_few_votes_stand_each_by_itself() -> None:
    people, updates = voters([0b111, None, 0b101])
    drawn = matrix(people, updates)
    assert not drawn.is_folded
    assert [(group.accounts, group.bitmap, group.weight) for group in drawn.groups] == [
        ((people[0].account,), 0b111, 10),
        ((people[2].account,), 0b101, 12),
    ]


@pytest.mark.parametrize("seed", range(5))
def test_many_votes_are_folded_and_none_is_lost(seed: int) -> None:
    dice = random.Random(seed)
    count = dice.randint(MOST_COLUMNS + 1, 256)
    kinds = [dice.getrandbits(count) for _ in range(dice.choice([1, 5, 40]))] + [0, (1 << count) - 1]
    people, updates = voters([dice.choice([*kinds, None]) for _ in range(count)])
    drawn = matrix(people, updates)
    assert drawn.is_folded and drawn.columns == count and len(drawn.groups) <= MOST_GROUPS
    votes = {p.account: int(p.vouches, 16) for p in people if p.attested is not None}
    shown = {account: group for group in drawn.groups for account in group.accounts}
    assert len(shown) + drawn.left_out == len(votes)
    for account, group in shown.items():
        assert group.bitmap == votes[account]
        assert sum(((1 << run.count) - 1) << run.first for run in group.runs) == votes[account]
        assert all(a.first + a.count < b.first for a, b in zip(group.runs, group.runs[1:], strict=False))
    weights = [group.weight for group in drawn.groups]
    assert weights == sorted(weights, reverse=True)


def test_with_many_participants_each_kind_of_act_has_a_lane() -> None:
    people, _ = voters([1] * (MOST_LANES + 1))
    axis = timeline([PhaseRow(phase=Phase.TRAIN, start=1, end=400)], people, [], 300)
    assert [(lane.account, lane.kind) for lane in axis.lanes] == [
        (None, k) for k in ("committed", "revealed", "attested")
    ]
    assert [sum(mark.count for mark in lane.marks) for lane in axis.lanes] == [len(people)] * 3
    assert axis.now is not None


def test_sites_that_tell_no_losses_do_not_count_in_the_mean() -> None:
    """Two zeros are what a site with differential privacy sends."""
    played = Played(1)
    for _ in range(220):
        played.step()
    history = max(played.histories(with_lens=True), key=lambda history: len(history.updates))
    first, *others = history.updates
    assert others
    silent = [replace(update, loss_before=0, loss_after=0) for update in others]
    told = replace(first, loss_before=2_500_000, loss_after=1_250_000)
    assert replace(history, updates=(told, *silent)).mean_losses == (2.5, 1.25)
    assert replace(history, updates=tuple(silent)).mean_losses is None


def test_verdicts_say_why() -> None:
    """The two thirds of docs/protocol.md, on both sides of the line."""
    played, seen = Played(1), set[str]()
    for _ in range(220):
        played.step()
    for history in played.histories(with_lens=True):
        for row, update in zip(update_rows(history, is_masked=False), history.updates, strict=True):
            seen.add(row.verdict)
            assert row.accepted is update.accepted
            assert (row.accepted is None) == ("decided" in row.verdict)
            assert row.verdict.startswith("never") == (row.accepted is None and history.phase is Phase.VOID)
            enough = 3 * update.yes >= 2 * history.total_weight
            if row.verdict.endswith("vouch for it"):
                assert not enough
            elif row.verdict.endswith("together"):
                assert enough and history.void_reason.name == "TOO_FEW_ACCEPTED"
    assert {"accepted"} < seen
