"""The peer directory on a chain: whose word counts, what it holds, and what it costs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fedprotocol.chain.read import peer_directory
from fedprotocol.chain.read.creation import DEPLOYER
from fedprotocol.chain.read.peer_directory import MOST_BYTES, PeerDirectory
from fedprotocol.peers.find import announced
from support.evm import Anvil
from support.live_federation import LiveFederation
from web3.exceptions import ContractCustomError

GATEWAY = "https://gateway.example"
MOST_GAS = 600_000  # of the longest announcement; a usual one of one address takes a quarter


@pytest.fixture(scope="module")
def federation() -> Iterator[LiveFederation]:
    with Anvil("--chain-id", "31999") as chain:
        yield LiveFederation(chain)


def test_who_has_a_seat_is_listened_to(federation: LiveFederation) -> None:
    chain, coordinator = federation.chain, federation.coordinator
    directory = PeerDirectory(coordinator)
    client, other, stranger = chain.accounts[1:4]
    assert not directory.is_there() and announced(coordinator) == {}
    making = {"from": chain.accounts[0], "to": DEPLOYER, "data": bytes(32) + peer_directory.creation_code()}
    made = chain.web3.eth.wait_for_transaction_receipt(chain.web3.eth.send_transaction(making))  # type: ignore[arg-type]
    assert made["status"] == 1 and directory.is_there()
    assert made["gasUsed"] < 500_000
    for account in (client, other):
        federation.mint(account, 10**22)
        chain.do(federation.token.functions.approve(coordinator.address, 10**22), account)
        chain.do(coordinator.calls.join(10**21), account)
    for account in (client, stranger):
        chain.do(directory.announce(GATEWAY), account)
    chain.do(directory.announce("http://127.0.0.1:5001\ndir:/etc"), other)
    assert announced(coordinator) == {client: (GATEWAY,)}
    raw = chain.web3.eth.contract(address=peer_directory.ADDRESS, abi=peer_directory.load("peers")).functions
    chain.do(raw.announce(coordinator.address, b"\xff\xfe" * 9), other)  # hides nobody else's
    assert announced(coordinator) == {client: (GATEWAY,)}
    assert directory.announced([stranger, client])[stranger] == GATEWAY
    longest = chain.do(directory.announce(f"https://{'a' * 50}.example/{'a' * (MOST_BYTES - 67)}"), client)
    assert longest["gasUsed"] < MOST_GAS
    chain.do(directory.announce(""), client)
    assert announced(coordinator) == {}
    assert chain.do(directory.announce(GATEWAY), client)["gasUsed"] < MOST_GAS / 4


def test_what_is_too_long_is_refused(federation: LiveFederation) -> None:
    with pytest.raises(ContractCustomError):
        PeerDirectory(federation.coordinator).announce("a" * (MOST_BYTES + 1)).call()
