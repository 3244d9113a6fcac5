"""AllowlistGate: its list, its owner, and the real coordinator that asks it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from eth_utils.crypto import keccak
from support.deployed import Deployed
from support.evm import Anvil
from web3.exceptions import ContractCustomError


@pytest.fixture(scope="module")
def chain() -> Iterator[Anvil]:
    with Anvil() as anvil:
        yield anvil


def test_only_listed_accounts_are_allowed(chain: Anvil) -> None:
    owner, listed, other = chain.accounts[:3]
    gate = chain.deploy("AllowlistGate", owner, [listed])
    assert gate.functions.isAllowed(listed).call()
    assert not gate.functions.isAllowed(other).call()
    assert not gate.functions.isAllowed(owner).call()
    chain.web3.eth.wait_for_transaction_receipt(gate.functions.setAllowed([other], True).transact({"from": owner}))
    chain.web3.eth.wait_for_transaction_receipt(gate.functions.setAllowed([listed], False).transact({"from": owner}))
    assert gate.functions.isAllowed(other).call()
    assert not gate.functions.isAllowed(listed).call()
    changes = [
        (e["args"]["account"], e["args"]["allowed"]) for e in gate.events.AllowanceChanged.get_logs(from_block=0)
    ]
    assert changes == [(listed, True), (other, True), (listed, False)]


def test_only_the_owner_changes_the_list(chain: Anvil) -> None:
    owner, intruder = chain.accounts[:2]
    gate = chain.deploy("AllowlistGate", owner, [], sender=intruder)
    with pytest.raises(ContractCustomError) as caught:
        gate.functions.setAllowed([intruder], True).transact({"from": intruder})
    assert caught.value.data[:10] == "0x" + keccak(text="OwnableUnauthorizedAccount(address)")[:4].hex()


def test_the_coordinator_seats_nobody_else(chain: Anvil) -> None:
    sponsor, listed, other = chain.accounts[:3]
    gate = chain.deploy("AllowlistGate", sponsor, [listed])
    federation = Deployed.on(chain, gate=gate.address)
    for account in (listed, other):
        federation.token.functions.mint(account, 10**6).transact({"from": sponsor})
        federation.token.functions.approve(federation.contract.address, 10**6).transact({"from": account})
    federation.contract.functions.join(400).transact({"from": listed})
    with pytest.raises(ContractCustomError) as caught:
        federation.contract.functions.join(400).transact({"from": other})
    assert caught.value.data[:10] == "0x" + keccak(text="NotAllowed(address)")[:4].hex()
    assert federation.coordinator().clients() == (listed,)
