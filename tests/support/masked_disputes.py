"""A lie about a masked round convicted, and a round of garbage impeached, by the calls that any program sends."""

from __future__ import annotations

import numpy as np
from fedaggregator.compute.inputs import rule_of
from fedaggregator.compute.merge import Contribution
from fedaggregator.disputes.case import build
from fedaggregator.disputes.convict import Move, advance, convict
from fedaggregator.disputes.impeachment import impeach
from fedaggregator.disputes.judge import Claim, Wrong, judge
from fedaggregator.disputes.price import Limits
from fedprotocol.chain.read.snapshot import RoundState, take_snapshot
from fedprotocol.leaves import MemoryLeaves
from fedprotocol.numbers import split_leaves
from numpy.typing import NDArray
from support.masked_clients import MaskedFederation, MaskedRound


def convicted_lie(made: MaskedFederation, played: MaskedRound, liar: int, wrong: int) -> bytes:
    """Client `liar` proposes a global with one more unit at value `wrong`, and the first client proves it wrong. The
    root of the lie."""
    coordinator, values = made.coordinator, played.right()
    prior, right = _tree(made, played.prior), _tree(made, values)
    values[wrong] += 1
    root, lie = made.clients[liar].propose(played.number, values), _tree(made, values)
    claim = Claim(root, [lie.digest(index) for index in range(len(lie))])
    verdict = judge(claim, right)
    assert isinstance(verdict, Wrong) and verdict.first is not None
    state = _state(made, played.number)
    given = _contributions(state, played)
    case = build(rule_of(coordinator), coordinator.config(), state, prior, given, claim, verdict.first)
    assert convict(coordinator, made.clients[0].sender, case).convicted
    return root


def impeached_round(made: MaskedFederation, played: MaskedRound, leaf: int, limits: Limits | None = None) -> int:
    """The first client makes the round void by one of its leaves; in how many calls."""
    coordinator, calls = made.coordinator, 0
    state = _state(made, played.number)
    case = impeach(rule_of(coordinator), coordinator.config(), state, _contributions(state, played), leaf)
    while True:
        move, _ = advance(coordinator, made.clients[0].sender, case, limits)
        calls += 1
        if move is Move.PROVED:
            return calls


def _state(made: MaskedFederation, number: int) -> RoundState:
    state = take_snapshot(made.coordinator, made.clients[0].address).round(number)
    assert state
    return state


def _contributions(state: RoundState, played: MaskedRound) -> list[Contribution]:
    return [Contribution(leaves, u.weight, u.shift) for leaves, u in zip(played.sent, state.updates, strict=True)]


def _tree(made: MaskedFederation, values: NDArray[np.int32]) -> MemoryLeaves:
    return MemoryLeaves(split_leaves(values, made.coordinator.config().leaf_values))
