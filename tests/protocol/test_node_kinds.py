"""The sender on nodes that serve less than they might; and what only the contract may stop."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from eth_account.signers.local import LocalAccount
from fedprotocol.chain.errors import ChainUnreachable, ContractReverted, RpcRefused
from fedprotocol.chain.fees import FeePolicy
from fedprotocol.chain.gas import TX_GAS_LIMIT
from fedprotocol.chain.rpc import connect_web3
from fedprotocol.chain.sender import Sender
from fedprotocol.chain.token import Token
from fedprotocol.journal import Journal
from support.deployed import CHAIN_ID, Deployed, sender
from support.evm import Anvil
from support.node_kinds import BUSY, NO_ESTIMATE, NODES, node, without
from support.proxy import Proxy
from support.sending import SOMEBODY, in_pool, outbox, transfer, until

BOUND = 200_000


def at(proxy: Proxy, account: LocalAccount, journal: Path) -> Sender:
    return Sender(connect_web3(proxy.url, CHAIN_ID), account, Journal(journal), FeePolicy(poll=0.05))


@pytest.mark.parametrize("kind", NODES)
def test_every_kind_of_node_is_enough(
    federation: Deployed, account: LocalAccount, journal: Path, token: Token, kind: str
) -> None:
    with NODES[kind](federation.chain.url) as proxy:
        s, before = at(proxy, account, journal), token.balance_of(SOMEBODY)
        assert s.send(transfer(token, 5), "transfer")["status"] == 1
        assert token.balance_of(SOMEBODY) == before + 5
        estimates = [asked["params"] for asked in proxy.seen if asked["method"] == "eth_estimateGas"]
        assert all(len(params) <= 2 for params in estimates)
        with pytest.raises(ContractReverted, match="ERC20InsufficientBalance"):
            s.send(transfer(token, 2**200), "too much")
    [tx] = outbox(s)
    assert (tx.gas == TX_GAS_LIMIT) is (kind in NO_ESTIMATE)


@pytest.mark.parametrize("said", [504, BUSY])
@pytest.mark.parametrize("method", ["eth_call", "eth_estimateGas", "eth_getBalance"])
def test_advice_that_fails_stops_nothing_that_is_bounded(
    federation: Deployed, account: LocalAccount, journal: Path, token: Token, said: object, method: str
) -> None:
    with node(federation.chain.url, without(said, method)) as proxy:
        s = at(proxy, account, journal)
        if method != "eth_estimateGas":
            with pytest.raises((ChainUnreachable, RpcRefused)):
                s.send(transfer(token, 5), "transfer")
        assert s.send(transfer(token, 5), "transfer", gas_bound=BOUND)["status"] == 1
    assert (outbox(s)[-1].gas == BOUND) is (method == "eth_estimateGas")


def test_the_contracts_own_refusal_stops_what_is_bounded_too(
    chain: Anvil, account: LocalAccount, journal: Path, token: Token
) -> None:
    s = sender(chain, account, journal)
    with pytest.raises(ContractReverted, match="ERC20InsufficientBalance"):
        s.send(transfer(token, 2**200), "too much", gas_bound=BOUND)
    assert outbox(s) == []


def test_one_call_after_the_other_without_confirmations(
    chain: Anvil, account: LocalAccount, journal: Path, token: Token
) -> None:
    """The policy asks for three blocks, and none comes; what a re-org drops is sent again before what follows it."""
    s = sender(chain, account, journal, confirmations=3, replace_after=60.0)
    before = token.balance_of(account.address)
    for amount in (1, 2):
        assert s.send(transfer(token, amount), f"transfer {amount}", confirmed=False)["status"] == 1
    assert token.balance_of(account.address) == before - 3
    chain.rpc("anvil_reorg", 1, [])
    chain.rpc("anvil_dropAllTransactions")
    assert token.balance_of(account.address) == before - 1
    assert s.send(transfer(token, 2), "transfer 2 again", confirmed=False)["status"] == 1
    assert token.balance_of(account.address) == before - 3
    chain.rpc("evm_setAutomine", False)
    with ThreadPoolExecutor(1) as pool:
        confirmed = pool.submit(s.send, transfer(token, 4), "transfer 4")
        until(lambda: in_pool(chain) == 1)
        for _ in range(3):
            chain.rpc("evm_mine")
            assert not confirmed.done()
        chain.rpc("evm_mine")
        assert confirmed.result(20)["status"] == 1
    states = [(tx.nonce, tx.state) for tx in outbox(s)]
    assert sorted(states) == sorted(set(states)), "no nonce was mined twice"
