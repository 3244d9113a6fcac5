"""A program elsewhere that holds the key: geth, Clef behind it, Web3Signer, anvil; whatever answers
`eth_signTransaction`. What it sends back is believed only as far as it can be checked."""

from __future__ import annotations

from typing import Any

from eth_account import Account
from eth_account.datastructures import SignedTransaction
from eth_account.typed_transactions.dynamic_fee_transaction import DynamicFeeTransaction
from eth_typing import ChecksumAddress
from eth_utils.crypto import keccak
from hexbytes import HexBytes
from requests.exceptions import RequestException
from web3 import HTTPProvider, Web3
from web3.types import RPCEndpoint

from fedprotocol import outgoing
from fedprotocol.chain.errors import SignerError
from fedprotocol.chain.rpc import public_name

TIMEOUT = 60.0  # seconds for one signature: a person may have to agree


class RemoteSigner:
    """Asks the JSON-RPC endpoint `url` to sign for `address`. `timeout`: seconds for one answer."""

    def __init__(self, url: str, address: str, timeout: float = TIMEOUT) -> None:
        self._name = f"the signer {public_name(url)}"
        self._address = Web3.to_checksum_address(address)
        self._timeout = timeout
        self._through = outgoing.through(url)
        options = {"timeout": timeout, "proxies": outgoing.proxies(url), "verify": outgoing.verify(url)}
        self._provider = HTTPProvider(url, request_kwargs=options, exception_retry_configuration=None)

    @classmethod
    def connect(cls, url: str, address: str, timeout: float = TIMEOUT) -> RemoteSigner:
        """One that says it holds the key of `address`. Raises SignerError."""
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

    def _ask(self, method: str, *params: Any) -> Any:
        try:
            response = self._provider.make_request(RPCEndpoint(method), list(params))
        except RequestException as error:
            raise SignerError(
                f"{self._name} does not answer within {self._timeout:g} s{self._through} ({type(error).__name__}): "
                "check that it runs and [account] signer"
            ) from error
        except Exception as error:  # what is no JSON-RPC answer comes as many kinds
            raise SignerError(
                f"{self._name} sends no JSON-RPC answer{self._through} ({type(error).__name__})"
            ) from error
        problem = response.get("error")
        if problem or "result" not in response:
            words = problem.get("message", problem) if isinstance(problem, dict) else problem
            raise SignerError(f"{self._name} refuses {method}: {words}")
        return response["result"]

    def _verified(self, raw: Any, asked: dict[str, Any]) -> SignedTransaction:
        """`raw` if it is the asked transaction, signed by the account's key."""
        try:
            data = HexBytes(raw)
            signed = DynamicFeeTransaction.from_bytes(data)
            sender = str(Account.recover_transaction(data))
        except Exception as error:  # the decoders let through whatever a hostile byte causes
            raise SignerError(f"{self._name} sends no signed EIP-1559 transaction ({type(error).__name__})") from error
        wanted = DynamicFeeTransaction.from_dict(asked)
        if signed.hash() != wanted.hash():
            expected, given = wanted.as_dict(), signed.as_dict()
            others = [name for name in asked if given[name] != expected[name]] or ["accessList"]
            raise SignerError(f"{self._name} signed another transaction: {', '.join(others)} not as asked")
        if sender != self.address:
            raise SignerError(f"{self._name} signed with the key of {sender}, not of {self.address}")
        v, r, s = signed.vrs()
        return SignedTransaction(raw_transaction=data, hash=HexBytes(keccak(data)), r=r, s=s, v=v)
