"""Transactions of one account: each is in the journal before it is broadcast, and followed until its nonce is used."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from eth_typing import ChecksumAddress
from hexbytes import HexBytes
from web3 import Web3
from web3.contract.contract import ContractFunction
from web3.exceptions import TransactionNotFound
from web3.types import BlockIdentifier, TxParams, TxReceipt

from fedprotocol.chain.broadcast import Answer, classify
from fedprotocol.chain.drafts import check_funds, drafted
from fedprotocol.chain.errors import (
    ChainError,
    ContractReverted,
    FeesTooHigh,
    NotMined,
    RpcRefused,
    SignerError,
    TooLate,
    translated,
)
from fedprotocol.chain.fees import GWEI, FeePolicy, Fees, bumped, market_fees
from fedprotocol.chain.signer import Signer
from fedprotocol.journal import Journal, OutboxTx
from fedprotocol.monitor import metrics

log = logging.getLogger(__name__)

ETHER = 10**18  # wei
NONCE_TRIES = 5
LAST_TRIES = 4  # replacements for which there is time before a deadline
LOOKS = 3  # in a row before a transaction is given up: endpoints behind one name lag behind each other


class Sender:
    """Sends calls one after the other. `journal` must be open for writing; keep one Sender for an account.

    Other programs may use the same key: a transaction whose nonce they take is sent again with the next one.
    """

    def __init__(
        self,
        web3: Web3,
        signer: Signer,
        journal: Journal,
        fees: FeePolicy | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        agreement: Callable[[], None] = lambda: None,
    ) -> None:
        """`agreement`: asked before each call without a bound of gas; it raises ChainError if nothing may be sent."""
        self._eth = web3.eth
        self._signer = signer
        self._journal = journal
        self._policy = fees or FeePolicy()
        self._clock, self._sleep = clock, sleep
        self._agreement = agreement
        with translated("eth_chainId"):
            self._chain_id = web3.eth.chain_id

    @property
    def address(self) -> ChecksumAddress:
        return self._signer.address

    def send(
        self,
        call: ContractFunction,
        label: str,
        deadline: int | None = None,
        gas_bound: int | None = None,
        confirmed: bool = True,
    ) -> TxReceipt:
        """Dry-run, sign, write down, broadcast, wait. Whatever the outbox still holds is followed up first.

        Args:
            label: what it is, for log and errors ("reveal round 3").
            deadline: chain time of the block from which on it comes too late. The nearer it is, the sooner the fees
                are raised; once it has passed, an empty transaction takes the nonce.
            gas_bound: what it takes at most. With it nothing the node merely advises (a dry run, an estimate, a price)
                stops the call: only the contract's own refusal does.
            confirmed: wait for the policy's confirmations; otherwise for its block alone. What a re-org then drops is
                the caller's to see and to do again, and its nonce is used by whatever is sent next.

        Raises:
            ContractReverted: the contract refuses (nothing was sent), or refused in the block.
            OutOfFunds: the account cannot pay for it.
            FeesTooHigh: the base fee is above the policy's bound (nothing was sent).
            NotMined: not in a block within `give_up_after`; it stays in the outbox.
            TooLate: not in a block before `deadline`; it was called back.
            ChainUnreachable, WrongChain: no endpoint; what was signed by then stays in the outbox.
            SignerError: it is not signed (nothing was sent).
            RpcRefused: the node takes it for malformed.
            EndpointsDisagree: the RPC endpoints tell different things (nothing was sent).
        """
        self.resume()
        if gas_bound is None:  # what has one is judged by the contract alone, and no endpoint may veto it
            self._agreement()
        depth = self._policy.confirmations if confirmed else 0
        for _ in range(NONCE_TRIES):
            tx = self._sign(
                drafted(self._eth, self._policy, self.address, self._chain_id, call, label, deadline, gas_bound)
            )
            self._journal.outbox_add(tx)
            txs = [tx]
            self._broadcast(txs)
            receipt = self._follow(txs, depth)
            if receipt is None:
                continue
            if self._is_empty(next(t for t in txs if t.hash == bytes(receipt["transactionHash"]))):
                raise TooLate(f"{label}: it was not in a block before its deadline, and was called back")
            if receipt["status"] == 0:
                raise self._why(tx, receipt)
            return receipt
        raise ChainError(f"{label}: another program keeps using the nonces of {self.address}; stop it, then try again")

    def resume(self) -> None:
        """Follow up what a former run (or an interrupted send) left open. A revert is logged, not raised.

        What the node does not know is broadcast again, unless the contract would refuse it by now: then it is given up.

        Raises OutOfFunds, NotMined, ChainUnreachable, WrongChain, RpcRefused.
        """
        left = self._journal.outbox_open(self._chain_id, self.address)
        for nonce in sorted({tx.nonce for tx in left}):
            txs = [tx for tx in left if tx.nonce == nonce]
            self._follow(txs, self._policy.confirmations, waited_for=nonce < left[-1].nonce)

    # ----------------------------------------------------------------- signing

    def _sign(self, draft: OutboxTx) -> OutboxTx:
        signed = self._signer.sign_transaction(
            {
                "type": 2,
                "chainId": draft.chain_id,
                "nonce": draft.nonce,
                "to": HexBytes(draft.to),
                "data": draft.data,
                "value": 0,
                "gas": draft.gas,
                "maxFeePerGas": draft.max_fee,
                "maxPriorityFeePerGas": draft.tip,
            }
        )
        return replace(draft, hash=bytes(signed.hash), raw=bytes(signed.raw_transaction))

    # --------------------------------------------------------------- following

    def _follow(self, txs: list[OutboxTx], depth: int, waited_for: bool = False) -> TxReceipt | None:
        """Until the nonce of `txs` (a transaction and its replacements) is used, under `depth` blocks; None if another
        transaction used it, or if the node has none of `txs` and the contract would refuse it by now.

        `waited_for`: one with a later nonce is out. Then an empty transaction takes the place of what is refused: sent
        anew with the free nonce, the later one could be mined twice.
        """
        started = priced = self._clock()
        foreign = refused = 0
        while True:
            reached = self._nonces_used()
            receipt = self._receipt(txs)
            if receipt:
                if self._confirmed(receipt, depth):
                    return self._mined(receipt, txs)
            elif reached > txs[-1].nonce:
                foreign += 1
                if foreign == LOOKS:
                    self._give_up(txs, "another transaction used its nonce")
                    return None
            elif reached < txs[-1].nonce and self._refilled(reached, depth):
                continue
            elif not self._pending(txs):  # never arrived, dropped, or in a block that is no longer one
                if self._reverts(txs[-1]):
                    refused += 1
                    if refused >= LOOKS and waited_for:
                        self._replace(txs, emptied=True)
                    elif refused >= LOOKS:
                        self._give_up(txs, "the contract would refuse it by now")
                        return None
                else:
                    self._broadcast(txs)
            elif self._clock() - priced >= self._patience(txs[-1]):
                self._replace(txs)
                priced = self._clock()
            if self._clock() - started >= self._policy.give_up_after:
                raise NotMined(
                    f"{txs[-1].label}: transaction 0x{txs[-1].hash.hex()} (nonce {txs[-1].nonce}) has been sent and is "
                    f"not {'confirmed' if receipt else 'in a block'} after {self._policy.give_up_after:g} s; "
                    "it stays in the outbox and is followed up next time"
                )
            self._sleep(self._policy.poll)

    def _patience(self, tx: OutboxTx) -> float:
        """Seconds to wait for a block before the fees are raised, or before it is called back."""
        if tx.deadline is None or self._is_empty(tx):
            return self._policy.replace_after
        left = tx.deadline - self._chain_time()
        return min(self._policy.replace_after, left / LAST_TRIES) if left > 0 else 0.0

    def _chain_time(self) -> int:
        with translated("eth_getBlockByNumber"):
            return self._eth.get_block("pending")["timestamp"]

    def _is_empty(self, tx: OutboxTx) -> bool:
        """Whether it only takes a nonce: nothing else is ever sent to oneself."""
        return tx.to == self.address

    def _nonces_used(self) -> int:
        with translated("eth_getTransactionCount"):
            return self._eth.get_transaction_count(self.address, "latest")

    def _refilled(self, nonce: int, depth: int) -> bool:
        """Get a nonce used that a re-org set free again; False if nothing of the journal was mined with it."""
        dropped = self._journal.outbox_mined(self._chain_id, self.address, nonce)
        if dropped is None:
            return False
        self._journal.outbox_reopen(dropped.hash)
        self._follow([dropped], depth, waited_for=True)
        return True

    def _broadcast(self, txs: list[OutboxTx]) -> None:
        """Hand the newest to the node; one it finds too cheap is replaced, one it refuses leaves `txs`."""
        tx = txs[-1]
        try:
            with translated(tx.label):
                self._eth.send_raw_transaction(tx.raw)
        except RpcRefused as error:
            answer = classify(error.words)
            if answer is Answer.UNDERPRICED:
                self._replace(txs)
            elif answer is Answer.NO_FUNDS:
                check_funds(self._eth, tx)
                raise
            elif answer is Answer.REFUSED:
                self._journal.outbox_close(tx.hash, "lost")
                txs.pop()
                if not txs:
                    raise
                log.warning("%s: the node refused a replacement: %s", tx.label, error.words)
            # Known, or the nonce used or taken: the chain will tell whose it was.
        else:
            log.info("%s: sent 0x%s (nonce %d)", tx.label, tx.hash.hex(), tx.nonce)

    def _replace(self, txs: list[OutboxTx], emptied: bool = False) -> None:
        """Sign the newest again with higher fees and broadcast that, as far as the policy's bound allows; if asked to,
        or if it would come too late, an empty one in its place: a call that reverts costs more."""
        old = txs[-1]
        late = old.deadline is not None and not self._is_empty(old) and self._chain_time() >= old.deadline
        if emptied or late:
            log.warning("%s: %s, calling it back", old.label, "too late" if late else "the contract would refuse it")
            old = replace(old, to=self.address, data=b"", label=f"call back: {old.label}")
        try:
            market = market_fees(self._eth, self._policy)
        except FeesTooHigh:
            market = None
        fees = bumped(self._policy, Fees(old.max_fee, old.tip), market)
        if fees is None:
            log.warning("%s: waiting, its fees are at the bound of the policy", old.label)
            return
        try:
            tx = self._sign(replace(old, max_fee=fees.max_fee, tip=fees.tip))
        except SignerError as error:
            log.warning("%s: waiting, no replacement is signed: %s", old.label, error)
            return
        self._journal.outbox_add(tx)
        log.info("%s: replacing 0x%s, up to %g gwei a gas", old.label, old.hash.hex(), fees.max_fee / GWEI)
        txs.append(tx)
        metrics.RETRIES.labels("transaction").inc()
        self._broadcast(txs)

    def _receipt(self, txs: list[OutboxTx]) -> TxReceipt | None:
        for tx in reversed(txs):
            with translated(tx.label), suppress(TransactionNotFound):
                return self._eth.get_transaction_receipt(HexBytes(tx.hash))
        return None

    def _pending(self, txs: list[OutboxTx]) -> bool:
        for tx in reversed(txs):
            with translated(tx.label), suppress(TransactionNotFound):
                self._eth.get_transaction(HexBytes(tx.hash))
                return True
        return False

    def _reverts(self, tx: OutboxTx) -> bool:
        try:
            self._replay(tx, "pending")
        except ContractReverted:
            return True
        return False

    def _replay(self, tx: OutboxTx, block: BlockIdentifier) -> None:
        request = TxParams({"from": self.address, "to": Web3.to_checksum_address(tx.to), "data": HexBytes(tx.data)})
        with translated(tx.label):
            self._eth.call(request, block)

    def _confirmed(self, receipt: TxReceipt, depth: int) -> bool:
        if depth == 0:
            return True
        with translated("eth_blockNumber"):
            return self._eth.block_number - receipt["blockNumber"] >= depth

    # ---------------------------------------------------------------- outcomes

    def _mined(self, receipt: TxReceipt, txs: list[OutboxTx]) -> TxReceipt:
        good = receipt["status"] == 1
        number = receipt["blockNumber"]
        self._journal.outbox_close(bytes(receipt["transactionHash"]), "mined" if good else "reverted", number)
        log.log(
            logging.INFO if good else logging.WARNING,
            "%s: %s in block %d, %d gas",
            txs[-1].label,
            "mined" if good else "reverted",
            number,
            receipt["gasUsed"],
        )
        metrics.GAS.inc(receipt["gasUsed"])
        metrics.FEES.inc(receipt["gasUsed"] * receipt["effectiveGasPrice"] / ETHER)
        return receipt

    def _give_up(self, txs: list[OutboxTx], why: str) -> None:
        log.info("%s: transaction of nonce %d is given up: %s", txs[-1].label, txs[-1].nonce, why)
        for tx in txs:
            self._journal.outbox_close(tx.hash, "lost")

    def _why(self, tx: OutboxTx, receipt: TxReceipt) -> ContractReverted:
        """The reason of a revert in a block, by running the call again on that block."""
        label = f"{tx.label} (transaction 0x{bytes(receipt['transactionHash']).hex()})"
        if receipt["gasUsed"] >= tx.gas:
            return ContractReverted("Error", {"message": "out of gas"}, label)
        try:
            self._replay(replace(tx, label=label), receipt["blockNumber"])
        except ContractReverted as error:
            return error
        return ContractReverted("Error", {"message": "reverted in the block, and would not any more"}, label)
