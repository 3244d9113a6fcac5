"""The doctor of a node in a masked federation: peers, and phases that are long enough not to lose the seat in them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from fednode.config import PrivateConfig
from fednode.doctor.check import NotFit, Patient
from fednode.doctor.masks import masks
from fedprotocol.spec import Layout, Tensor
from fedprotocol.types import FederationConfig
from support.snapshots import CONFIG, ME, OTHER
from web3 import Web3
from web3.providers.base import BaseProvider
from web3.types import RPCEndpoint, RPCResponse

TERMS = replace(CONFIG, mantissa_bits=32, max_clients=16, reveal_length=3600, attest_length=3600)
THIRD = "0x" + "Cc" * 20
PRIVATE = PrivateConfig.model_construct(peers=(OTHER, THIRD), at_least=2)


class NoCode(BaseProvider):
    """A chain on which no account has code."""

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:  # noqa: ARG002
        assert method == "eth_getCode"
        return {"jsonrpc": "2.0", "id": 1, "result": "0x"}


def says(
    terms: FederationConfig = TERMS,
    private: PrivateConfig | None = PRIVATE,
    seated: tuple[str, ...] = (ME, OTHER, THIRD),
    values: int = 1 << 16,
    chain_id: int = 31337,
    confirmations: int = 3,
) -> str:
    tensors = (Tensor(name="a", shape=(values,)),)
    layout = Layout(tensors=tensors, leaf_values=1024, mantissa_bits=32, parts=1)
    session = SimpleNamespace(
        coordinator=SimpleNamespace(config=lambda: terms, clients=lambda: seated, web3=Web3(NoCode())),
        config=SimpleNamespace(private=private, chain=SimpleNamespace(chain_id=chain_id, confirmations=confirmations)),
        spec=SimpleNamespace(layout=layout),
        address=ME,
    )
    return masks(Patient(cast(Any, session), Path("fednode.toml")))


def test_a_site_that_knows_its_peers_can_take_part() -> None:
    assert "enough hold seats" in says()
    assert "1 of at least 2" in says(seated=(ME, OTHER)), "it waits for them, which is no fault"
    assert "shows every update" in says(replace(TERMS, mantissa_bits=8), private=None)


def test_a_sum_of_strangers_is_refused() -> None:
    with pytest.raises(NotFit, match=r"\[private\] peers"):
        says(private=None)


@pytest.mark.parametrize(
    ("phase", "changes", "more"),
    [
        ("Reveal", {"reveal_length": 119}, {"chain_id": 1, "confirmations": 10}),  # 120 s until Train's end is final
        ("Attest", {"attest_length": 119}, {"chain_id": 1, "confirmations": 10}),
        ("Attest", {"attest_length": 59}, {"values": 1 << 20}),  # 15 updates of 4 MiB
        ("Reveal", {"reveal_length": 1}, {"values": 1 << 24}),  # masks of 15 x 64 MiB
    ],
)
def test_phases_that_are_too_short_are_refused(phase: str, changes: dict[str, int], more: dict[str, Any]) -> None:
    assert "enough hold seats" in says(**more)
    with pytest.raises(NotFit, match=f"{phase} lasts .* lose its seat"):
        says(replace(TERMS, **changes), **more)
