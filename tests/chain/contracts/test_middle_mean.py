"""Which values TrimmedMean.sol and Median.sol leave out, by the zero-one principle, and what they refuse."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from eth_utils.crypto import keccak
from fedaggregator.rules.median import Median
from fedaggregator.rules.middle_mean import MiddleMean
from fedaggregator.rules.trimmed_mean import TrimmedMean
from fedprotocol.numbers import to_bytes
from support.evm import Anvil
from support.rule_formulas import leaf
from support.rule_rounds import Round, drawn
from web3.contract import Contract
from web3.exceptions import ContractCustomError, Web3RPCError


@pytest.fixture(scope="module")
def chain() -> Iterator[Anvil]:
    with Anvil("--gas-limit", "1000000000") as anvil:
        yield anvil


@pytest.fixture(scope="module", params=[TrimmedMean(), Median()], ids=lambda rule: rule.name)
def rule(request: pytest.FixtureRequest) -> MiddleMean:
    assert isinstance(request.param, MiddleMean)
    return request.param


@pytest.fixture(scope="module")
def contract(chain: Anvil, rule: MiddleMean) -> Contract:
    return chain.deploy(rule.contract)


def zero_or_one(rule: MiddleMean, contract: Contract, columns: np.ndarray) -> None:
    """Knuth, TAOCP 3, 5.3.4 Z: exchanges that order all columns of zeros and ones order all columns."""
    count, values = columns.shape
    mantissas = np.where(columns, 127, -128).astype(np.int8)
    played = Round(8, mantissas, [1] * count, [23] * count, np.zeros((1, values), np.int32), 2**16)
    kept = count - 2 * rule.trim(count)
    ones = (columns.sum(axis=0) - rule.trim(count)).clip(0, kept)
    sums = ones * (127 << 23) + (kept - ones) * (-128 << 23)
    result = played.finished_on_chain(rule, contract)[0]
    assert (abs(result.astype(np.int64) * kept - sums) * 2 <= kept).all()
    assert (result == played.finished(rule)[0]).all()


@pytest.mark.parametrize("clients", range(1, 10))
def test_all_columns_of_zeros_and_ones(rule: MiddleMean, contract: Contract, clients: int) -> None:
    values = max(32, 2**clients)
    zero_or_one(rule, contract, np.arange(values) >> np.arange(clients)[:, np.newaxis] & 1)


@pytest.mark.parametrize("clients", range(10, 257, 13))
def test_columns_with_any_number_of_ones(rule: MiddleMean, contract: Contract, clients: int) -> None:
    rng = np.random.default_rng(clients)
    ones = np.arange(-(-(clients + 1) // 32) * 32) % (clients + 1)
    zero_or_one(rule, contract, rng.permuted(np.arange(clients)[:, np.newaxis] < ones, axis=0))


def test_neighbours_of_any_size_do_not_disturb_each_other(rule: MiddleMean, contract: Contract) -> None:
    """Lanes at their limits beside one that is compared: a borrow between them would show."""
    rng = np.random.default_rng(6)
    for bits in (8, 16):
        limits = np.array([-(2 ** (bits - 1)), 2 ** (bits - 1) - 1])
        for lane in range(32):
            mantissas = rng.choice(limits, (6, 32))
            mantissas[:, lane] = rng.integers(-2, 3, 6)
            shifts = rng.choice([0, 31 - bits], 6).tolist()
            prior = rng.integers(-(2**31), 2**31, (1, 32), dtype=np.int32)
            played = Round(bits, mantissas.astype(f"int{bits}"), [1] * 6, shifts, prior, 2**17)
            right = leaf(rule.name, played.updates, played.prior, 2**17)
            assert played.finished_on_chain(rule, contract).tolist() == right


def test_a_header_that_no_update_has_reverts(rule: MiddleMean, contract: Contract) -> None:
    played = drawn(np.random.default_rng(1), rule, 3, 32, 8)
    sums = to_bytes(played.sums(rule))  # type: ignore[arg-type]
    prior = to_bytes(played.prior)
    size = len(sums) // 3
    for row, byte, value in ((0, 0, 1), (1, 26, 16), (2, 26, 0), (1, 28, 1 << 4), (0, 31, 24), (2, 31, 255)):
        at = row * size + byte
        wrong = sums[:at] + bytes([value]) + sums[at + 1 :]
        with pytest.raises(ContractCustomError) as caught:
            contract.functions.finish(wrong, prior, 5, 1).call()
        assert str(caught.value.data)[:10] == "0x" + keccak(text="BadHeader(uint256,uint256)")[:4].hex()
    with pytest.raises(ContractCustomError) as caught:
        contract.functions.finish(sums[:size] * 257, prior, 5, 1).call()
    assert str(caught.value.data)[:10] == "0x" + keccak(text="TooManyRows(uint256)")[:4].hex()


@pytest.mark.parametrize("bits", [8, 16])
def test_the_largest_federations_are_finished_within_the_bound(
    rule: MiddleMean, contract: Contract, bits: int, record_property: pytest.RecordProperty
) -> None:
    """The bound limits `maxClients`, and is part of the price of a case. Half of it is not enough."""
    rng = np.random.default_rng(3)
    sizes = [(rule.max_clients(values, bits), values) for values in (32, 256, 512, 1024, 2048, 8192)]
    for clients, values in [(4, 1024), (16, 1024), *sizes]:
        mantissas = rng.integers(-(2 ** (bits - 1)), 2 ** (bits - 1), (clients, values)).astype(f"int{bits}")
        played = Round(bits, mantissas, [1000] * clients, [5] * clients, np.ones((1, values), np.int32), 2**16)
        sums = played.sums(rule)
        assert sums is not None
        call = contract.functions.finish(to_bytes(sums), to_bytes(played.prior), 1000 * clients, 2**16)
        data = bytes.fromhex(call._encode_transaction_data()[2:])
        calldata = 21_000 + 16 * len(data) - 12 * data.count(0)
        bound = rule.gas_bound(0, values, bits, clients, True)
        call.call({"gas": calldata + bound})
        with pytest.raises(Web3RPCError, match=r"[Oo]ut ?[Oo]f ?[Gg]as"):
            call.call({"gas": calldata + bound // 2})
        if values == 1024:
            gas = call.estimate_gas() - calldata
            record_property(f"gas: {rule.name}, finish, 1,024 values of {bits} bits, {clients} updates", gas)
