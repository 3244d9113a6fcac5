"""Norms, their lower median and the scaling in NormBoundedMean.sol where they are at a limit, what the contract
refuses, and what it costs. `test_rule_twins.py` compares it with its twin on random rounds."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from eth_utils.crypto import keccak
from fedaggregator.disputes.price import CaseSize, Limits
from fedaggregator.rules.norm_bounded import NormBoundedMean
from fedprotocol.numbers import to_bytes
from support.evm import Anvil
from support.rule_formulas import leaf
from support.rule_rounds import MAX_WEIGHT, Round, drawn
from web3.contract import Contract
from web3.exceptions import ContractCustomError

RULE = NormBoundedMean()


@pytest.fixture(scope="module")
def chain() -> Iterator[Anvil]:
    with Anvil("--gas-limit", "1000000000") as anvil:
        yield anvil


@pytest.fixture(scope="module")
def contract(chain: Anvil) -> Contract:
    return chain.deploy("NormBoundedMean")


@pytest.fixture(scope="module")
def reference(chain: Anvil) -> Contract:
    return chain.deploy("NormBoundedMeanReference")


def played(bits: int, mantissas: np.ndarray, shifts: list[int], weights: list[int] | None = None) -> Round:
    """A round from a prior of zero, in which the whole mean is the step."""
    weights = weights or [1] * len(shifts)
    prior = np.zeros((1, mantissas.shape[1]), np.int32)
    return Round(bits, mantissas.astype(f"int{bits}"), weights, shifts, prior, 2**16)


def agreed(game: Round, *contracts: Contract) -> list[int]:
    """The new leaf, as formula, NumPy and contracts have it."""
    [right] = leaf(RULE.name, game.updates, game.prior, game.server_lr)
    assert game.finished(RULE)[0].tolist() == right
    for contract in contracts:
        assert game.finished_on_chain(RULE, contract)[0].tolist() == right
    return right


@pytest.mark.parametrize("bits", [8, 16])
def test_every_mantissa_is_squared_alone(contract: Contract, reference: Contract, bits: int) -> None:
    """A single mantissa at a limit is scaled to the others' norm of 1,024, wherever in a word it stands. With the other
    limit beside it, none of the two squares is missing."""
    limits = [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1]
    shifts, weights = [10, 10, 20 - bits], [0, 0, 1]
    for at in range(32):
        mantissas = np.zeros((3, 32), np.int64)
        mantissas[0, 3] = mantissas[1, 28] = 1
        mantissas[2, at] = limits[at % 2]
        result = agreed(played(bits, mantissas, shifts, weights), contract)
        assert [j for j, value in enumerate(result) if value] == [at]
        assert abs(result[at]) == pytest.approx(1024, abs=8)
        mantissas[2, (at + 1) % 32] = limits[1 - at % 2]
        agreed(played(bits, mantissas, shifts, weights), contract)
    agreed(played(bits, mantissas, shifts, weights), reference)


@pytest.mark.parametrize("bits", [8, 16])
def test_the_longest_leaf_there_is(contract: Contract, bits: int) -> None:
    """8,192 values of -2^30 have a norm of floor(sqrt(2^73)), which the median must still find, and which is scaled to
    almost nothing beside one of 1."""
    lowest = np.full((3, 8192), -(2 ** (bits - 1)))
    game = played(bits, lowest, [31 - bits] * 3, [MAX_WEIGHT] * 3)
    for result in (game.finished_on_chain(RULE, contract), game.finished(RULE)):
        assert (result == -(2**30)).all()
    lowest[:2] = 0
    lowest[:2, 0] = 1
    game = played(bits, lowest, [0, 0, 31 - bits], [1, 1, MAX_WEIGHT])
    assert (game.finished_on_chain(RULE, contract) == game.finished(RULE)).all()
    assert abs(game.finished(RULE)).max() <= 1


@pytest.mark.parametrize("clients", [1, 2, 3, 4, 5, 8])
def test_the_bound_is_the_lower_median(contract: Contract, reference: Contract, clients: int) -> None:
    """Of norms 1000, 2000, ... in any order, each in a value of its own."""
    rng = np.random.default_rng(clients)
    order = rng.permutation(clients)
    mantissas = np.zeros((clients, 32), np.int64)
    mantissas[np.arange(clients), np.arange(clients)] = 1000 * (order + 1)
    result = agreed(played(16, mantissas, [0] * clients, [1] * clients), contract, reference)
    bound = 1000 * ((clients - 1) // 2 + 1)
    assert result[:clients] == [pytest.approx(min(1000 * (i + 1), bound) / clients, abs=1) for i in order]


def test_a_leaf_that_most_leave_as_it_is_stays(contract: Contract, reference: Contract) -> None:
    mantissas = np.zeros((4, 32), np.int64)
    mantissas[1:3] = [[127], [-128]]
    assert agreed(played(8, mantissas, [23] * 4), contract, reference) == [0] * 32


def test_less_than_half_of_the_updates_cannot_move_the_mean_further_than_others_could(contract: Contract) -> None:
    """Two of five say the same at the largest shift and the largest weight."""
    rng = np.random.default_rng(5)
    mantissas = rng.integers(-100, 100, (5, 1024))
    mantissas[3:] = 127
    game = played(8, mantissas, [4, 4, 4, 23, 23], [100, 100, 100, MAX_WEIGHT, MAX_WEIGHT])
    result = game.finished_on_chain(RULE, contract)[0].astype(np.float64)
    norms = np.linalg.norm(mantissas[:3] * 16.0, axis=1)
    assert np.linalg.norm(result) <= norms.max() + 32
    assert (result == game.finished(RULE)[0]).all()


def test_halves_are_rounded_up_in_scaling(contract: Contract, reference: Contract) -> None:
    """Two values each of 1 and -1 have a norm of 2, which is scaled to 1."""
    mantissas = np.zeros((3, 32), np.int64)
    mantissas[0, 31], mantissas[1, 31] = 1, -1
    mantissas[2, :4] = [1, -1, 1, -1]
    game = played(8, mantissas, [0, 0, 0], [0, 0, 1])
    assert agreed(game, contract, reference)[:4] == [1, 0, 1, 0]


def test_another_total_weight_reverts(contract: Contract, reference: Contract) -> None:
    game = drawn(np.random.default_rng(1), RULE, 3, 32, 8)
    sums, total = game.sums(RULE), sum(game.weights)
    assert sums is not None
    for code in (contract, reference):
        for wrong in (0, total - 1, total + 1, 2**64):
            with pytest.raises(ContractCustomError) as caught:
                code.functions.finish(to_bytes(sums), to_bytes(game.prior), wrong, 1).call()
            assert str(caught.value.data)[:10] == "0x" + keccak(text="BadTotalWeight(uint256)")[:4].hex()


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("values", [32, 1024, 8192])
def test_gas(contract: Contract, bits: int, values: int, record_property: pytest.RecordProperty) -> None:
    """Finishing a leaf costs what docs/gas.md says, and never more than the bound."""
    rng, most = np.random.default_rng(3), RULE.max_clients(values, bits)
    for clients in (*(n for n in (1, 4, 16) if n < most), most):
        mantissas = rng.integers(-(2 ** (bits - 1)), 2 ** (bits - 1), (clients, values))
        game = played(bits, mantissas, rng.integers(0, 32 - bits, clients).tolist(), [1000] * clients)
        sums = game.sums(RULE)
        assert sums is not None
        call = contract.functions.finish(to_bytes(sums), to_bytes(game.prior), 1000 * clients, 2**16)
        data = bytes.fromhex(call._encode_transaction_data()[2:])
        gas = call.estimate_gas() - 21_000 - 16 * len(data) + 12 * data.count(0)
        if values == 1024:
            record_property(f"gas: norm-bounded, finish, 1,024 values of {bits} bits, {clients} updates", gas)
        assert gas <= RULE.gas_bound(0, values, bits, clients, True) <= 1.3 * gas


@pytest.mark.parametrize("bits", [8, 16])
def test_the_largest_federation_can_be_proved(bits: int) -> None:
    """In calls within the limits, for leaves of any size, and with the longest paths."""
    for values in (2**power for power in range(5, 14)):
        most = RULE.max_clients(values, bits)
        calls = list(CaseSize.largest(RULE, most, values, bits, 2**20).calls())
        assert max(call.gas for call in calls) <= Limits().gas
        assert max(call.calldata for call in calls) <= Limits().calldata
