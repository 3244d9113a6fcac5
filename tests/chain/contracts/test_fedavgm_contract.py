"""What FedAvgM.sol has in common with FedAvg.sol, what it refuses, and what it costs. `test_rule_twins.py` compares it
with its twin."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from eth_utils.crypto import keccak
from fedaggregator.rules.fedavgm import FedAvgM
from support.evm import Anvil
from support.rule_rounds import MAX_WEIGHT
from web3.contract import Contract
from web3.exceptions import ContractCustomError

RULE = FedAvgM()


@pytest.fixture(scope="module")
def chain() -> Iterator[Anvil]:
    with Anvil("--gas-limit", "1000000000") as anvil:
        yield anvil


@pytest.fixture(scope="module")
def contract(chain: Anvil) -> Contract:
    return chain.deploy("FedAvgM")


def test_its_sums_are_those_of_fedavg(chain: Anvil, contract: Contract) -> None:
    rng, fedavg = np.random.default_rng(6), chain.deploy("FedAvg")
    for bits in (8, 16):
        sums, leaf = rng.integers(-(2**58), 2**58, 1024).astype(">i8").tobytes(), rng.bytes(1024 * bits // 8)
        for begin in (b"", sums):
            arguments = (begin, leaf, bits, MAX_WEIGHT, 31 - bits)
            assert contract.functions.accumulate(*arguments).call() == fedavg.functions.accumulate(*arguments).call()


@pytest.mark.parametrize(
    ("args", "error"),
    [
        ((bytes(8), bytes(4), 1, 1), "LengthMismatch(uint256,uint256)"),
        ((bytes(8), bytes(12), 1, 1), "LengthMismatch(uint256,uint256)"),
        ((bytes(8), bytes(16), 1, 1), "LengthMismatch(uint256,uint256)"),
        ((bytes(8), bytes(8), 0, 1), "BadTotalWeight(uint256)"),
        ((bytes(8), bytes(8), 2**64, 1), "BadTotalWeight(uint256)"),
    ],
)
def test_finish_reverts(contract: Contract, args: tuple[object, ...], error: str) -> None:
    with pytest.raises(ContractCustomError) as caught:
        contract.functions.finish(*args).call()
    assert str(caught.value.data)[:10] == "0x" + keccak(text=error)[:4].hex()


def test_gas(contract: Contract, record_property: pytest.RecordProperty) -> None:
    """Finishing a leaf of 1,024 values costs what docs/gas.md says, and never more than the bound."""
    sums, prior = np.random.default_rng(3).bytes(8192), np.random.default_rng(4).bytes(8192)
    call = contract.functions.finish(sums, prior, 2**40, 2**16)
    data = bytes.fromhex(call._encode_transaction_data()[2:])
    gas = call.estimate_gas() - 21_000 - 16 * len(data) + 12 * data.count(0)
    record_property("gas: fedavgm, finish, 1,024 values", gas)
    assert gas <= RULE.gas_bound(0, 1024, 8, 1, final=True) <= 1.4 * gas
