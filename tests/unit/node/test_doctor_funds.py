"""Both doctors ask for as much ether as the next round's transactions may take, and for none where gas is free."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from fedaggregator import doctor as aggregators
from fedaggregator.doctor.check import Commands, NotFit
from fednode.config import NodeSection
from fednode.doctor import chain as nodes
from fednode.doctor.check import Patient
from fedprotocol.chain.amounts import Amounts
from fedprotocol.chain.send.fees import GWEI
from fedprotocol.config import ChainConfig
from support.snapshots import ME, chain

FED = Amounts(0, "FED")
FILE = Path("config.toml")
ENOUGH = 10**17


def coordinator(base_fee: int) -> Any:
    eth = SimpleNamespace(
        get_block=lambda _name: {"baseFeePerGas": base_fee}, max_priority_fee=0 if not base_fee else GWEI, gas_price=0
    )
    return SimpleNamespace(web3=SimpleNamespace(eth=eth), token=None)


def settings() -> Any:
    values = {"rpc": ["http://127.0.0.1:9"], "chain_id": 1, "coordinator": "0x" + "1" * 40}
    return SimpleNamespace(chain=ChainConfig.model_validate(values), node=NodeSection())


def node_says(wei: int, base_fee: int) -> str:
    session = SimpleNamespace(
        snapshot=lambda: chain(eth=wei), amounts=FED, config=settings(), coordinator=coordinator(base_fee), address=ME
    )
    return nodes.funds(Patient(cast(Any, session), FILE))


def aggregator_says(wei: int, base_fee: int) -> str:
    patient = SimpleNamespace(
        coordinator=coordinator(base_fee), address=ME, config=settings(), say=Commands("fedaggregator", FILE)
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(aggregators, "take_snapshot", lambda _coordinator, _address: chain(eth=wei))
        patch.setattr(aggregators, "Amounts", SimpleNamespace(of=lambda _token: FED))
        return aggregators.Patient.funds(cast(Any, patient))


@pytest.mark.parametrize("says", [node_says, aggregator_says])
def test_one_wei_does_not_pay_for_a_round(says: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodes, "is_development", lambda _web3: False)
    with pytest.raises(NotFit, match=r"<0\.0001 ETH, and .* up to 0\.\d+ ETH"):
        says(1, GWEI)
    with pytest.raises(NotFit):
        says(0, GWEI)
    assert says(ENOUGH, GWEI).startswith("0.1 ETH")
    assert says(0, 0).startswith("0 ETH"), "gas is free"
