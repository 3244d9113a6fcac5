"""The sender on nodes that serve less than they might; and what only the contract may stop."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import pytest
from eth_account.signers.local import LocalAccount
from fedprotocol.chain.endpoint.rpc import connect_web3
from fedprotocol.chain.errors import ChainUnreachable, ContractReverted, OutOfFunds, RpcRefused
from fedprotocol.chain.read.token import Token
from fedprotocol.chain.send.drafts import is_legacy
from fedprotocol.chain.send.fees import FeePolicy, is_free
from fedprotocol.chain.send.gas import TX_GAS_LIMIT
from fedprotocol.chain.send.sender import Sender
from fedprotocol.journal import Journal
from support.deployed import CHAIN_ID, Deployed, give, sender
from support.evm import Anvil
from support.node_kinds import BUSY, NO_ESTIMATE, NODES, free, legacy, node, standard, without
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


@pytest.mark.parametrize("kind", ["says null of pending", "refuses what is pending", "has a chain without base fees"])
def test_fees_are_raised_whatever_the_node_shows(
    chain: Anvil, account: LocalAccount, journal: Path, token: Token, kind: str
) -> None:
    """The nearer its deadline, the sooner, by the chain's time: the newest block's, where none is shown being made."""
    chain.rpc("anvil_setBlockTimestampInterval", 1)  # the chain's time is not the wall's
    now = chain.web3.eth.get_block("latest")["timestamp"]
    with NODES[kind](chain.url) as proxy, ThreadPoolExecutor(1) as pool:
        s = at(proxy, account, journal)
        chain.rpc("evm_setAutomine", False)
        sent = pool.submit(s.send, transfer(token, 3), "transfer", deadline=now + 2)
        until(lambda: len(outbox(s)) >= 2)
        chain.rpc("evm_mine")
        receipt = sent.result(20)
    chain.rpc("anvil_removeBlockTimestampInterval")
    first, *_, last = outbox(s)
    assert receipt["status"] == 1 and [tx.state for tx in outbox(s)].count("mined") == 1
    assert last.max_fee * 10 >= first.max_fee * 11 and last.tip * 10 >= first.tip * 11
    forms = {is_legacy(tx) for tx in outbox(s)}
    assert forms == {kind == "has a chain without base fees"}


def test_what_is_free_takes_no_ether(tmp_path: Path) -> None:
    """Nothing is bid, and nothing is asked for of an account without money."""
    with Anvil("--base-fee", "0") as chain:
        federation = Deployed.on(chain)
        poor = federation.account(ether=0)
        for kind, otherwise in (("EIP-1559", standard), ("legacy", legacy)):
            with node(chain.url, lambda asked, otherwise=otherwise: free(asked) or otherwise(asked)) as proxy:
                s = at(proxy, poor, tmp_path / kind)
                assert is_free(connect_web3(proxy.url, CHAIN_ID).eth)
                assert s.send(transfer(federation.coordinator().token, 5), "transfer")["status"] == 1
                assert (outbox(s)[0].max_fee, outbox(s)[0].tip) == (0, 0)
        assert chain.web3.eth.get_balance(poor.address) == 0


def test_little_is_not_none(chain: Anvil, federation: Deployed, journal: Path, token: Token) -> None:
    """What an account is asked for is enough, and never nothing."""
    assert not is_free(token.contract.w3.eth)
    assert str(OutOfFunds("0x12", 21_000, 20_999)).endswith("send it at least 0.0001 ETH")
    poor = federation.account(ether=0)
    with pytest.raises(OutOfFunds) as empty:
        sender(chain, poor, journal).send(transfer(token, 5), "transfer")
    asked = re.search(r"has 0 ETH and needs up to (\S+) ETH .*: send it at least (\S+) ETH$", str(empty.value))
    assert asked and asked[1] == asked[2]
    wei = int(Decimal(asked[1]) * 10**18)
    assert wei >= empty.value.needed
    give(chain, poor, wei)
    assert sender(chain, poor, journal.with_name("b")).send(transfer(token, 5), "transfer")["status"] == 1
