"""The sender when blocks that held its transactions are no more, on a real anvil."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from eth_account.signers.local import LocalAccount
from fedprotocol.chain.errors import NotMined
from fedprotocol.chain.read.token import Token
from fedprotocol.chain.send.fees import GWEI, FeePolicy
from fedprotocol.chain.send.sender import Sender
from support.deployed import sender
from support.evm import Anvil
from support.sending import in_pool, outbox, transfer, until


def dropped(chain: Anvil, blocks: int) -> None:
    """A re-org after which the node does not know what was in the last `blocks`."""
    chain.rpc("anvil_reorg", blocks, [])
    chain.rpc("anvil_dropAllTransactions")


def confirm(chain: Anvil) -> None:
    """Put what is sent next into a block, and two on top."""
    until(lambda: in_pool(chain) == 1)
    for _ in range(3):
        chain.rpc("evm_mine")


class Gate:
    """Stands in for a sender's sleep: it does not wake before it may."""

    def __init__(self) -> None:
        self.asleep, self.may_wake = Event(), Event()

    def __call__(self, _: float) -> None:
        self.asleep.set()
        assert self.may_wake.wait(60)
        time.sleep(0.05)


@contextmanager
def second_dropped_with_the_first(s: Sender, chain: Anvil, token: Token) -> Iterator[Future[Any]]:
    """Sends a second transaction; a re-org drops it and the one before it. The sender sees it after the block."""
    s._policy = FeePolicy(confirmations=2, replace_after=60.0)
    s._sleep = gate = Gate()
    chain.rpc("evm_setAutomine", False)
    with ThreadPoolExecutor(1) as pool:
        sent = pool.submit(s.send, transfer(token, 2), "second")
        assert gate.asleep.wait(60)
        chain.rpc("evm_mine")
        dropped(chain, 2)
        yield sent
        gate.may_wake.set()
        until(lambda: chain.rpc("evm_mine") and sent.done())


def test_a_reorg_sends_it_again(chain: Anvil, account: LocalAccount, journal: Path, token: Token) -> None:
    s = sender(chain, account, journal, confirmations=2, replace_after=60.0)
    before = token.balance_of(account.address, "latest")
    chain.rpc("evm_mine")
    chain.rpc("evm_setAutomine", False)
    with ThreadPoolExecutor(1) as pool:
        sent = pool.submit(s.send, transfer(token, 9), "transfer")
        until(lambda: in_pool(chain) == 1)
        chain.rpc("evm_mine")
        assert token.balance_of(account.address, "latest") == before - 9
        time.sleep(0.3)
        assert not sent.done(), "one block is no confirmation"
        dropped(chain, 1)
        assert token.balance_of(account.address, "latest") == before
        confirm(chain)
        receipt = sent.result(timeout=20)
    assert token.balance_of(account.address) == before - 9
    [tx] = outbox(s)
    assert (tx.state, tx.block) == ("mined", receipt["blockNumber"])


def test_what_a_reorg_dropped_may_be_sent_again_as_it_was(
    chain: Anvil, account: LocalAccount, journal: Path, token: Token
) -> None:
    """Same nonce, same fees, same call: the same hash, which the journal has already."""
    s = sender(chain, account, journal)

    def send_at_one_gwei() -> bytes:
        chain.rpc("anvil_setNextBlockBaseFeePerGas", hex(GWEI))
        chain.rpc("evm_mine")
        return bytes(s.send(transfer(token, 9), "transfer")["transactionHash"])

    chain.rpc("evm_mine")
    first = send_at_one_gwei()
    dropped(chain, 2)
    before = token.balance_of(account.address)
    assert send_at_one_gwei() == first
    assert token.balance_of(account.address) == before - 9
    assert [(t.nonce, t.state) for t in outbox(s)] == [(0, "mined")]


def test_a_reorg_that_drops_an_earlier_one_too(
    chain: Anvil, account: LocalAccount, journal: Path, token: Token
) -> None:
    """The second cannot be mined before the first is again, which nobody else would send."""
    s = sender(chain, account, journal)
    before = token.balance_of(account.address)
    s.send(transfer(token, 1), "first")
    with second_dropped_with_the_first(s, chain, token) as sent:
        assert token.balance_of(account.address, "latest") == before
    assert sent.result()["status"] == 1
    assert token.balance_of(account.address) == before - 3
    assert [(t.nonce, t.label, t.state) for t in outbox(s)] == [(0, "first", "mined"), (1, "second", "mined")]


def test_what_waits_behind_one_that_is_refused_is_mined_once(
    chain: Anvil, account: LocalAccount, journal: Path, token: Token
) -> None:
    """The contract would refuse the first by now, and another node still has the second: sent anew with the nonce that
    is free, it would be mined twice."""
    s = sender(chain, account, journal)
    s.send(transfer(token, token.balance_of(account.address) - 5), "first")
    with second_dropped_with_the_first(s, chain, token) as sent:
        chain.rpc("anvil_dealERC20", account.address, token.address, hex(5))
        chain.web3.eth.send_raw_transaction(outbox(s)[-1].raw)
    assert sent.result()["status"] == 1
    assert token.balance_of(account.address) == 3
    assert [(t.nonce, t.label, t.state) for t in outbox(s)] == [
        (0, "first", "replaced"),
        (1, "second", "mined"),
        (0, "call back: first", "mined"),
    ]


def test_a_run_that_ends_before_the_nonce_is_taken_again(
    chain: Anvil, account: LocalAccount, journal: Path, token: Token
) -> None:
    """The next run takes it, and follows what waits behind it."""
    s = sender(chain, account, journal)
    s.send(transfer(token, token.balance_of(account.address) - 5), "first")
    with second_dropped_with_the_first(s, chain, token) as sent:
        chain.rpc("anvil_dealERC20", account.address, token.address, hex(5))
        s._policy = FeePolicy(give_up_after=0.0)
    with pytest.raises(NotMined):
        sent.result()
    assert [(t.nonce, t.label, t.state) for t in outbox(s)] == [(0, "first", "open"), (1, "second", "open")]
    s._policy = FeePolicy(confirmations=0)
    with ThreadPoolExecutor(1) as pool:
        resumed = pool.submit(s.resume)
        until(lambda: chain.rpc("evm_mine") and resumed.done())
        resumed.result()
    assert token.balance_of(account.address) == 3
    mined = [(t.nonce, t.label) for t in outbox(s) if t.state == "mined"]
    assert mined == [(1, "second"), (0, "call back: first")]
