"""AllowlistGate: its list, its owner, and the real coordinator that asks it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from eth_utils.crypto import keccak
from fedprotocol.chain.errors import decode_revert
from support.deployed import Deployed
from support.evm import Anvil
from web3.contract import Contract
from web3.exceptions import ContractCustomError

SILENT = range(2, 8)  # GateMock's modes from Revert on: none is a clean no


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
    chain.do(gate.functions.setAllowed([other], True), owner)
    chain.do(gate.functions.setAllowed([listed], False), owner)
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
        chain.do(gate.functions.setAllowed([intruder], True), intruder)
    assert caught.value.data[:10] == "0x" + keccak(text="OwnableUnauthorizedAccount(address)")[:4].hex()


def test_the_coordinator_seats_nobody_else(chain: Anvil) -> None:
    sponsor, listed, other = chain.accounts[:3]
    gate = chain.deploy("AllowlistGate", sponsor, [listed])
    federation = Deployed.on(chain, gate=gate.address)
    for account in (listed, other):
        chain.do(federation.token.functions.mint(account, 10**6), sponsor)
        chain.do(federation.token.functions.approve(federation.contract.address, 10**6), account)
    chain.do(federation.contract.functions.join(400), listed)
    with pytest.raises(ContractCustomError) as caught:
        chain.do(federation.contract.functions.join(400), other)
    assert caught.value.data[:10] == "0x" + keccak(text="NotAllowed(address)")[:4].hex()
    assert federation.coordinator().clients() == (listed,)


class Gated:
    """A federation behind an AllowlistGate or a GateMock, with one member."""

    def __init__(self, chain: Anvil, gate: Contract) -> None:
        self.chain, self.gate = chain, gate
        self.sponsor, self.member, self.anybody = chain.accounts[:3]
        self.federation = Deployed.on(chain, gate=gate.address)
        chain.do(self.federation.token.functions.mint(self.member, 10**6), self.sponsor)
        chain.do(self.federation.token.functions.approve(self.federation.contract.address, 10**6), self.member)
        chain.do(self.federation.contract.functions.join(400), self.member)

    def drop(self, gas: int = 2_000_000) -> str:
        """By anybody; the error's name, or nothing."""
        call = self.federation.contract.functions.drop(self.member)
        sent = call.transact({"from": self.anybody, "gas": gas})
        receipt = self.chain.web3.eth.wait_for_transaction_receipt(sent)
        if receipt["status"] == 1:
            return ""
        trace = self.chain.rpc("debug_traceTransaction", sent.to_0x_hex(), {"tracer": "callTracer"})
        return str(decode_revert(trace.get("output", "0x"), "").name)

    def seated(self) -> tuple[str, ...]:
        return self.federation.coordinator().clients()


def test_whom_the_gate_no_longer_admits_anybody_can_drop(chain: Anvil) -> None:
    sponsor, member = chain.accounts[:2]
    gated = Gated(chain, chain.deploy("AllowlistGate", sponsor, [member]))
    assert gated.drop() == "NotDroppable", "still admitted"
    chain.do(gated.gate.functions.setAllowed([member], False), sponsor)
    assert gated.drop() == "" and gated.seated() == ()
    chain.do(gated.federation.contract.functions.withdraw(), member)
    assert gated.federation.token.functions.balanceOf(member).call() >= 10**6


def test_a_gate_that_does_not_answer_drops_nobody(chain: Anvil) -> None:
    for mode in SILENT:
        gate = chain.deploy("GateMock")
        gated = Gated(chain, gate)
        chain.do(gate.functions.setMode(mode))
        assert gated.drop() == "NotDroppable" and gated.seated() == (gated.member,), mode


def test_too_little_gas_for_the_question_is_no_answer(chain: Anvil) -> None:
    sponsor, member = chain.accounts[:2]
    gated = Gated(chain, chain.deploy("AllowlistGate", sponsor, [member]))
    for gas in range(60_000, 500_000, 40_000):
        assert gated.drop(gas) in ("TooLittleGas", "Error", "NotDroppable"), gas
    assert gated.seated() == (member,)
