"""The bounds of a federation's parameters, as far as they can be checked without a chain."""

from __future__ import annotations

from collections.abc import Iterator

from fedprotocol.reference.errors import BadConfig
from fedprotocol.types import ZERO, FederationConfig

MAX_AMOUNT = 2**128 - 1


def check(c: FederationConfig) -> None:
    """BadConfig names the first Solidity field that is out of bounds."""
    bounds = (
        ("sponsor", int(c.sponsor, 16) != 0),
        ("specDigest", c.spec_digest != ZERO),
        ("genesisRoot", c.genesis_root != ZERO),
        ("leafCount", 2 <= c.leaf_count <= 1 << 20),
        ("leafValues", 32 <= c.leaf_values <= 8192 and c.leaf_values.bit_count() == 1),
        *(_masked(c) if c.is_masked else _public(c)),
        ("serverLr", 1 <= c.server_lr <= 1 << 17),
        ("maxClients", 1 <= c.max_clients <= 256),
        ("minClients", 1 <= c.min_clients <= c.max_clients),
        ("totalRounds", c.total_rounds >= 1),
        ("aggregatorBps", c.aggregator_bps <= 10_000),
        ("roundReward", c.round_reward <= MAX_AMOUNT),
        ("penalty", c.penalty <= MAX_AMOUNT),
        ("minStake", 4 * c.penalty <= c.min_stake <= MAX_AMOUNT),
        # An active client's stake may lose two penalties before the client reveals, and must still carry one example.
        ("stakePerExample", 1 <= c.stake_per_example <= c.min_stake - 2 * c.penalty),
        ("bondBase", 1 <= c.bond_base <= MAX_AMOUNT and 4 * c.bond_base >= c.round_reward),
        ("trainLength", c.train_length >= 1),
        ("revealLength", c.reveal_length >= 1),
        ("attestLength", c.attest_length >= 1),
        ("minWindow", c.min_window >= 1),
        ("challengeLength", c.challenge_length >= c.min_window),
        ("abandonAfter", c.abandon_after >= 1),
    )
    for field, holds in bounds:
        if not holds:
            raise BadConfig(field)


def _public(c: FederationConfig) -> Iterator[tuple[str, bool]]:
    yield "mantissaBits", c.mantissa_bits in (8, 16)
    yield "maxShift", 0 <= c.max_shift <= 31 - c.mantissa_bits


def _masked(c: FederationConfig) -> Iterator[tuple[str, bool]]:
    yield "gate", int(c.gate, 16) != 0
    yield "minClients", c.min_clients >= 3
    yield "maxClients", c.max_clients <= 64
    yield "maxShift", c.max_shift == 0
    yield "penalty", c.penalty >= c.round_reward
