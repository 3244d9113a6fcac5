"""Transactions of one account: each is written to the journal before it is broadcast, and followed until its nonce is
used."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from typing import NoReturn

from eth_typing import ChecksumAddress
from web3 import Web3
from web3.contract.contract import ContractFunction
from web3.types import TxReceipt

from fedprotocol import metrics
from fedprotocol.chain.account.signer import Signer
from fedprotocol.chain.endpoint.broadcast import Refusal, classify
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
from fedprotocol.chain.send.drafts import check_funds, drafted, is_legacy, unsigned
from fedprotocol.chain.send.fees import GWEI, FeePolicy, Fees, bumped, market_fees
from fedprotocol.chain.send.gas import advisory
from fedprotocol.chain.send.lookup import Looks
from fedprotocol.chain.send.receipts import gas_used, paid
from fedprotocol.journal import Journal, OutboxTx

log = logging.getLogger(__name__)

ETHER = 10**18  # wei
NONCE_TRIES = 5
LAST_TRIES = 4  # how many replacements there must be time for before a deadline
# refusals in a row before a transaction is given up, because several endpoints behind one name may lag behind each
# other
LOOKS = 3


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
        """`agreement` is called before each call that has no bound of gas, and raises ChainError if nothing may be
        sent."""
        self._eth = web3.eth
        self._looks = Looks(web3.eth, signer.address)
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
        """Dry-run, sign, write down, broadcast, wait. Transactions that are still in the outbox are followed up first.

        Args:
            label: what the call is, for the log and for errors ("reveal round 3").
            deadline: the chain time of the first block in which the call is too late. The nearer the deadline is, the
                sooner the fees are raised. Once it has passed, an empty transaction takes the nonce.
            gas_bound: the most gas that the call takes. If it is given, nothing that the node merely advises (a dry
                run, an estimate, a price) stops the call; only a refusal by the contract does.
            confirmed: wait for the policy's confirmations; otherwise only wait for its block. Then the caller has to
                notice if a re-org drops the call, and to send it again; the next transaction uses its nonce.

        Raises:
            ContractReverted: the contract refuses (nothing was sent), or refused in the block.
            OutOfFunds: the account cannot pay for it.
            FeesTooHigh: the base fee is above the policy's bound (nothing was sent).
            NotMined: not in a block within `give_up_after`; it stays in the outbox.
            TooLate: not in a block before `deadline`; it was called back.
            ChainUnreachable, WrongChain: no endpoint; a transaction that was already signed stays in the outbox.
            SignerError: it could not be signed (nothing was sent).
            RpcRefused: the node refuses it as malformed.
            EndpointsDisagree: the RPC endpoints say different things (nothing was sent).
        """
        self.resume()
        if gas_bound is None:  # a call with a bound is judged only by the contract, and no endpoint may prevent it
            self._agreement()
        depth = self._policy.confirmations if confirmed else 0
        for _ in range(NONCE_TRIES):
            tx = self._sign(
                *drafted(self._eth, self._policy, self.address, self._chain_id, call, label, deadline, gas_bound)
            )
            self._journal.outbox_add(tx)
            txs = [tx]
            self._broadcast(txs)
            found = self._follow(txs, depth)
            if found is None:
                continue
            mined, receipt = found
            if self._is_empty(mined):
                raise TooLate(f"{label}: it was not in a block before its deadline, and was called back")
            if receipt["status"] == 0:
                raise self._why(mined, receipt)
            return receipt
        raise ChainError(f"{label}: another program keeps using the nonces of {self.address}; stop it, then try again")

    def resume(self) -> None:
        """Follow up the transactions that an earlier run, or an interrupted send, left open. A revert is logged, not
        raised. A transaction that the node does not know is broadcast again, unless the contract would refuse it by
        now; then it is given up.

        Raises OutOfFunds, NotMined, ChainUnreachable, WrongChain, RpcRefused.
        """
        left = self._journal.outbox_open(self._chain_id, self.address)
        for nonce in sorted({tx.nonce for tx in left}):
            txs = [tx for tx in left if tx.nonce == nonce]
            self._follow(txs, self._policy.confirmations, waited_for=nonce < left[-1].nonce)

    # ----------------------------------------------------------------- signing

    def _sign(self, draft: OutboxTx, legacy: bool) -> OutboxTx:
        signed = self._signer.sign_transaction(unsigned(draft, legacy))
        return replace(draft, hash=bytes(signed.hash), raw=bytes(signed.raw_transaction))

    # --------------------------------------------------------------- following

    def _follow(self, txs: list[OutboxTx], depth: int, waited_for: bool = False) -> tuple[OutboxTx, TxReceipt] | None:
        """Wait until the nonce of `txs` (a transaction and its replacements) is used, `depth` blocks deep, and return
        the one that used it. None if another transaction used it, or if the node has none of `txs` and the contract
        would refuse it by now. `waited_for`: a transaction with a later nonce was already sent. Then an empty
        transaction replaces one that is refused, because the later one, sent again with the free nonce, could be mined
        twice. Raises RpcRefused if the node has none of `txs` and refuses them again and again.
        """
        started = priced = self._clock()
        foreign = refused = 0
        while True:
            reached = self._looks.nonces_used()
            found = self._looks.receipt(txs)
            if found is None and reached > txs[-1].nonce:
                found = self._looks.receipt(self._given_up(txs[-1]))
            if found is not None:
                if self._looks.is_under(found[1], depth):
                    return self._mined(found, txs)
            elif reached > txs[-1].nonce:
                foreign += 1
                if foreign == LOOKS:
                    self._give_up(txs, "another transaction used its nonce")
                    return None
            elif reached < txs[-1].nonce and self._refilled(reached, depth):
                continue
            # it never arrived, was dropped, or was in a block that is no longer in the chain
            elif not self._looks.is_pending(txs):
                reverts = self._looks.reverts(txs[-1])
                refusal = None if reverts else self._broadcast(txs)
                refused = refused + 1 if reverts or refusal else 0
                if refused >= LOOKS and waited_for:
                    self._replace(txs, emptied=True)
                elif refused >= LOOKS:
                    if refusal:
                        self._turned_away(txs, refusal)
                    self._give_up(txs, "the contract would refuse it by now")
                    return None
            elif self._clock() - priced >= self._patience(txs[-1]):
                self._replace(txs)
                priced = self._clock()
            if self._clock() - started >= self._policy.give_up_after:
                raise NotMined(
                    f"{txs[-1].label}: transaction 0x{txs[-1].hash.hex()} (nonce {txs[-1].nonce}) has been sent and is "
                    f"not {'confirmed' if found else 'in a block'} after {self._policy.give_up_after:g} s; "
                    "it stays in the outbox and is followed up next time"
                )
            self._sleep(self._policy.poll)

    def _patience(self, tx: OutboxTx) -> float:
        """Seconds to wait for a block before the fees are raised, or before the transaction is replaced by an empty
        one."""
        if tx.deadline is None or self._is_empty(tx):
            return self._policy.replace_after
        left = tx.deadline - self._looks.time()
        return min(self._policy.replace_after, left / LAST_TRIES) if left > 0 else 0.0

    def _is_empty(self, tx: OutboxTx) -> bool:
        """Whether the transaction only uses up a nonce. Nothing else is ever sent to the own account."""
        return tx.to == self.address

    def _given_up(self, tx: OutboxTx) -> list[OutboxTx]:
        """Earlier transactions with the same nonce. A node that refused them may have passed them on all the same."""
        return self._journal.outbox_lost(self._chain_id, self.address, tx.nonce)

    def _refilled(self, nonce: int, depth: int) -> bool:
        """Use a nonce again that a re-org has set free. False if no transaction in the journal was mined with it."""
        dropped = self._journal.outbox_mined(self._chain_id, self.address, nonce)
        if dropped is None:
            return False
        self._journal.outbox_reopen(dropped.hash)
        self._follow([dropped], depth, waited_for=True)
        return True

    def _broadcast(self, txs: list[OutboxTx]) -> RpcRefused | None:
        """Hand the newest to the node; one it finds too cheap is replaced.

        Returns the refusal if its message says nothing that is known. It need not mean that nobody has the transaction:
        the next looks tell, and a limit of the node's passes.
        """
        tx = txs[-1]
        try:
            with translated(tx.label):
                self._eth.send_raw_transaction(tx.raw)
        except RpcRefused as error:
            answer = classify(error.node_message)
            if answer is Refusal.UNDERPRICED:
                return self._replace(txs)
            if answer is Refusal.NO_FUNDS:
                check_funds(self._eth, tx)
                raise
            if answer is Refusal.REFUSED:
                log.warning("%s: the node does not take 0x%s: %s", tx.label, tx.hash.hex(), error.node_message)
                # one that the node took before may be mined; this one is looked for all the same
                txs.insert(0, txs.pop())
                return error
            # The node has it, or the nonce is used or taken: the chain will show by which transaction.
        else:
            log.info("%s: sent 0x%s (nonce %d)", tx.label, tx.hash.hex(), tx.nonce)
        return None

    def _turned_away(self, txs: list[OutboxTx], refusal: RpcRefused) -> NoReturn:
        """End it as lost: its nonce is free for the next transaction."""
        with advisory(txs[-1].label):  # OutOfFunds, whatever message the node has for that
            check_funds(self._eth, txs[-1])
        self._give_up(txs, "the node does not take it")
        raise refusal

    def _replace(self, txs: list[OutboxTx], emptied: bool = False) -> RpcRefused | None:
        """Sign the newest again with higher fees, as far as the policy allows, and broadcast it. If asked to, or if the
        call would come too late, send an empty transaction in its place, because a call that reverts costs more.
        Returns the result of `_broadcast`."""
        old = txs[-1]
        late = old.deadline is not None and not self._is_empty(old) and self._looks.time() >= old.deadline
        if emptied or late:
            log.warning("%s: %s, calling it back", old.label, "too late" if late else "the contract would refuse it")
            old = replace(old, to=self.address, data=b"", label=f"call back: {old.label}")
        try:
            market = market_fees(self._eth, self._policy)
        except FeesTooHigh:
            market = None
        fees = bumped(self._policy, Fees(old.max_fee, old.tip), market)
        if fees is None:
            log.warning("%s: waiting, no more is bid than %g gwei a gas", old.label, old.max_fee / GWEI)
            return None
        try:
            tx = self._sign(replace(old, max_fee=fees.max_fee, tip=fees.tip), is_legacy(old))
        except SignerError as error:
            log.warning("%s: waiting, no replacement is signed: %s", old.label, error)
            return None
        self._journal.outbox_add(tx)
        log.info("%s: replacing 0x%s, up to %g gwei a gas", old.label, old.hash.hex(), fees.max_fee / GWEI)
        txs.append(tx)
        metrics.RETRIES.labels("transaction").inc()
        return self._broadcast(txs)

    # ---------------------------------------------------------------- outcomes

    def _mined(self, found: tuple[OutboxTx, TxReceipt], txs: list[OutboxTx]) -> tuple[OutboxTx, TxReceipt] | None:
        """The receipt; None if it belongs to an earlier call that was given up, and not to `txs`."""
        tx, receipt = found
        good, number = receipt["status"] == 1, receipt["blockNumber"]
        self._journal.outbox_close(tx.hash, "mined" if good else "reverted", number)
        log.log(
            logging.INFO if good else logging.WARNING,
            "%s: %s in block %d, %d gas",
            tx.label,
            "mined" if good else "reverted",
            number,
            gas_used(receipt),
        )
        metrics.GAS.inc(gas_used(receipt))
        metrics.FEES.inc(paid(receipt) / ETHER)
        return found if (tx.to, tx.data) in [(ours.to, ours.data) for ours in txs] else None

    def _give_up(self, txs: list[OutboxTx], why: str) -> None:
        log.info("%s: transaction of nonce %d is given up: %s", txs[-1].label, txs[-1].nonce, why)
        for tx in txs:
            self._journal.outbox_close(tx.hash, "lost")

    def _why(self, tx: OutboxTx, receipt: TxReceipt) -> ContractReverted:
        """The reason of a revert in a block, by running the call again on that block."""
        label = f"{tx.label} (transaction 0x{tx.hash.hex()})"
        if gas_used(receipt) >= tx.gas:
            return ContractReverted("Error", {"message": "out of gas"}, label)
        try:
            self._looks.run(replace(tx, label=label), receipt["blockNumber"])
        except ContractReverted as error:
            return error
        return ContractReverted("Error", {"message": "reverted in the block, and would not any more"}, label)
