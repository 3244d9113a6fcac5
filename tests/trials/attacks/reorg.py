"""Re-orgs: blocks that were, and what was in them, are no more."""

from __future__ import annotations

from attacks.arena import Arena


def drop(arena: Arena, since: int) -> None:
    """Take block `since` and all after it off the chain, with their transactions and their time; as many empty blocks
    stand in their place. Inside `clock.held()`, or blocks go on coming."""
    depth = arena.chain.web3.eth.block_number - since + 1
    assert depth > 0, f"there is no block {since} yet"
    arena.chain.rpc("anvil_reorg", depth, [])
