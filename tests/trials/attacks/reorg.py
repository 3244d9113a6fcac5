"""Re-orgs: blocks that were, and what was in them, are no more."""

from __future__ import annotations

from fedprotocol.types import Phase

from attacks.arena import Arena


def drop(arena: Arena, since: int) -> None:
    """Take block `since` and all after it off the chain, with their transactions and their time; as many empty blocks
    stand in their place. Inside `clock.held()`, or blocks go on coming."""
    depth = arena.chain.web3.eth.block_number - since + 1
    assert depth > 0, f"there is no block {since} yet"
    arena.chain.rpc("anvil_reorg", depth, [])


def take_commit_away(arena: Arena, client: str, number: int, at_least: int = 1) -> None:
    """Drop the last commit of a round, which ended Train, and what came after it: `at_least` so many blocks in all.

    Raises AssertionError if it was another client's.
    """
    with arena.clock.held():
        [event] = [event for event in arena.events("Committed", number) if event.args["client"] == client]
        depth = arena.chain.web3.eth.block_number - event.block + 1
        assert depth >= at_least, f"the re-org is {depth} blocks deep"
        drop(arena, event.block)
        assert arena.phase(number) is Phase.TRAIN, "the commit is still there"
