"""In a masked federation every commit is a transaction that its account signed: no other could be shown to the members,
who would have to refuse the round, and pay for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_utils.crypto import keccak
from support.deployed import GENESIS, Deployed
from support.evm import Anvil
from web3.contract import Contract
from web3.exceptions import ContractCustomError, ContractLogicError
from web3.types import TxParams

KEY = bytes(range(1, 33))
STAKE = 4_000
MASKED = {"mantissaBits": 32, "maxShift": 0, "minClients": 3, "penalty": 1_000, "minStake": STAKE}


@pytest.fixture(scope="module")
def chain() -> Iterator[Anvil]:
    with Anvil("--hardfork", "prague") as anvil:
        yield anvil


class Members:
    """A federation with an open seat for `puppet`, a contract, and `hospital`, an account that signs."""

    def __init__(self, chain: Anvil, masked: bool) -> None:
        gate = chain.deploy("AllowlistGate", chain.accounts[0], [])
        masks = {**MASKED, "gate": gate.address, "rule": chain.deploy("MaskedMean", 6, 1 << 15).address}
        self.chain, self.federation = chain, Deployed.on(chain, **(masks if masked else {}))
        self.calls, self.token = self.federation.contract.functions, self.federation.token
        self.puppet = chain.deploy("Puppet")
        self.hospital = self.federation.account()
        others = [self.federation.account() for _ in range(2)]
        accounts = [self.puppet.address, self.hospital.address, *(one.address for one in others)]
        if masked:
            chain.do(gate.functions.setAllowed(accounts, True), chain.accounts[0])
        chain.do(self.token.functions.mint(chain.accounts[0], 10_000))
        chain.do(self.token.functions.mint(self.puppet.address, STAKE))
        chain.do(self.token.functions.approve(self.federation.contract.address, 10_000))
        chain.do(self.calls.fund(10_000))
        self.by_puppet(self.puppet, self.token.functions.approve(self.federation.contract.address, STAKE))
        self.by_puppet(self.puppet, self.calls.join(STAKE))
        for account in (self.hospital, *others):
            self.sign(account, self.token.functions.approve(self.federation.contract.address, STAKE))
            self.sign(account, self.calls.join(STAKE))

    def by_puppet(self, puppet: Contract, call: Any) -> None:
        data = call._encode_transaction_data()
        self.chain.do(puppet.functions.run([(call.address, data)]))

    def sign(self, account: LocalAccount, call: Any, **fields: Any) -> None:
        eth = self.chain.web3.eth
        terms: TxParams = {"from": account.address, "nonce": eth.get_transaction_count(account.address)}
        fees: TxParams = {"maxFeePerGas": 10**10, "maxPriorityFeePerGas": 10**9}  # type: ignore[typeddict-item]
        asked = {**call.build_transaction({**terms, **fees, "gas": 600_000}), **fields}
        eth.call({**terms, "to": asked["to"], "data": asked["data"]})  # raises with the reason
        sent = eth.send_raw_transaction(Account.sign_transaction(asked, account.key).raw_transaction)
        assert eth.wait_for_transaction_receipt(sent)["status"] == 1

    def become(self, account: LocalAccount, code: Contract) -> Contract:
        """The account has the code of another from now on (EIP-7702). Returns it as a contract."""
        eth = self.chain.web3.eth
        nonce = eth.get_transaction_count(account.address) + 1
        given = {"chainId": eth.chain_id, "address": code.address, "nonce": nonce}
        authorization = Account.sign_authorization(given, account.key)
        self.sign(account, self.token.functions.approve(code.address, 0), type=4, authorizationList=[authorization])
        assert eth.get_code(account.address)
        return eth.contract(account.address, abi=code.abi)

    def commit(self) -> Any:
        return self.calls.commit(1, GENESIS, KEY)

    def committed(self, account: str) -> bool:
        return any(self.federation.coordinator().commitment(1, account).hash)


@pytest.fixture
def masked(chain: Anvil) -> Members:
    return Members(chain, masked=True)


def refusal_of(account: str) -> str:
    return "0x" + keccak(text="UnsignedCommit(address)")[:4].hex() + account[2:].lower().rjust(64, "0")


def test_a_signed_commit_is_taken(masked: Members) -> None:
    masked.sign(masked.hospital, masked.commit())
    assert masked.committed(masked.hospital.address)


def test_a_contract_cannot_commit(masked: Members) -> None:
    with pytest.raises((ContractCustomError, ContractLogicError)) as refused:
        masked.by_puppet(masked.puppet, masked.commit())
    assert refusal_of(masked.puppet.address) in str(refused.value)


def test_an_account_with_anothers_code_cannot_commit(masked: Members) -> None:
    """Neither by its code, called in a transaction of its own, nor directly: nobody could tell the two apart."""
    smart = masked.become(masked.hospital, masked.puppet)
    data = masked.commit()._encode_transaction_data()
    for call in (smart.functions.run([(masked.federation.contract.address, data)]), masked.commit()):
        with pytest.raises((ContractCustomError, ContractLogicError)) as refused:
            masked.sign(masked.hospital, call)
        assert refusal_of(masked.hospital.address) in str(refused.value)
    assert not masked.committed(masked.hospital.address)


def test_where_updates_are_public_any_account_may(chain: Anvil) -> None:
    """A commit proves nothing about anybody there: the update itself is seen."""
    public = Members(chain, masked=False)
    public.by_puppet(public.puppet, public.commit())
    public.become(public.hospital, public.puppet)
    public.sign(public.hospital, public.commit())
    assert public.committed(public.puppet.address) and public.committed(public.hospital.address)
