"""The one judgement on a proposal: every verdict, and that it names the first wrong leaf whatever the lie."""

from __future__ import annotations

from dataclasses import fields
from functools import partial
from typing import Any

import pytest
from fedaggregator.disputes.judge import (
    Claim,
    DisputeError,
    Right,
    Undecided,
    Wrong,
    WrongLeaf,
    alarm,
    has_right_proposal,
    judge,
    wrong_proposals,
)
from fedaggregator.disputes.price import CallTooLarge, CaseSize, Limits
from fedaggregator.rules.fedavg import FedAvg
from fedprotocol import tree
from fedprotocol.chain.read.snapshot import RoundState
from fedprotocol.leaves import MemoryLeaves
from fedprotocol.types import Phase, Proposal, RoundView
from hypothesis import given
from hypothesis import strategies as st

OWN = MemoryLeaves([bytes([i]) * 8 for i in range(5)])
SOMEBODY = "0x" + 40 * "1"


def digests(leaves: MemoryLeaves) -> list[bytes]:
    return [leaves.digest(i) for i in range(len(leaves))]


def claimed(leaves: MemoryLeaves) -> Claim:
    return Claim(leaves.root, digests(leaves))


def with_leaf(index: int, leaf: bytes) -> MemoryLeaves:
    return MemoryLeaves([leaf if i == index else OWN[i] for i in range(len(OWN))])


LIE = with_leaf(3, b"a lie ..")


def test_the_own_root_is_right_whatever_else_is_known() -> None:
    for claim in (claimed(OWN), Claim(OWN.root), Claim(OWN.root, unreadable="the log is withheld")):
        assert judge(claim, OWN) == judge(claim, OWN.root) == Right()
    assert str(Right()) == "is right"


def test_another_root_is_wrong_by_the_first_leaf_that_differs() -> None:
    verdict = judge(claimed(LIE), OWN)
    assert verdict == Wrong(WrongLeaf(3, OWN.digest(3), LIE.digest(3)))
    assert str(verdict) == f"is WRONG: leaf 3 should be 0x{OWN.digest(3).hex()}, it claims 0x{LIE.digest(3).hex()}"


def test_it_says_what_the_case_by_that_leaf_takes() -> None:
    price = partial(CaseSize.at_leaf, FedAvg(), 4, 1024, 8, len(OWN))
    verdict = judge(claimed(LIE), OWN, price)
    assert isinstance(verdict, Wrong) and verdict.cost == price(3)
    [call] = price(3).calls()
    assert alarm(2, SOMEBODY, LIE.root, verdict) == (
        f"round 2: WRONG PROPOSAL by {SOMEBODY}, root {tree.cid(LIE.root)}: {verdict.where}; "
        f"to convict it takes 1 call, {call.calldata:,} bytes of calldata, at most {call.gas:,} gas"
    )


def test_another_root_is_wrong_although_no_leaf_is_known() -> None:
    by_root = judge(Claim(LIE.root), OWN)
    assert by_root == judge(claimed(LIE), OWN.root) == Wrong() and str(by_root) == "is WRONG"
    unread = judge(Claim(LIE.root, unreadable="the log is withheld"), OWN)
    assert unread == Wrong(unreadable="the log is withheld")
    assert "it cannot be convicted from here, no leaf of it can be opened (the log is withheld)" in str(unread)


def test_without_a_recomputation_nothing_is_decided() -> None:
    assert judge(claimed(LIE), None, missing="nobody serves them") == Undecided("nobody serves them")
    assert str(judge(Claim(OWN.root), None)) == "could not be checked: the round is not recomputed here yet"


def test_what_is_not_the_proposals_own_is_not_judged_by() -> None:
    with pytest.raises(DisputeError, match="not those of proposal"):
        judge(Claim(bytes(32), digests(LIE)), OWN)
    with pytest.raises(DisputeError, match="4 digests cannot be those of a tree of 5 leaves"):
        judge(Claim(tree.root(digests(LIE)[:4]), digests(LIE)[:4]), OWN)
    damaged = MemoryLeaves([OWN[i] for i in range(5)])
    damaged.root = bytes(32)
    with pytest.raises(DisputeError, match="merge the round again"):
        judge(claimed(OWN), damaged)


trees = st.lists(st.binary(min_size=4, max_size=4), min_size=2, max_size=40)


@given(leaves=trees, lies=st.dictionaries(st.integers(0, 39), st.integers(1, 255), max_size=6))
def test_a_lie_in_any_leaf_is_found_at_the_first_and_the_truth_never_is(
    leaves: list[bytes], lies: dict[int, int]
) -> None:
    own = MemoryLeaves(leaves)
    lies = {leaf: change for leaf, change in lies.items() if leaf < len(leaves)}
    proposed = MemoryLeaves(
        [bytes([leaf[0] ^ lies[i]]) + leaf[1:] if i in lies else leaf for i, leaf in enumerate(leaves)]
    )
    verdict = judge(claimed(proposed), own)
    if lies:
        first = min(lies)
        assert verdict == Wrong(WrongLeaf(first, own.digest(first), proposed.digest(first)))
        assert judge(Claim(proposed.root), own.root) == Wrong()
    else:
        assert verdict == judge(Claim(proposed.root), own.root) == Right()


@given(leaf_count=st.integers(2, 600), data=st.data())
def test_the_price_knows_every_path(leaf_count: int, data: st.DataObject) -> None:
    leaf = data.draw(st.integers(0, leaf_count - 1))
    length = len(tree.path([bytes(32)] * leaf_count, leaf))
    size = CaseSize.at_leaf(FedAvg(), 3, 1024, 8, leaf_count, leaf)
    assert (size.siblings, size.prior_siblings, size.part) == (length, (length,), 0)
    dearest = CaseSize.largest(FedAvg(), 3, 1024, 8, leaf_count)
    assert sum(call.gas for call in size.calls()) <= sum(call.gas for call in dearest.calls())


class ThreeParts(FedAvg):
    """FedAvg's numbers, with two values more that the rule keeps beside each weight."""

    parts = 3


def test_a_leaf_of_another_part_is_priced_by_all_parts_of_it() -> None:
    size = CaseSize.at_leaf(ThreeParts(), 3, 1024, 8, 5, 5 + 4)
    assert (size.siblings, size.part) == (len(tree.path([bytes(32)] * 5, 4)), 1)
    assert size.prior_siblings == tuple(len(tree.path([bytes(32)] * 15, at)) for at in (4, 9, 14))


def test_a_case_that_no_call_holds_is_said_to_be_so() -> None:
    size = CaseSize.at_leaf(FedAvg(), 1, 2**20, 16, 2, 0)
    with pytest.raises(CallTooLarge):
        size.next_call(0, Limits())
    assert "more than the limits let through" in size.describe()


def round_of(phase: Phase, *proposals: Proposal) -> RoundState:
    zeros: dict[str, Any] = {field.name: 0 for field in fields(RoundView)}
    return RoundState(1, RoundView(**zeros | {"phase": phase}), (), proposals, None, None, 0)


def proposal(root: bytes, window_end: int) -> Proposal:
    values: dict[str, Any] = {field.name: 0 for field in fields(Proposal)}
    return Proposal(**values | {"root": root, "proposer": SOMEBODY, "window_end": window_end})


def test_the_wrong_ones_of_a_round_come_by_the_end_of_their_windows() -> None:
    right, later, sooner = proposal(OWN.root, 5), proposal(LIE.root, 9), proposal(b"l" * 32, 7)
    state = round_of(Phase.CHALLENGE, right, later, sooner)
    assert wrong_proposals(state, OWN.root) == [sooner, later]
    assert has_right_proposal(state, OWN.root)
    assert wrong_proposals(state, None) == [] and not has_right_proposal(state, None)
    assert not has_right_proposal(round_of(Phase.CHALLENGE, later), OWN.root)
    assert wrong_proposals(round_of(Phase.FINAL, later), OWN.root) == [], "nobody can convict it any more"
