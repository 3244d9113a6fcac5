"""The calls of a case are found in a transaction's input wherever they stand, and nothing else is taken for them."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from eth_abi.abi import encode
from eth_utils.abi import collapse_if_tuple, function_abi_to_4byte_selector
from fedexplorer.disputes.calldata import MOST_PLACES, proofs, steps
from fedprotocol.chain.abi import entry
from fedprotocol.chain.read.disputes import Opening, Proof, Step, Sums, _tuple
from hypothesis import given
from hypothesis import strategies as st

HERE, ELSEWHERE = "0x" + "11" * 20, "0x" + "22" * 20
DIGESTS = tuple(bytes([i]) * 32 for i in range(4))
OPENINGS = (Opening(b"\x01\x02", DIGESTS[:2]), Opening(b"\x03\x04", DIGESTS[1:]))
PROOF = Proof(
    round=3,
    proposal_root=DIGESTS[0],
    inputs_hash=DIGESTS[1],
    leaf_index=7,
    part=0,
    prior=OPENINGS[:1],
    claimed_digest=DIGESTS[2],
    claimed_path=DIGESTS,
    start=Sums(2, 9, b"\x00\x01\x02"),
    updates=OPENINGS,
)
STEP = Step(3, DIGESTS[1], 7, Sums(), OPENINGS)


def calldata(what: Proof | Step, coordinator: str = HERE) -> bytes:
    function = entry("disputes", "function", "challenge" if isinstance(what, Proof) else "carry")
    kinds = [collapse_if_tuple(dict(given)) for given in function["inputs"]]
    return function_abi_to_4byte_selector(dict(function)) + encode(kinds, [coordinator, _tuple(what)])


def test_a_call_comes_back() -> None:
    assert list(proofs(calldata(PROOF), HERE)) == [PROOF]
    assert list(steps(calldata(STEP), HERE)) == [STEP]
    assert list(proofs(calldata(STEP), HERE)) == list(steps(calldata(PROOF), HERE)) == []


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_a_call_that_another_contract_passes_on_is_found_within(before: bytes, after: bytes) -> None:
    other = replace(PROOF, proposal_root=DIGESTS[3])
    together = before + calldata(PROOF) + after + calldata(other) + after
    assert [proof for proof in proofs(together, HERE) if proof in (PROOF, other)] == [PROOF, other]


def test_calls_about_another_federation_are_left_out() -> None:
    assert list(proofs(calldata(PROOF, ELSEWHERE) + calldata(PROOF), HERE)) == [PROOF]


@given(st.binary(max_size=400))
def test_what_only_begins_like_a_call_is_none(rest: bytes) -> None:
    selector = calldata(PROOF)[:4]
    assert all(isinstance(proof, Proof) for proof in proofs(selector + rest, HERE))
    assert list(proofs(b"", HERE)) == list(proofs(rest[:3], HERE)) == []


@pytest.mark.parametrize("length", [128 * 1024])
def test_a_hostile_input_takes_no_time(length: int) -> None:
    """The four bytes again and again, each followed by offsets that lead anywhere."""
    selector = calldata(PROOF)[:4]
    hostile = (selector * (length // 4))[:length]
    began = time.monotonic()
    assert list(proofs(hostile, HERE)) == []
    nested = calldata(PROOF)[:4] + bytes(12) + bytes.fromhex(HERE[2:]) + b"\xff" * length
    assert list(proofs(nested * MOST_PLACES, HERE)) == []
    assert time.monotonic() - began < 5
