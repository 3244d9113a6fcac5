"""The presets of public chains, and what a number of confirmations means on each chain."""

from __future__ import annotations

import pytest
from fedprotocol.chains import (
    CHAINS,
    CONFIRMATIONS,
    DEVELOPMENT_CHAINS,
    chain_named,
    describe_depth,
    known_chain,
    usual_confirmations,
)


def test_every_preset_is_found_by_its_id_and_its_names() -> None:
    assert {chain.name for chain in CHAINS} >= {"Sepolia", "Base", "Arbitrum", "Optimism"}
    for chain in CHAINS:
        assert known_chain(chain.id) is chain_named(chain.name.upper()) is chain_named(chain.brownie) is chain
    assert known_chain(31337) is None and chain_named("nowhere") is None


def test_only_development_chains_do_without_confirmations() -> None:
    assert {chain: usual_confirmations(chain) for chain in DEVELOPMENT_CHAINS} == dict.fromkeys(DEVELOPMENT_CHAINS, 0)
    assert usual_confirmations(4242) == CONFIRMATIONS > 0
    for chain in CHAINS:
        assert usual_confirmations(chain.id) == chain.confirmations > 0
        assert 15 <= chain.depth_seconds <= 60, chain.name


def test_phases_leave_time_for_what_is_confirmed() -> None:
    for chain in CHAINS:
        assert min(vars(chain.phases).values()) > 10 * chain.depth_seconds, chain.name
        assert chain.phases.min_window <= chain.phases.challenge


@pytest.mark.parametrize(
    ("chain_id", "confirmations", "words"),
    [
        (31337, 0, ("0: every block counts as final", "usual on a development chain")),
        (31337, 3, ("3, as the config file says",)),
        (8453, 10, ("10: ", "about 20 s on Base", "the usual depth on Base")),
        (8453, 4, ("about 8 s on Base", "usual on Base are 10")),
        (1, 0, ("0, as the config file says", "Ethereum is no development chain", "re-org")),
        (4242, 0, ("0, as the config file says", "chain 4242 is no development chain")),
        (4242, 2, ("2: ", "chain 4242 has no preset")),
    ],
)
def test_which_and_why(chain_id: int, confirmations: int, words: tuple[str, ...]) -> None:
    said = describe_depth(chain_id, confirmations)
    assert not [word for word in words if word not in said], said
