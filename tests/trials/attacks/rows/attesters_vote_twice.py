"""An attester whose second vote would lift an accomplice's noise over two thirds votes again: with the same vote, for
other inputs, for updates that do not exist, and through an account that revealed nothing."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from fedprotocol.chain.errors import ContractReverted
from fedprotocol.types import Phase

from attacks import balances
from attacks.arena import Arena
from attacks.votes import PATIENT, part_of, prior_of, refuse

TITLE = "attesters that vote twice"
PLACE = 24


def run(arena: Arena) -> str:
    arena.open(nodes=2, aggregators=1, **PATIENT)
    voter, dumper = arena.client("cheats", honest=False, examples=60), arena.client("cheats", honest=False, examples=16)
    puppet = arena.actor("cheats")
    prior = prior_of(arena, 1)
    voter.commit(1, prior)
    dumper.commit(1, prior)
    arena.start()
    arena.reach(1, Phase.REVEAL)
    voter.reveal(1)
    dumper.reveal(1, publish=False)
    arena.reach(1, Phase.ATTEST)

    inputs, attest = arena.coordinator.round_view(1).inputs_hash, arena.coordinator.calls.attest

    def refused(error: str, send: Callable[..., object], *arguments: object) -> None:
        with pytest.raises(ContractReverted, match=error):
            send(attest(1, *arguments), "vote again")

    refused("WrongInputs", voter.sender.send, os.urandom(32), 0b1111)
    refused("BitmapOutOfRange", voter.sender.send, inputs, 0b11111)
    voter.attest(1)
    refused("AlreadyAttested", voter.sender.send, inputs, 0b1111)
    refused("NotRevealed", puppet.send, inputs, 0b1111)
    dumper.attest(1)
    ours, all_ = part_of(arena, 1, voter.address, dumper.address)
    [twice] = [u.weight for u in arena.coordinator.updates(1) if u.client == voter.address]
    assert 3 * ours < 2 * all_ <= 3 * (ours + twice), "a second vote would change nothing"
    refuse(arena, 1, [dumper.address])
    refused("WrongPhase", voter.sender.send, inputs, 0b1111)
    arena.reach(1, Phase.FINAL)
    arena.party("cheats").due += balances.share(arena.coordinator, 1, voter.address)  # its update was a good one
    return (
        "every further vote was refused (AlreadyAttested, WrongInputs, BitmapOutOfRange, NotRevealed, and WrongPhase "
        f"once the votes were counted); with the attester's {ours}/{all_} of the weight counted once, the noise was "
        "not accepted; counted twice, it would have been"
    )
