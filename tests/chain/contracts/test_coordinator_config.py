"""Every bound of the configuration, on the model and on the contract."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from eth_utils.crypto import keccak
from fedprotocol.reference import Federation
from fedprotocol.reference.errors import BadConfig
from fedprotocol.types import FederationConfig
from support.evm import Anvil
from support.federation import CONFIG, MASKED, Deployed
from web3.exceptions import ContractCustomError

ZERO = bytes(32)
ZERO_ADDRESS = "0x" + 40 * "0"
NO_CODE = "0x" + 40 * "9"

REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("sponsor", {"sponsor": ZERO_ADDRESS}),
    ("specDigest", {"spec_digest": ZERO}),
    ("genesisRoot", {"genesis_root": ZERO}),
    ("leafCount", {"leaf_count": 1}),
    ("leafCount", {"leaf_count": 2**20 + 1}),
    ("leafValues", {"leaf_values": 16}),
    ("leafValues", {"leaf_values": 48}),
    ("leafValues", {"leaf_values": 16_384}),
    ("mantissaBits", {"mantissa_bits": 4}),
    ("mantissaBits", {"mantissa_bits": 24}),
    ("gate", {"mantissa_bits": 32}),
    ("maxShift", {"max_shift": 24}),
    ("maxShift", {"max_shift": 16, "mantissa_bits": 16}),
    ("serverLr", {"server_lr": 0}),
    ("serverLr", {"server_lr": 2**17 + 1}),
    ("maxClients", {"max_clients": 0}),
    ("maxClients", {"max_clients": 257}),
    ("minClients", {"min_clients": 0}),
    ("minClients", {"min_clients": 6}),
    ("totalRounds", {"total_rounds": 0}),
    ("aggregatorBps", {"aggregator_bps": 10_001}),
    ("roundReward", {"round_reward": 2**128}),
    ("penalty", {"penalty": 2**128}),
    ("minStake", {"min_stake": 399}),
    ("minStake", {"min_stake": 2**128}),
    ("stakePerExample", {"stake_per_example": 0}),
    ("stakePerExample", {"stake_per_example": 201}),
    ("bondBase", {"bond_base": 250}),
    ("bondBase", {"bond_base": 2**128}),
    ("bondBase", {"bond_base": 0, "round_reward": 0}),
    ("trainLength", {"train_length": 0}),
    ("revealLength", {"reveal_length": 0}),
    ("attestLength", {"attest_length": 0}),
    ("minWindow", {"min_window": 0}),
    ("challengeLength", {"challenge_length": 19}),
    ("abandonAfter", {"abandon_after": 0}),
]
ACCEPTED: list[dict[str, Any]] = [
    {"leaf_count": 2**20, "leaf_values": 8192, "mantissa_bits": 16, "max_shift": 15, "server_lr": 2**17},
    {"leaf_values": 32, "server_lr": 1, "min_clients": 5, "total_rounds": 1, "aggregator_bps": 10_000},
    {"round_reward": 0, "bond_base": 1, "penalty": 0, "min_stake": 1, "stake_per_example": 1, "aggregator_bps": 0},
    {"round_reward": 2**128 - 1, "bond_base": 2**126, "min_stake": 2**128 - 1, "penalty": 2**126 - 1},
    {"stake_per_example": 200, "challenge_length": 20, "max_clients": 256, "train_length": 2**32 - 1},
]


MASKED_REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("minClients", {"min_clients": 2}),
    ("maxClients", {"max_clients": 65}),
    ("maxShift", {"max_shift": 1}),
    ("penalty", {"penalty": 1_003}),
]
MASKED_ACCEPTED: list[dict[str, Any]] = [{}, {"max_clients": 64, "round_reward": 0, "penalty": 0, "min_stake": 2}]


def model(config: FederationConfig) -> Federation:
    return Federation(config, chain_id=1, address=NO_CODE, now=1)


@pytest.mark.parametrize(("field", "changes"), REFUSED, ids=lambda v: str(v) if isinstance(v, dict) else "")
def test_out_of_bounds(chain: Anvil, field: str, changes: dict[str, Any]) -> None:
    refused(chain, replace(CONFIG, **changes), field)


def refused(chain: Anvil, terms: FederationConfig, field: str) -> None:
    with pytest.raises(BadConfig) as ours:
        model(terms)
    assert ours.value.arguments == (field,)
    contract_refuses(chain, terms, field)


def contract_refuses(chain: Anvil, terms: FederationConfig, field: str) -> None:
    with pytest.raises(ContractCustomError) as theirs:
        Deployed(chain, terms)
    assert keccak(text="BadConfig(string)")[:4].hex() in str(theirs.value.data)
    assert field.encode().hex() in str(theirs.value.data)


@pytest.mark.parametrize(("field", "changes"), MASKED_REFUSED, ids=lambda v: str(v) if isinstance(v, dict) else "")
def test_out_of_bounds_of_a_masked_federation(chain: Anvil, field: str, changes: dict[str, Any]) -> None:
    refused(chain, replace(MASKED, **changes), field)


def test_a_rule_that_would_need_single_values_is_refused(chain: Anvil) -> None:
    """Of all rules, `MaskedMean` alone takes masked updates, and it takes no others."""
    rules = ("FedAvg", "FedAvgM", "TrimmedMean", "Median", "NormBoundedMean")
    for rule in (chain.deploy(name) for name in rules):
        assert rule.functions.maxClients(32, 32).call() == 0
        contract_refuses(chain, replace(MASKED, rule=rule.address.lower()), "maxClients")
    masked_mean = chain.deploy("MaskedMean", 8, 1 << 15)
    assert masked_mean.functions.maxClients(32, 32).call() == 64
    contract_refuses(chain, replace(CONFIG, rule=masked_mean.address.lower()), "maxClients")


@pytest.mark.parametrize(
    "terms", [replace(CONFIG, **c) for c in ACCEPTED] + [replace(MASKED, **c) for c in MASKED_ACCEPTED], ids=str
)
def test_within_bounds(chain: Anvil, terms: FederationConfig) -> None:
    model(terms)
    deployed = Deployed(chain, terms)
    expected = deployed.config
    answer = deployed.contract.functions.config().call()
    given = [v.lower() if isinstance(v, str) else v for v in (answer if isinstance(answer, list | tuple) else [])]
    assert given == list(vars(expected).values())


@pytest.mark.parametrize("field", ["token", "rule", "gate", "disputes"])
def test_an_address_without_code(chain: Anvil, field: str) -> None:
    with pytest.raises(ContractCustomError) as theirs:
        Deployed(chain, replace(CONFIG, **{field: NO_CODE}))
    assert field.encode().hex() in str(theirs.value.data)
