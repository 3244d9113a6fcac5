"""The account from which a sponsor sends. Unlike a node's, it also gives ether away."""

from __future__ import annotations

from eth_typing import ChecksumAddress
from fedprotocol.chain.account.signer import Signer
from fedprotocol.chain.errors import ContractReverted, translated
from fedprotocol.chain.send.fees import FeePolicy, market_fees
from fedprotocol.chain.send.sender import Sender
from fedprotocol.journal import Journal
from web3 import Web3
from web3.types import Wei

WAIT = 900.0  # seconds to wait for a block with the gift


class Purse(Sender):
    """See `Sender`. Gifts of ether are not written to the journal: they are small, and giving twice does no harm."""

    def __init__(self, web3: Web3, signer: Signer, journal: Journal, fees: FeePolicy) -> None:
        super().__init__(web3, signer, journal, fees)
        self.web3, self._giver, self._fees = web3, signer, fees

    def give(self, to: ChecksumAddress, wei: int) -> None:
        """Send `wei` to `to`. Raises ContractReverted, ChainUnreachable, RpcRefused, FeesTooHigh, SignerError."""
        self.resume()
        eth, label = self.web3.eth, f"ether for {to}"
        bid = market_fees(eth, self._fees)
        fields = {"to": bytes.fromhex(to[2:]), "data": b"", "value": wei, **bid.fields()}
        with translated(label):
            fields["chainId"] = eth.chain_id
            fields["nonce"] = eth.get_transaction_count(self.address, "pending")
            fields["gas"] = eth.estimate_gas({"from": self.address, "to": to, "value": Wei(wei)})
        signed = self._giver.sign_transaction(fields)
        with translated(label):
            receipt = eth.wait_for_transaction_receipt(eth.send_raw_transaction(signed.raw_transaction), WAIT)
            is_good = receipt["status"] == 1
        if not is_good:
            raise ContractReverted("Error", {"message": "it takes no ether"}, label)
