"""Signing an account's transactions: the interface, and its implementation with the key of a keystore."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from eth_account.datastructures import SignedTransaction
from eth_account.signers.local import LocalAccount
from eth_typing import ChecksumAddress
from web3 import Web3

from fedprotocol.chain.account import keys
from fedprotocol.chain.account.message import sign_text
from fedprotocol.chain.errors import ChainError
from fedprotocol.config import AccountConfig


class NoAccount(ChainError):
    """The config names no account that could sign."""

    needs_person = True


class Signer(Protocol):
    """Signs for one account. Code that has a Signer cannot read the key."""

    @property
    def address(self) -> ChecksumAddress: ...

    def sign_transaction(self, transaction_dict: dict[str, Any]) -> SignedTransaction:
        """Sign an EIP-1559 transaction whose fields are all given, by their names in web3.py: type, chainId, nonce, to,
        data, value, gas, maxFeePerGas, maxPriorityFeePerGas (ints and bytes). On a chain without base fees it is a
        legacy transaction (EIP-155), with gasPrice in place of the type and the two fees. Only `raw_transaction` and
        `hash` of the result are used.

        Raises SignerError.
        """

    def sign_text(self, text: str) -> bytes:
        """The signature of a text for people (`fedprotocol.chain.account.message`), 65 bytes. Raises SignerError."""


class KeystoreSigner:
    """Signs with the key of an encrypted keystore, which stays in memory."""

    def __init__(self, account: LocalAccount) -> None:
        self._account = account

    @classmethod
    def open(cls, keystore: Path, password_file: Path | None = None) -> KeystoreSigner:
        """Raises KeystoreError, PasswordError."""
        return cls(keys.load(keystore, keys.read_password(password_file)))

    @property
    def address(self) -> ChecksumAddress:
        return self._account.address

    def sign_transaction(self, transaction_dict: dict[str, Any]) -> SignedTransaction:
        return self._account.sign_transaction(transaction_dict)

    def sign_text(self, text: str) -> bytes:
        return sign_text(self._account, text)


def open_signer(account: AccountConfig) -> Signer:
    """The signer that `[account]` of the config names. Raises NoAccount, KeystoreError, PasswordError, SignerError."""
    if account.signer is not None and account.address is not None:
        from fedprotocol.chain.account.remote_signer import RemoteSigner

        return RemoteSigner.connect(account.signer, account.address)
    return KeystoreSigner.open(keystore_of(account), account.password_file)


def address_of(account: AccountConfig) -> ChecksumAddress:
    """The address of `[account]`, without asking a signer. Only a keystore that names no address needs its password for
    this.

    Raises NoAccount, KeystoreError, PasswordError.
    """
    if account.address is not None:
        return Web3.to_checksum_address(account.address)
    return address_in(keystore_of(account), account.password_file)


def address_in(keystore: Path, password_file: Path | None = None) -> ChecksumAddress:
    """The address of a keystore. Raises KeystoreError, PasswordError."""
    try:
        return keys.address_of(keystore)
    except keys.NamesNoAddress:
        return KeystoreSigner.open(keystore, password_file).address


def keystore_of(account: AccountConfig) -> Path:
    """Raises NoAccount."""
    if account.keystore is None:
        raise NoAccount(
            "the config names no account: set [account] keystore, or signer and address; to only watch, add --dry-run "
            "to `fednode run` or `fedaggregator watch`"
        )
    return account.keystore
