"""How many values a leaf has where the sponsor does not say.

Every proposal puts the digests of all leaves on the chain, so a large adapter needs large leaves. A proof shows one
leaf of every update, so leaves are no larger than needed, and never so large that the rule allows fewer sites.
"""

from __future__ import annotations

from fedaggregator.rules.base import Rule
from fedprotocol.tree import DIGEST_BYTES, PAGE_LEAVES

LEAST, MOST = 1024, 8192

DIGEST_GAS = 40 * DIGEST_BYTES
"""What a digest of a full page of a proposal costs: the least price of its calldata (EIP-7623); docs/gas.md."""


def leaf_values_for(value_count: int, rule: Rule, bits: int) -> int:
    """Values of a leaf, a power of two from 1,024 to 8,192, for an adapter of `value_count`: the fewest with which all
    digests are a page of a proposal, or come closest to it."""
    size, sites = LEAST, rule.max_clients(LEAST, bits)
    while value_count > PAGE_LEAVES * size and size < MOST and rule.max_clients(2 * size, bits) >= sites:
        size *= 2
    return size


def pages_of(leaf_count: int) -> int:
    """How many transactions show the digests of all leaves."""
    return -(-leaf_count // PAGE_LEAVES)
