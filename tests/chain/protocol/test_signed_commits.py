"""Commits as their accounts signed them, on a real chain, and what a lying endpoint achieves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.event_index import EventIndex
from fedprotocol.chain.read.signed_commits import CommitsHidden, StandingCommits, standing_commits
from fedprotocol.types import Commitment
from support.deployed import GENESIS, Deployed
from support.evm import Anvil
from web3.types import TxParams

FORMS: dict[str, dict[str, Any]] = {
    "legacy": {"gasPrice": 10**10},
    "EIP-2930": {"gasPrice": 10**10, "accessList": [], "type": 1},
    "EIP-1559": {"maxFeePerGas": 10**10, "maxPriorityFeePerGas": 10**9, "type": 2},
    "EIP-4844": {"maxFeePerGas": 10**10, "maxPriorityFeePerGas": 10**9, "type": 3, "maxFeePerBlobGas": 10**9},
    "EIP-7702": {"maxFeePerGas": 10**10, "maxPriorityFeePerGas": 10**9, "type": 4},
    "for any chain": {"gasPrice": 10**10},
}


@pytest.fixture(scope="module")
def chain() -> Iterator[Anvil]:
    with Anvil() as anvil:
        yield anvil


class Clients:
    """One client for each form of transactions, with a seat; all commit in round 1."""

    def __init__(self, chain: Anvil) -> None:
        self.federation = Deployed.on(chain, maxClients=8)
        self.chain, self.calls = chain, self.federation.contract.functions
        chain.do(self.federation.token.functions.mint(chain.accounts[0], 10_000), None)
        chain.do(self.federation.token.functions.approve(self.federation.contract.address, 10_000), None)
        chain.do(self.calls.fund(10_000), None)
        self.accounts: dict[str, LocalAccount] = {form: self.federation.account() for form in FORMS}
        for form, account in self.accounts.items():
            self.sign(form, account, self.federation.token.functions.approve(self.federation.contract.address, 10**6))
            self.sign(form, account, self.calls.join(4_000))
        self.hashes = {account.address: bytes([i + 1]) * 32 for i, account in enumerate(self.accounts.values())}
        self.sign("legacy", self.accounts["legacy"], self.calls.commit(1, GENESIS, bytes([8]) * 32))  # replaced
        for form, account in self.accounts.items():
            self.sign(form, account, self.calls.commit(1, GENESIS, self.hashes[account.address]))

    def sign(self, form: str, account: LocalAccount, call: Any) -> None:
        eth = self.chain.web3.eth
        terms: TxParams = {"from": account.address, "nonce": eth.get_transaction_count(account.address), **FORMS[form]}  # type: ignore[typeddict-item]
        asked = call.build_transaction({**terms, "gas": 500_000})
        if form == "EIP-7702":
            other = Account.create()
            given = {"chainId": eth.chain_id, "address": self.federation.token.address, "nonce": 0}
            asked["authorizationList"] = [Account.sign_authorization(given, other.key)]
        if form == "for any chain":
            del asked["chainId"]
        blobs = [bytes(4096 * 32)] if form == "EIP-4844" else None
        signed = Account.sign_transaction(asked, account.key, blobs)
        receipt = eth.wait_for_transaction_receipt(eth.send_raw_transaction(signed.raw_transaction))
        assert receipt["status"] == 1

    def read(self, coordinator: Coordinator | None = None, prior: bytes = GENESIS) -> StandingCommits:
        coordinator = coordinator or self.federation.coordinator()
        with EventIndex(coordinator) as events:
            return standing_commits(coordinator, events, 1, prior, set(self.hashes))


@pytest.fixture(scope="module")
def clients(chain: Anvil) -> Clients:
    return Clients(chain)


def test_every_form_of_transaction_proves_the_newest_commit(clients: Clients) -> None:
    """Ethereum has no others: a member that chose one which proves nothing would make honest sites refuse, and pay."""
    eth, found = clients.chain.web3.eth, {}
    for number in range(eth.block_number + 1):
        for tx in eth.get_block(number, full_transactions=True)["transactions"]:
            found[tx["from"]] = tx  # type: ignore[index]
    last = {form: found[account.address] for form, account in clients.accounts.items()}
    assert [last[form]["type"] for form in FORMS] == [0, 1, 2, 3, 4, 0]
    assert last["for any chain"]["v"] in (27, 28) and last["legacy"]["v"] > 28
    assert clients.read() == StandingCommits(clients.hashes, {})


class Liar(Coordinator):
    """An endpoint that says something else of one account's commit."""

    liar_about = ""

    def commitment(self, round_number: int, client: str, block: Any = "pending") -> Commitment:
        found = super().commitment(round_number, client, block)
        return replace(found, hash=bytes([9]) * 32) if client == self.liar_about else found


def test_another_key_than_the_signed_one_proves_nothing(clients: Clients) -> None:
    honest = clients.federation.coordinator()
    for account in clients.hashes:
        liar = Liar(honest.web3, honest.address, honest.chain_id)
        liar.liar_about = account
        found = clients.read(liar)
        assert list(found.unproved) == [account]
        assert "signed" in found.unproved[account]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("input", None, "signed by"),  # other calldata: the signature gives another account
        ("nonce", 77, "signed by"),
        ("type", 5, "type 5"),
        ("r", 0, "cannot be read"),
    ],
)
def test_a_transaction_that_is_not_what_the_account_signed_proves_nothing(
    clients: Clients, form: str, field: str, value: Any, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    coordinator, account = clients.federation.coordinator(), clients.accounts[form].address
    if field == "input":
        value = clients.calls.commit(1, GENESIS, bytes([9]) * 32)._encode_transaction_data()
    right = coordinator.web3.eth.get_transaction

    def changed(tx_hash: Any) -> Any:
        tx = dict(right(tx_hash))
        return {**tx, field: value} if tx["from"] == account else tx

    monkeypatch.setattr(coordinator.web3.eth, "get_transaction", changed)
    found = clients.read(coordinator)
    assert list(found.unproved) == [account] and said in found.unproved[account]
    assert found.hashes == clients.hashes, "the contract's state still says who takes part"


def test_a_signed_call_of_something_else_proves_nothing(clients: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    coordinator, eth = clients.federation.coordinator(), clients.chain.web3.eth
    account = clients.accounts["legacy"]
    joined = [
        tx
        for number in range(eth.block_number + 1)
        for tx in eth.get_block(number, full_transactions=True)["transactions"]
        if tx["from"] == account.address and tx["to"] == coordinator.address  # type: ignore[index]
    ]
    right = coordinator.web3.eth.get_transaction
    for tx, said in ((joined[0], "calls join"), (joined[1], "not what the chain's node says")):

        def shown(tx_hash: Any, tx: Any = tx) -> Any:
            found = right(tx_hash)
            return tx if found["from"] == account.address else found

        monkeypatch.setattr(coordinator.web3.eth, "get_transaction", shown)
        assert said in clients.read(coordinator).unproved[account.address]


def test_a_log_without_somebodys_commit_is_found_out(clients: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    right = EventIndex.events

    def some(self: EventIndex, *arguments: Any) -> Any:
        hidden = next(iter(clients.hashes))
        return [event for event in right(self, *arguments) if event.args["client"] != hidden]

    monkeypatch.setattr(EventIndex, "events", some)
    with pytest.raises(CommitsHidden, match="has 6 commits, and the chain's node shows 5"):
        clients.read()
