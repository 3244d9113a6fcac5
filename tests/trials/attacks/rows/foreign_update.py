"""A client reveals an update that another federation on the same chain accepted. Another client repeats here, to the
last bit, the commitment that it made there."""

from __future__ import annotations

from contextlib import closing

import pytest
from fedprotocol.chain.errors import ContractReverted
from fedprotocol.types import Phase
from support.live_federation import LiveFederation
from support.synthetic import SyntheticClient, play_inputs

from attacks.arena import Arena
from attacks.clients import commit_to
from attacks.penalties import penalized
from attacks.votes import PATIENT, prior_of, refusal, refuse

TITLE = "an update of another federation"
PLACE = 20


def run(arena: Arena) -> str:
    arena.open(nodes=2, aggregators=1, **PATIENT)
    here, prior = arena.coordinator, prior_of(arena, 1)
    copier, replayer = arena.client("copier", honest=False), arena.client("replayer", honest=False)

    # The other federation starts from the same global 0: its commitments name another coordinator, and nothing else.
    there = LiveFederation(arena.chain, leaf_count=here.config().leaf_count + 1, genesisRoot=prior)
    with closing(_client(arena, there, "native", 0)) as native, closing(_client(arena, there, "guest", 1)) as guest:
        play_inputs([native, guest], 1, prior)
        assert there.coordinator.round_view(1).accepted_mask == 0b11
        foreign, own = native.updates[1], guest.updates[1]
    commit_to(copier, 1, prior, foreign.leaves, foreign.shift)
    made_there = there.coordinator.commit_hash(
        1, replayer.address, prior, own.leaves.root, own.shift, own.examples, own.salt
    )
    replayer.sender.send(here.calls.commit(1, prior, made_there), "replay a commitment")
    replayer.updates[1] = own

    arena.start()
    arena.reach(1, Phase.REVEAL)
    copier.reveal(1, publish=False)
    with pytest.raises(ContractReverted, match="CommitMismatch"):
        replayer.reveal(1, publish=False)
    arena.reach(1, Phase.ATTEST)
    copier.attest(1)
    refuse(arena, 1, [copier.address])
    for node in arena.nodes:
        assert "holds another thing under this root" in refusal(node, 1, copier.address)
    arena.reach(1, Phase.FINAL)
    return (
        "every node found that the other federation's update is no tree of this federation's shape and voted against "
        "it; it was not accepted and got no share; the repeated commitment could not be opened (CommitMismatch): "
        f"{penalized(arena, 1, replayer.address)}"
    )


def _client(arena: Arena, federation: LiveFederation, name: str, seed: int) -> SyntheticClient:
    """One of the other federation, whose updates anybody here can read."""
    home = arena.folder / "elsewhere" / name
    home.mkdir(parents=True)
    client = SyntheticClient(federation, home, seed, store=arena.public)
    client.join()
    return client
