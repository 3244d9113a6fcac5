"""The calls of the Disputes contract, read back from the transactions that made them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError
from eth_utils.abi import collapse_if_tuple, function_abi_to_4byte_selector
from fedprotocol.chain.abi import entry
from fedprotocol.chain.read.disputes import Accusation, Opening, Proof, Step, Sums
from web3 import Web3

MOST_PLACES = 64  # where a call may begin in a transaction's input: anybody may repeat the four bytes at will


def proofs(data: bytes, coordinator: str) -> Iterator[Proof]:
    """Every `challenge` about `coordinator` in a transaction's input, also where another contract passed it on and it
    stands somewhere within."""
    for value in _calls("challenge", data, coordinator):
        round_, root, inputs, leaf, part, prior, claimed, path, start, updates = value
        yield Proof(
            round_, root, inputs, leaf, part, _openings(prior), claimed, tuple(path), Sums(*start), _openings(updates)
        )


def steps(data: bytes, coordinator: str) -> Iterator[Step]:
    """Every `carry` about `coordinator`, likewise."""
    for round_, inputs, leaf, start, updates in _calls("carry", data, coordinator):
        yield Step(round_, inputs, leaf, Sums(*start), _openings(updates))


def accusations(data: bytes, coordinator: str) -> Iterator[Accusation]:
    """Every `impeach` about `coordinator`, likewise."""
    for round_, inputs, leaf, start, updates in _calls("impeach", data, coordinator):
        yield Accusation(round_, inputs, leaf, Sums(*start), _openings(updates))


def _calls(name: str, data: bytes, coordinator: str) -> Iterator[Any]:
    selector, kinds = _signature(name)
    at = data.find(selector)
    for _ in range(MOST_PLACES):
        if at < 0:
            return
        try:
            address, value = decode(kinds, data[at + len(selector) :], strict=False)
        except (DecodingError, ValueError, OverflowError):
            pass
        else:
            if Web3.to_checksum_address(address) == coordinator:
                yield value
        at = data.find(selector, at + 1)


def _openings(values: Any) -> tuple[Opening, ...]:
    return tuple(Opening(bytes(leaf), tuple(map(bytes, path))) for leaf, path in values)


@cache
def _signature(name: str) -> tuple[bytes, tuple[str, ...]]:
    function = entry("disputes", "function", name)
    kinds = tuple(collapse_if_tuple(dict(given)) for given in function["inputs"])
    return bytes(function_abi_to_4byte_selector(dict(function))), kinds  # type: ignore[arg-type]
