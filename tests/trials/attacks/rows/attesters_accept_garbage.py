"""Attesters vouch for an accomplice's update that is noise: in one round with exactly a third of the weight, in the
next with almost exactly two thirds."""

from __future__ import annotations

import os

from fedprotocol.leaves import MemoryLeaves
from fedprotocol.store.directory import car_path
from fedprotocol.types import Phase

from attacks import balances
from attacks.arena import Arena
from attacks.clients import commit_to
from attacks.votes import PATIENT, part_of, prior_of, refusal, refuse

TITLE = "attesters that accept garbage"
PLACE = 23


def run(arena: Arena) -> str:
    arena.open(nodes=2, aggregators=1, rounds=3, **PATIENT)
    dumper, voucher = (arena.client("cheats", honest=False) for _ in range(2))

    def play(number: int) -> tuple[int, int]:
        """The garbage is refused; the cheats' part of the weight."""
        arena.reach(number, Phase.REVEAL)
        for cheat in (dumper, voucher):
            cheat.reveal(number, publish=cheat is voucher)
        arena.reach(number, Phase.ATTEST)
        for cheat in (dumper, voucher):
            cheat.attest(number)
        refuse(arena, number, [dumper.address])
        assert all("holds another thing under this root" in refusal(n, number, dumper.address) for n in arena.nodes)
        return part_of(arena, number, dumper.address, voucher.address)

    def commit(number: int, garbage: int, good: int) -> None:
        """`garbage`, `good`: examples that are claimed, with enough stake behind."""
        dumper.examples, voucher.examples = garbage, good
        prior, noise = prior_of(arena, number), MemoryLeaves([os.urandom(64)] * 2)
        car_path(arena.public, noise.root).write_bytes(os.urandom(5000))
        commit_to(dumper, number, prior, noise)
        voucher.commit(number, prior)

    commit(1, 32, 32)
    arena.start()
    assert play(1) == (1, 3)
    commit(2, 55, 200)
    arena.reach(1, Phase.FINAL)
    mine, all_ = play(2)
    assert 2 * all_ - 3 <= 3 * mine < 2 * all_, "one more, and they would have two thirds"
    arena.reach(2, Phase.FINAL)
    # The voucher's own updates were good ones.
    arena.party("cheats").due += sum(balances.share(arena.coordinator, n, voucher.address) for n in (1, 2))
    return (
        f"with 1/3 of the weight, and with {mine}/{all_}, the noise was not accepted and earned nothing; every node "
        "reported it and voted against it; the other updates that the attesters voted for were accepted anyway"
    )
