"""Every rule's contract on a real EVM against its NumPy twin, the loop that it packs, and Python's own integers."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np
import pytest
from eth_utils.crypto import keccak
from fedaggregator.rules.base import Rule
from fedprotocol.numbers import to_bytes
from support.evm import Anvil
from support.rule_formulas import leaf
from support.rule_rounds import drawn
from support.rules import TESTED, deployed
from web3.contract import Contract
from web3.exceptions import ContractCustomError

K, CASES, EVERY = 8192, 16, 64
CLIENTS = (1, 2, 3, 3, 4, 4, 5, 5, 6, 7, 8, 9, 13)


@pytest.fixture(scope="module")
def chain() -> Iterator[Anvil]:
    with Anvil("--gas-limit", "1000000000") as anvil:
        yield anvil


@pytest.fixture(scope="module", params=sorted(TESTED.keys() - {"fedavg"}))  # has a file of its own
def rule(request: pytest.FixtureRequest) -> Rule:
    return TESTED[request.param]


@pytest.fixture(scope="module")
def contract(chain: Anvil, rule: Rule) -> Contract:
    return deployed(chain, rule)


@pytest.fixture(scope="module")
def reference(chain: Anvil, rule: Rule) -> Contract:
    return deployed(chain, rule, "Reference")


def test_whole_leaves_agree(
    rule: Rule, contract: Contract, reference: Contract, record_property: pytest.RecordProperty
) -> None:
    """Of 8,192 values: Solidity against NumPy, and a part of them against reference and formula. `make twins` takes
    millions."""
    rng, compared, by_formula = np.random.default_rng(4), 0, 0
    for case in range(CASES):
        played = drawn(rng, rule, CLIENTS[case % len(CLIENTS)], K)
        new = played.finished(rule)
        assert (played.finished_on_chain(rule, contract) == new).all(), (case, played)
        if case % 8 == 7:
            begin = played.first(512)
            assert (begin.finished_on_chain(rule, reference) == begin.finished(rule)).all(), (case, begin)
        some = range(case % EVERY, K, EVERY)
        assert new[:, some].tolist() == leaf(rule.name, played.updates, played.prior, played.server_lr, some)
        compared += new.size
        by_formula += rule.parts * len(some)
    record_property(f"values compared: {rule.name}, Solidity and NumPy", compared)
    record_property(f"values compared: {rule.name}, these and Python's integers", by_formula)
    assert compared >= CASES * K


@pytest.mark.parametrize("clients", [15, 17, 31, 32, 63, 64, 65, 127, 128, 129, 200, 255, 256])
def test_any_number_of_clients(rule: Rule, contract: Contract, clients: int) -> None:
    rng = np.random.default_rng(clients)
    for values, bits in product((32, 96), rule.bits):
        played = drawn(rng, rule, clients, values, bits)
        right = leaf(rule.name, played.updates, played.prior, played.server_lr)
        assert played.finished(rule).tolist() == right
        assert played.finished_on_chain(rule, contract).tolist() == right


def test_both_say_the_same_of_themselves(rule: Rule, contract: Contract, reference: Contract) -> None:
    for code in (contract, reference):
        assert code.functions.name().call() == rule.name
        assert code.functions.parts().call() == rule.parts
    for bits in (8, 16, 32):
        for values in (2**power for power in range(5, 14)):
            assert contract.functions.maxClients(values, bits).call() == rule.max_clients(values, bits)


@pytest.mark.parametrize(
    ("length", "bits", "weight", "shift", "error"),
    [
        (33, 8, 1, 0, "LengthMismatch(uint256,uint256)"),
        (4, 32, 1, 0, "BadBits(uint8)"),
        (32, 0, 1, 0, "BadBits(uint8)"),
        (32, 8, 2**20, 0, "WeightTooLarge(uint32)"),
        (32, 8, 1, 24, "ShiftTooLarge(uint8)"),
        (64, 16, 1, 16, "ShiftTooLarge(uint8)"),
        (64, 16, 1, 255, "ShiftTooLarge(uint8)"),
    ],
)
def test_an_update_out_of_range_reverts(
    rule: Rule, contract: Contract, length: int, bits: int, weight: int, shift: int, error: str
) -> None:
    if bits in (8, 16) and bits not in rule.bits:
        error = "BadBits(uint8)"
    elif bits in rule.bits and bits == 32:
        error = "LengthMismatch(uint256,uint256)"
    refused(contract, "accumulate", (b"", bytes(length), bits, weight, shift), error)


def test_masked_updates_have_no_shift_and_little_weight(chain: Anvil) -> None:
    masked = deployed(chain, TESTED["masked-mean"])
    refused(masked, "accumulate", (b"", bytes(32), 32, 2**15 + 1, 0), "WeightTooLarge(uint32)")
    refused(masked, "accumulate", (b"", bytes(32), 32, 1, 1), "ShiftTooLarge(uint8)")
    refused(masked, "finish", (bytes(32), bytes(32), 2**15 + 1, 1), "BadTotalWeight(uint256)")


def test_sums_of_another_length_revert(rule: Rule, contract: Contract) -> None:
    bits = rule.bits[0]
    played = drawn(np.random.default_rng(2), rule, 3, 64, bits)
    all_, prior = played.sums(rule), to_bytes(played.prior)
    assert all_ is not None
    sums = to_bytes(all_)
    for wrong in (sums[:-1], sums[:-8], sums + bytes(8)):
        refused(contract, "accumulate", (wrong, bytes(8 * bits), bits, 1, 0), "LengthMismatch(uint256,uint256)")
        refused(contract, "finish", (wrong, prior, 5, 1), "LengthMismatch(uint256,uint256)")
    for wrong in (prior[:-1], prior[:-4], prior + bytes(4)):
        refused(contract, "finish", (sums, wrong, 5, 1), "LengthMismatch(uint256,uint256)")


def refused(contract: Contract, call: str, arguments: tuple[object, ...], error: str) -> None:
    with pytest.raises(ContractCustomError) as caught:
        contract.functions[call](*arguments).call()
    assert str(caught.value.data)[:10] == "0x" + keccak(text=error)[:4].hex()


def test_a_round_that_is_played_by_the_contract_alone(rule: Rule, contract: Contract) -> None:
    """All sums from the contract, none from NumPy."""
    played = drawn(np.random.default_rng(3), rule, 5, 1024)
    sums = b""
    for update in played.updates:
        sums = contract.functions.accumulate(
            sums, to_bytes(update.mantissas), played.bits, update.weight, update.shift
        ).call()
    result = contract.functions.finish(sums, to_bytes(played.prior), sum(played.weights), played.server_lr).call()
    assert result == to_bytes(played.finished(rule))
