"""A client reads another client's commit in the mempool and has the same hash mined first. Then it copies the reveal
too, first unchanged, then under its own name."""

from __future__ import annotations

import os

import pytest
from fedprotocol.chain.errors import ContractReverted
from fedprotocol.types import Phase

from attacks import mempool
from attacks.arena import Arena
from attacks.daemons import Daemon
from attacks.mempool import Transaction
from attacks.penalties import penalized

TITLE = "a copied commit"
PLACE = 15


def run(arena: Arena) -> str:
    arena.open(nodes=2, aggregators=1)
    thief = arena.actor("thief")
    thief.join()
    victim = arena.nodes[0]
    calls, prior = arena.coordinator.calls, arena.genesis.root
    with arena.clock.held():
        for daemon in (*arena.nodes, *arena.aggregators):
            daemon.start()
        commit = _pooled(arena, victim)
        copy = mempool.outrun(thief, commit)
        arena.clock.mine(3)  # with it Train is over
        assert mempool.place(arena.chain, copy) < mempool.place(arena.chain, commit.hash), "the copy was to be first"
        hashes = {e.args["client"]: e.args["hash"] for e in arena.events("Committed", 1)}
        assert hashes[thief.address] == hashes[victim.address]
        reveal = _pooled(arena, victim)
        copy = mempool.outrun(thief, reveal)
        arena.clock.mine(3)
        assert mempool.refusal(arena.chain, copy) == "CommitMismatch"

    _, told = arena.coordinator.contract.decode_function_input(
        arena.chain.web3.eth.get_transaction(reveal.hash)["input"]
    )
    root, shift, examples = (told[name] for name in ("root", "shift", "examples"))
    own_salt = os.urandom(32)
    own = arena.coordinator.commit_hash(1, thief.address, prior, root, shift, examples, own_salt)
    with pytest.raises(ContractReverted, match="CommitMismatch"):
        thief.send(calls.reveal(1, root, shift, examples, own_salt, 0, 0), "reveal another's root")
    with pytest.raises(ContractReverted, match="WrongPhase"):
        thief.send(calls.commit(1, prior, own), "commit to another's root")
    arena.reach(1, Phase.FINAL)
    assert thief.address not in {update.client for update in arena.coordinator.updates(1)}
    return (
        "the copied hash was on the chain before its author's, and the copier could not open it: neither with the "
        "author's reveal (CommitMismatch) nor with another salt; for a hash of its own it was too late (WrongPhase); "
        + penalized(arena, 1, thief.address)
    )


def _pooled(arena: Arena, victim: Daemon) -> Transaction:
    """What the victim has in the mempool, once all nodes have sent something."""
    arena.wait("all nodes send", lambda: all(mempool.waiting(arena.chain, node.address) for node in arena.nodes))
    [transaction] = mempool.waiting(arena.chain, victim.address)
    return transaction
