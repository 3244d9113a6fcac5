"""What comes too late is not paid for: fees rise in time, and after the deadline the transaction is called back."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from eth_account.signers.local import LocalAccount
from fedprotocol.chain.errors import NotMined, TooLate
from fedprotocol.chain.read.token import Token
from fedprotocol.chain.send.fees import GWEI, FeePolicy
from fedprotocol.chain.send.sender import Sender
from fedprotocol.config import ChainConfig
from fedprotocol.journal import Journal, OutboxTx
from support.deployed import sender
from support.evm import Anvil
from support.sending import in_pool, outbox, transfer, until


def waiting(pool: ThreadPoolExecutor, s: Sender, chain: Anvil, token: Token, seconds: int) -> Future[Any]:
    """A transfer that no block takes, with a deadline in so many seconds."""
    chain.rpc("evm_setAutomine", False)
    sent = pool.submit(s.send, transfer(token, 3), "transfer", chain.now() + seconds)
    until(lambda: in_pool(chain) == 1)
    return sent


def is_called_back(chain: Anvil, s: Sender) -> bool:
    """Whether the node has the empty transaction."""
    newest = outbox(s)[-1]
    return newest.to == s.address and chain.rpc("eth_getTransactionByHash", "0x" + newest.hash.hex()) is not None


def test_fees_rise_in_time_for_a_deadline(chain: Anvil, account: LocalAccount, journal: Path, token: Token) -> None:
    s = sender(chain, account, journal, replace_after=600.0)
    with ThreadPoolExecutor(1) as pool:
        sent = waiting(pool, s, chain, token, seconds=8)
        until(lambda: len(outbox(s)) >= 3, seconds=7)
        chain.rpc("evm_mine")
        assert sent.result(timeout=20)["status"] == 1
    assert all(new.max_fee * 10 >= old.max_fee * 11 for old, new in pairwise(outbox(s)))
    assert {t.to for t in outbox(s)} == {token.address}


def test_after_its_deadline_it_is_called_back(chain: Anvil, account: LocalAccount, journal: Path, token: Token) -> None:
    s = sender(chain, account, journal, replace_after=600.0)
    before = token.balance_of(account.address)
    with ThreadPoolExecutor(1) as pool:
        sent = waiting(pool, s, chain, token, seconds=1)
        until(lambda: is_called_back(chain, s))
        chain.rpc("evm_mine")
        with pytest.raises(TooLate, match="transfer: it was not in a block before its deadline, and was called back"):
            sent.result(timeout=20)
    txs = outbox(s)
    assert {t.nonce for t in txs} == {0} and {t.deadline for t in txs} != {None}
    assert [t.state for t in txs] == ["replaced"] * (len(txs) - 1) + ["mined"]
    [receipt] = [chain.web3.eth.get_transaction_receipt(t.hash) for t in txs[-1:]]  # type: ignore[arg-type]
    assert receipt["gasUsed"] == 21_000
    assert token.balance_of(account.address) == before
    chain.rpc("evm_setAutomine", True)
    assert s.send(transfer(token, 1), "next")["status"] == 1


def test_a_leftover_that_is_too_late_is_called_back(
    chain: Anvil, account: LocalAccount, journal: Path, token: Token
) -> None:
    """Sent, then the program ended; the next one finds it still pending."""
    s = sender(chain, account, journal, replace_after=600.0, give_up_after=0.2)
    with ThreadPoolExecutor(1) as pool, pytest.raises(NotMined):
        waiting(pool, s, chain, token, seconds=1).result(timeout=20)
    s._policy = FeePolicy(poll=0.05, replace_after=600.0, give_up_after=20.0)
    until(lambda: chain.now() >= (outbox(s)[0].deadline or 0))
    with ThreadPoolExecutor(1) as pool:
        resumed = pool.submit(s.resume)
        until(lambda: is_called_back(chain, s))
        chain.rpc("evm_mine")
        resumed.result(timeout=20)
    *before, last = [(t.label, t.state) for t in outbox(s)]
    assert set(before) == {("transfer", "replaced")} and last == ("call back: transfer", "mined")


def test_one_that_is_mined_while_it_is_called_back_counts(
    chain: Anvil, account: LocalAccount, journal: Path, token: Token, monkeypatch: pytest.MonkeyPatch
) -> None:
    s = sender(chain, account, journal, replace_after=600.0)
    before = token.balance_of(account.address)
    add = Journal.outbox_add

    def raced(self: Journal, tx: OutboxTx) -> None:
        add(self, tx)
        if tx.to == account.address:
            chain.rpc("evm_mine")

    monkeypatch.setattr(Journal, "outbox_add", raced)
    with ThreadPoolExecutor(1) as pool:
        assert waiting(pool, s, chain, token, seconds=1).result(timeout=20)["status"] == 1
    assert token.balance_of(account.address) == before - 3
    assert [t.state for t in outbox(s)][-2:] == ["mined", "replaced"]


def test_the_bound_is_the_configs() -> None:
    chain = ChainConfig(rpc=("http://x",), chain_id=1, coordinator="0x" + 40 * "1", confirmations=3, max_fee_gwei=2.5)
    assert FeePolicy.of(chain) == FeePolicy(max_fee=5 * GWEI // 2, confirmations=3)
