"""Another program that holds the key and answers `eth_signTransaction` and `eth_sign`: geth, Clef behind geth,
Web3Signer, anvil.
Everything that it sends back is checked."""

from __future__ import annotations

import json
from typing import Any

from eth_account import Account
from eth_account.datastructures import SignedTransaction
from eth_typing import ChecksumAddress
from hexbytes import HexBytes
from web3 import Web3

from fedprotocol.chain.account.message import signer_of
from fedprotocol.chain.account.signed import differing, form, signed_transaction
from fedprotocol.chain.endpoint.http import Endpoint, NoAnswer, TooLarge
from fedprotocol.chain.endpoint.rpc import parsed, public_name
from fedprotocol.chain.errors import SignerError

LARGEST = 2**20  # bytes of an answer
TIMEOUT = 60.0  # seconds for one signature: a person may have to agree


class RemoteSigner:
    """Asks the JSON-RPC endpoint `url` to sign for `address`. `timeout`: seconds for one answer."""

    def __init__(self, url: str, address: str, timeout: float = TIMEOUT) -> None:
        self._name = f"the signer {public_name(url)}"
        self._address = Web3.to_checksum_address(address)
        self._timeout = timeout
        self._endpoint = Endpoint(url)

    @classmethod
    def connect(cls, url: str, address: str, timeout: float = TIMEOUT) -> RemoteSigner:
        """Connect to a signer that says it holds the key of `address`. Raises SignerError."""
        signer = cls(url, address, timeout)
        accounts = signer._ask("eth_accounts")
        if not isinstance(accounts, list) or signer.address.lower() not in [str(a).lower() for a in accounts]:
            raise SignerError(f"{signer._name} holds no key of {signer.address}: check [account] address and signer")
        return signer

    @property
    def address(self) -> ChecksumAddress:
        return self._address

    def sign_transaction(self, transaction_dict: dict[str, Any]) -> SignedTransaction:
        shown = {
            key: Web3.to_hex(value if isinstance(value, int) else bytes(value))
            for key, value in transaction_dict.items()
        }
        answer = self._ask("eth_signTransaction", {"from": self.address, **shown})
        raw = answer.get("raw") if isinstance(answer, dict) else answer  # geth adds the fields it signed
        return self._verified(raw, transaction_dict)

    def sign_text(self, text: str) -> bytes:
        answer = self._ask("eth_sign", self.address, Web3.to_hex(text.encode()))
        try:
            signature = bytes(HexBytes(answer))
        except Exception as error:  # whatever it sent in place of hexadecimal digits
            raise SignerError(f"{self._name} sends no signature ({type(error).__name__})") from error
        if signer_of(text, signature) != self.address:
            raise SignerError(f"{self._name} did not sign the text with the key of {self.address}")
        return signature

    def _ask(self, method: str, *params: Any) -> Any:
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        try:
            answer = self._endpoint.post(body, LARGEST, self._timeout)
        except (NoAnswer, TooLarge) as error:
            raise SignerError(
                f"{self._name} does not answer within {self._timeout:g} s ({str(error) or 'too much'}): "
                "check that it runs and [account] signer"
            ) from error
        try:
            response = parsed(answer)
        except NoAnswer as error:
            raise SignerError(f"{self._name} sends no JSON-RPC answer ({error})") from error
        if "error" in response:
            raise SignerError(f"{self._name} refuses {method}: {response['error']['message']}")
        return response["result"]

    def _verified(self, raw: Any, asked: dict[str, Any]) -> SignedTransaction:
        """Return `raw` if it is the requested transaction, signed with the account's key."""
        try:
            data = HexBytes(raw)
            others, signed = differing(data, asked), signed_transaction(data, asked)
            sender = str(Account.recover_transaction(data))
        except Exception as error:  # the decoders let through any exception that a hostile byte causes
            raise SignerError(
                f"{self._name} sends no signed {form(asked)} transaction ({type(error).__name__})"
            ) from error
        if others:
            raise SignerError(f"{self._name} signed another transaction: {', '.join(others)} not as asked")
        if sender != self.address:
            raise SignerError(f"{self._name} signed with the key of {sender}, not of {self.address}")
        return signed
