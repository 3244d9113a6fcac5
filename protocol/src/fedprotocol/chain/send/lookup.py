"""What the chain's node shows about an account's transactions. Nothing is sent."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from eth_typing import ChecksumAddress
from hexbytes import HexBytes
from web3 import Web3
from web3.eth import Eth
from web3.exceptions import TransactionNotFound
from web3.types import BlockIdentifier, TxParams, TxReceipt

from fedprotocol.chain.errors import ContractReverted, translated
from fedprotocol.chain.send.receipts import is_in_block
from fedprotocol.journal import OutboxTx


class Looks:
    """Every method may raise: ChainUnreachable, WrongChain, RpcRefused."""

    def __init__(self, eth: Eth, account: ChecksumAddress) -> None:
        self._eth, self._account = eth, account

    def time(self) -> int:
        """The time of the pending block, in the chain's seconds; that of the newest block if the node does not show the
        pending one."""
        with translated("eth_getBlockByNumber"):
            return int(self._eth.get_block("pending")["timestamp"])

    def nonces_used(self) -> int:
        with translated("eth_getTransactionCount"):
            return self._eth.get_transaction_count(self._account, "latest")

    def receipt(self, txs: Iterable[OutboxTx]) -> tuple[OutboxTx, TxReceipt] | None:
        """The receipt of the newest of `txs` that is in a block."""
        for tx in reversed(list(txs)):
            with translated(tx.label), suppress(TransactionNotFound):
                receipt = self._eth.get_transaction_receipt(HexBytes(tx.hash))
                if is_in_block(receipt):
                    return tx, receipt
        return None

    def is_pending(self, txs: Iterable[OutboxTx]) -> bool:
        """Whether the node knows one of `txs`."""
        for tx in reversed(list(txs)):
            with translated(tx.label), suppress(TransactionNotFound):
                self._eth.get_transaction(HexBytes(tx.hash))
                return True
        return False

    def is_under(self, receipt: TxReceipt, depth: int) -> bool:
        """Whether this many blocks lie on top of the transaction's block."""
        if depth == 0:
            return True
        with translated("eth_blockNumber"):
            return self._eth.block_number - receipt["blockNumber"] >= depth

    def reverts(self, tx: OutboxTx) -> bool:
        """Whether the contract would refuse the transaction by now."""
        try:
            self.run(tx, "pending")
        except ContractReverted:
            return True
        return False

    def run(self, tx: OutboxTx, block: BlockIdentifier) -> None:
        """Run the call without sending it, on the state of `block`. Also raises ContractReverted."""
        request = TxParams({"from": self._account, "to": Web3.to_checksum_address(tx.to), "data": HexBytes(tx.data)})
        with translated(tx.label):
            self._eth.call(request, block)
