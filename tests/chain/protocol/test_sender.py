"""The sender on a real anvil: kills, stuck transactions, foreign nonces, empty purses."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from eth_account.signers.local import LocalAccount
from fedprotocol.chain.amounts import Amounts
from fedprotocol.chain.endpoint.broadcast import Refusal, classify
from fedprotocol.chain.endpoint.rpc import connect_web3
from fedprotocol.chain.errors import (
    ChainUnreachable,
    ContractReverted,
    FeesTooHigh,
    NotMined,
    OutOfFunds,
    RpcRefused,
    translated,
)
from fedprotocol.chain.read.token import Token
from fedprotocol.chain.send.fees import GWEI, FeePolicy, Fees, bumped, first_fees
from fedprotocol.chain.send.sender import Sender
from fedprotocol.journal import Journal, OutboxTx
from support.deployed import CHAIN_ID, GENESIS, Deployed, give, sender
from support.evm import Anvil
from support.sending import SOMEBODY, foreign, in_pool, outbox, transfer, until


def test_sends_and_writes_down(chain: Anvil, account: LocalAccount, journal: Path, token: Token) -> None:
    s = sender(chain, account, journal)
    before = token.balance_of(SOMEBODY)
    receipt = s.send(transfer(token, 5), "transfer")
    assert token.balance_of(SOMEBODY) == before + 5
    [tx] = outbox(s)
    assert (tx.state, tx.block, tx.hash, tx.label) == (
        "mined",
        receipt["blockNumber"],
        bytes(receipt["transactionHash"]),
        "transfer",
    )
    assert s.send(transfer(token, 5), "again")["status"] == 1
    assert [t.nonce for t in outbox(s)] == [0, 1]


def test_allowance_is_exactly_what_is_needed(
    chain: Anvil, federation: Deployed, account: LocalAccount, journal: Path, token: Token
) -> None:
    s = sender(chain, account, journal)
    spender = federation.contract.address
    assert token.ensure_allowance(s, spender, 100) is not None
    assert token.allowance(s.address, spender) == 100
    assert token.ensure_allowance(s, spender, 99) is None
    assert token.allowance(s.address, spender) == 100
    assert (token.symbol(), token.decimals()) == ("FED", 18)


def test_an_allowance_that_must_be_taken_back_first(
    chain: Anvil, federation: Deployed, account: LocalAccount, journal: Path
) -> None:
    """As USDT's: what is left of an approval for a smaller bond must not keep its owner from a larger one."""
    s, spender = sender(chain, account, journal), federation.contract.address
    token = Token(connect_web3(chain.url, CHAIN_ID), chain.deploy("SilentToken").address)
    for amount in (100, 150):
        assert token.ensure_allowance(s, spender, amount) is not None
        assert token.allowance(s.address, spender) == amount
    assert [tx.label for tx in outbox(s)] == [
        "approve tokens",
        "take back an earlier approval",
        "approve tokens",
    ]


def test_an_approval_that_the_token_refuses(chain: Anvil, account: LocalAccount, journal: Path, token: Token) -> None:
    s = sender(chain, account, journal)
    with pytest.raises(ContractReverted, match="ERC20InvalidSpender"):
        token.ensure_allowance(s, "0x" + 40 * "0", 100)
    assert not outbox(s)


def test_amounts_of_a_token_that_does_not_name_itself(chain: Anvil, token: Token) -> None:
    silent = Token(token.contract.w3, chain.deploy("SilentToken").address)
    assert Amounts.of(token)(15 * 10**17) == "1.5 FED"
    assert Amounts.of(silent)(15 * 10**17) == f"{15 * 10**17} smallest units"


CHILD = """
import os, signal, sys
from itertools import pairwise
from pathlib import Path
from eth_account import Account
from fedprotocol.chain.endpoint.rpc import connect_web3
from fedprotocol.chain.send.sender import Sender
from fedprotocol.chain.read.token import Token
from fedprotocol.journal import Journal
url, path, token, where = sys.argv[1:]
web3 = connect_web3(url, 31337)
send = web3.eth.send_raw_transaction
def killed(raw):
    if where == "after":
        send(raw)
    os.kill(os.getpid(), signal.SIGKILL)
web3.eth.send_raw_transaction = killed
sender = Sender(web3, Account.from_key(os.environ["KEY"]), Journal(Path(path)))
sender.send(Token(web3, token).contract.functions.transfer("0x000000000000000000000000000000000000dEaD", 7), "transfer")
"""


@pytest.mark.parametrize("where", ["before", "after"])
def test_kill_around_the_broadcast(
    chain: Anvil, account: LocalAccount, journal: Path, token: Token, where: str
) -> None:
    """A real process, killed with signal 9 between the outbox and the broadcast, or right after it."""
    before = token.balance_of(SOMEBODY)
    child = subprocess.run(
        [sys.executable, "-c", CHILD, chain.url, str(journal), token.address, where],
        env={**os.environ, "KEY": account.key.hex()},
        capture_output=True,
        text=True,
    )
    assert child.returncode == -signal.SIGKILL, child.stderr
    assert token.balance_of(SOMEBODY) == before + (7 if where == "after" else 0)
    s = sender(chain, account, journal)
    [left] = outbox(s)
    assert (left.state, left.nonce, left.label) == ("open", 0, "transfer")
    s.resume()
    [tx] = outbox(s)
    assert (tx.state, tx.hash) == ("mined", left.hash)
    assert token.balance_of(SOMEBODY) == before + 7
    s.resume()
    s.send(transfer(token, 1), "next")
    assert token.balance_of(SOMEBODY) == before + 8


def test_a_stuck_transaction_is_replaced_with_higher_fees(
    chain: Anvil, account: LocalAccount, journal: Path, token: Token
) -> None:
    s = sender(chain, account, journal, replace_after=0.3)
    before = token.balance_of(SOMEBODY, "latest")
    chain.rpc("evm_setAutomine", False)
    with ThreadPoolExecutor(1) as pool:
        sent = pool.submit(s.send, transfer(token, 3), "transfer")
        until(lambda: len(outbox(s)) >= 3)
        chain.rpc("evm_mine")
        receipt = sent.result(timeout=20)
    txs = outbox(s)
    assert len({t.nonce for t in txs}) == 1
    assert [t.state for t in txs].count("mined") == 1
    assert {t.state for t in txs} == {"mined", "replaced"}
    assert bytes(receipt["transactionHash"]) in [t.hash for t in txs]
    for old, new in pairwise(txs):
        assert new.max_fee * 10 >= old.max_fee * 11
        assert new.tip * 10 >= old.tip * 11
    assert token.balance_of(SOMEBODY) == before + 3, "replaced, not repeated"


def test_fees_stay_within_the_bound(chain: Anvil, account: LocalAccount, journal: Path, token: Token) -> None:
    base = chain.web3.eth.get_block("latest")["baseFeePerGas"]
    with pytest.raises(FeesTooHigh, match="above the bound"):
        sender(chain, account, journal, max_fee=base // 2).send(transfer(token, 1), "transfer")
    tight = sender(
        chain, account, journal.with_name("b"), max_fee=base + GWEI // 10, replace_after=0.1, give_up_after=1.0
    )
    chain.rpc("evm_setAutomine", False)
    with pytest.raises(NotMined, match="stays in the outbox"):
        tight.send(transfer(token, 1), "transfer")
    assert [(t.state, t.max_fee <= base + GWEI // 10) for t in outbox(tight)] == [("open", True)]
    chain.rpc("evm_mine")
    tight.resume()
    assert [t.state for t in outbox(tight)] == ["mined"]


def test_a_nonce_used_by_another_program(
    chain: Anvil, account: LocalAccount, journal: Path, token: Token, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one's transaction is mined between our look at the nonce and our broadcast."""
    s = sender(chain, account, journal)
    add = Journal.outbox_add

    def raced(self: Journal, tx: OutboxTx) -> None:
        add(self, tx)
        if tx.nonce == 0:
            foreign(chain, account, 0)

    monkeypatch.setattr(Journal, "outbox_add", raced)
    before = token.balance_of(SOMEBODY)
    assert s.send(transfer(token, 2), "transfer")["status"] == 1
    assert [(t.nonce, t.state) for t in outbox(s)] == [(0, "lost"), (1, "mined")]
    assert token.balance_of(SOMEBODY) == before + 2


def test_a_nonce_taken_in_the_pool_by_another_program(
    chain: Anvil, account: LocalAccount, journal: Path, token: Token, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one's transaction is pending with higher fees: it is not pushed out, ours goes behind it."""
    s = sender(chain, account, journal)
    chain.rpc("evm_setAutomine", False)
    add = Journal.outbox_add
    theirs = []

    def raced(self: Journal, tx: OutboxTx) -> None:
        add(self, tx)
        if tx.nonce == 0:
            theirs.append(foreign(chain, account, 0, tip=30 * GWEI))

    monkeypatch.setattr(Journal, "outbox_add", raced)
    with ThreadPoolExecutor(1) as pool:
        sent = pool.submit(s.send, transfer(token, 2), "transfer")
        until(lambda: theirs and in_pool(chain) == 1)
        time.sleep(0.3)
        chain.rpc("evm_mine")
        until(lambda: len(outbox(s)) == 2 and in_pool(chain) == 1)
        chain.rpc("evm_mine")
        assert sent.result(timeout=20)["status"] == 1
    assert chain.web3.eth.get_transaction_receipt(theirs[0])["status"] == 1  # type: ignore[arg-type]
    assert [(t.nonce, t.state) for t in outbox(s)] == [(0, "lost"), (1, "mined")]


def test_an_outdated_leftover_is_given_up(
    chain: Anvil, account: LocalAccount, journal: Path, token: Token, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Signed, never broadcast, and by now the contract would refuse it: no gas is burned on it."""
    s = sender(chain, account, journal)
    balance = token.balance_of(account.address)
    monkeypatch.setattr(Sender, "_broadcast", _interrupted)
    with pytest.raises(InterruptedError):
        s.send(transfer(token, balance), "transfer all")
    monkeypatch.undo()
    assert [t.state for t in outbox(s)] == ["open"]
    chain.rpc("anvil_dealERC20", account.address, token.address, hex(5))
    s.resume()
    assert [t.state for t in outbox(s)] == ["lost"]
    assert chain.web3.eth.get_transaction_count(account.address) == 0
    assert s.send(transfer(token, 1), "small")["status"] == 1


def _interrupted(*_: Any) -> None:
    raise InterruptedError


def test_a_revert_in_the_block_says_why(federation: Deployed, chain: Anvil, tmp_path: Path) -> None:
    """The dry run passes, and the block comes after the deadline."""
    coordinator = federation.coordinator()
    clients = [sender(chain, federation.account(), tmp_path / f"{i}") for i in range(2)]
    for s in clients:
        coordinator.token.ensure_allowance(s, coordinator.address, 2000)
        s.send(coordinator.calls.join(1000), "join")
    s.send(coordinator.calls.fund(1000), "fund")
    s.send(coordinator.calls.open(), "open")
    end = coordinator.round_view(1).phase_end
    chain.rpc("evm_setAutomine", False)
    with ThreadPoolExecutor(1) as pool:
        sent = pool.submit(s.send, coordinator.calls.commit(1, GENESIS, b"h" * 32), "commit round 1")
        until(lambda: in_pool(chain) == 1)
        chain.rpc("evm_setNextBlockTimestamp", end)
        chain.rpc("evm_mine")
        with pytest.raises(ContractReverted, match=r"commit round 1 \(transaction 0x.*too late") as late:
            sent.result(timeout=20)
    assert late.value.name == "WrongPhase"
    assert outbox(s)[-1].state == "reverted"


def test_out_of_funds_names_address_and_amount(federation: Deployed, chain: Anvil, journal: Path, token: Token) -> None:
    poor = federation.account(ether=1000)
    s = sender(chain, poor, journal)
    with pytest.raises(OutOfFunds) as empty:
        s.send(transfer(token, 1), "transfer")
    assert (empty.value.address, empty.value.available) == (poor.address, 1000)
    assert poor.address in str(empty.value)
    assert "send it at least 0.00" in str(empty.value)
    assert outbox(s) == []
    give(chain, poor, 10**18)
    assert s.send(transfer(token, 1), "transfer")["status"] == 1


def test_money_gone_after_signing(
    chain: Anvil, account: LocalAccount, journal: Path, token: Token, monkeypatch: pytest.MonkeyPatch
) -> None:
    s = sender(chain, account, journal)
    add = Journal.outbox_add

    def emptied(self: Journal, tx: OutboxTx) -> None:
        add(self, tx)
        give(chain, account, 5)

    monkeypatch.setattr(Journal, "outbox_add", emptied)
    with pytest.raises(OutOfFunds, match=account.address):
        s.send(transfer(token, 1), "transfer")
    monkeypatch.undo()
    assert [t.state for t in outbox(s)] == ["open"]
    give(chain, account, 10**18)
    s.resume()
    assert [t.state for t in outbox(s)] == ["mined"]


def test_a_node_that_dies_during_the_broadcast(tmp_path: Path) -> None:
    """The chain goes away between outbox and broadcast; the intention survives."""
    with Anvil() as chain:
        federation = Deployed.on(chain)
        account = federation.account()
        s = sender(chain, account, tmp_path / "j")
        token = federation.coordinator().token
        call = transfer(token, 1)
        add = s._journal.outbox_add

        def dies(tx: OutboxTx) -> None:
            add(tx)
            chain.__exit__()

        s._journal.outbox_add = dies  # type: ignore[method-assign]
        with pytest.raises(
            ChainUnreachable, match=r"no RPC endpoint answers: http://127.0.0.1:\d+ \(the connection is refused"
        ):
            s.send(call, "transfer")
        assert [t.state for t in outbox(s)] == ["open"]


def test_what_anvil_answers_is_understood(chain: Anvil, account: LocalAccount) -> None:
    web3 = connect_web3(chain.url, CHAIN_ID)

    def refusal(**changes: Any) -> Refusal:
        request = {
            "to": SOMEBODY,
            "value": 1,
            "gas": 21_000,
            "nonce": 0,
            "chainId": CHAIN_ID,
            "maxFeePerGas": 20 * GWEI,
            "maxPriorityFeePerGas": GWEI,
        }
        signed = account.sign_transaction({**request, **changes})
        with pytest.raises(RpcRefused) as refused, translated():
            web3.eth.send_raw_transaction(signed.raw_transaction)
        return classify(refused.value.node_message)

    foreign(chain, account, 0)
    assert refusal() is Refusal.NONCE_USED
    assert refusal(nonce=1, value=10**30) is Refusal.NO_FUNDS
    assert refusal(nonce=1, gas=20_000) is Refusal.REFUSED
    assert refusal(nonce=1, maxFeePerGas=1, maxPriorityFeePerGas=1) is Refusal.UNDERPRICED
    chain.rpc("evm_setAutomine", False)
    foreign(chain, account, 1, tip=GWEI)
    assert refusal(nonce=1, maxFeePerGas=20 * GWEI) is Refusal.NONCE_TAKEN
    assert refusal(nonce=1, maxFeePerGas=21 * GWEI) is Refusal.KNOWN


@pytest.mark.parametrize(
    ("message", "meaning"),
    [
        ("already known", Refusal.KNOWN),
        ("AlreadyKnown", Refusal.KNOWN),
        ("Known transaction", Refusal.KNOWN),
        ("nonce too low: next nonce 5, tx nonce 4", Refusal.NONCE_USED),
        ("OldNonce, Current nonce: 5, nonce of rejected tx: 4", Refusal.NONCE_USED),
        ("replacement transaction underpriced", Refusal.NONCE_TAKEN),
        ("future transaction tries to replace pending", Refusal.NONCE_TAKEN),
        ("ReplacementNotAllowed", Refusal.NONCE_TAKEN),
        ("transaction underpriced: gas tip cap 0, minimum needed 1", Refusal.UNDERPRICED),
        ("max fee per gas less than block base fee: address 0x0", Refusal.UNDERPRICED),
        ("insufficient funds for gas * price + value: balance 1", Refusal.NO_FUNDS),
        ("Upfront cost exceeds account balance", Refusal.NO_FUNDS),
        ("exceeds block gas limit", Refusal.REFUSED),
        ("", Refusal.REFUSED),
    ],
)
def test_what_other_clients_answer(message: str, meaning: Refusal) -> None:
    """geth, Nethermind, Besu."""
    assert classify(message) is meaning


def test_fee_maths() -> None:
    policy = FeePolicy(max_fee=100 * GWEI)
    assert first_fees(policy, 10 * GWEI, GWEI) == Fees(21 * GWEI, GWEI)
    assert first_fees(policy, 0, 0) == Fees(0, 0), "gas is free"
    assert first_fees(policy, 1, 0) == Fees(2 + policy.min_tip, policy.min_tip)
    assert first_fees(policy, 0, 1) == Fees(policy.min_tip, policy.min_tip)
    assert first_fees(policy, 90 * GWEI, 10**20) == Fees(100 * GWEI, policy.max_tip)
    assert first_fees(policy, 100 * GWEI, 0) is None
    assert first_fees(FeePolicy(max_fee=1), 0, 10**9) == Fees(1, 1)
    for fee in (1, 9, 10, GWEI - 1):
        again = bumped(policy, Fees(fee, fee), None)
        assert again is not None
        assert again.max_fee * 100 >= fee * 110
        assert again.tip <= again.max_fee
    assert bumped(policy, Fees(10 * GWEI, 1), Fees(50 * GWEI, GWEI)) == Fees(50 * GWEI, GWEI)
    assert bumped(policy, Fees(95 * GWEI, 1), None) is None
    assert bumped(policy, Fees(0, 0), Fees(0, 0)) is None, "an account may have nothing to pay more with"
    assert bumped(policy, Fees(GWEI, GWEI, True), Fees(2 * GWEI, 2 * GWEI, True)) == Fees(2 * GWEI, 2 * GWEI, True)
