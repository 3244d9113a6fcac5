"""Deploying contracts at addresses that show what made them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import Any

from fedprotocol.chain.errors import translated
from fedprotocol.chain.read import peer_directory
from fedprotocol.chain.read.creation import DEPLOYER, DEPLOYER_COST, DEPLOYER_MAKER, DEPLOYER_TRANSACTION, made_at
from fedprotocol.chain.send.receipts import gas_used
from fedprotocol.deployment.contract_code import ContractCode
from fedprotocol.program.terminal import say
from web3.exceptions import Web3Exception

from fednode.federation.network import SponsorError
from fednode.federation.purse import Purse


@dataclass(frozen=True)
class _Making:
    """A call of the deployer, which has no ABI. It has the parts of a ContractFunction that the sender needs."""

    data: bytes
    address: str = DEPLOYER

    def _encode_transaction_data(self) -> str:
        return "0x" + self.data.hex()


def establish(contract: ContractCode, sender: Purse, *args: Any) -> tuple[str, str | None]:
    """Deploy a contract, unless it has no arguments and is there already: then it serves every federation of the chain.

    Returns its address and the transaction's hash, or None if no transaction was needed.
    """
    shared = made_at(0, contract.creation)
    if not args and sender.web3.eth.get_code(shared):
        say(f"{contract.name}: {shared} (it is there already)")
        return shared, None
    return make(contract, sender, *args)


def make(contract: ContractCode, sender: Purse, *args: Any, confirmed: bool = False) -> tuple[str, str]:
    """Deploy a contract at an address that shows what made it, so that programs recognise it
    (`fedprotocol.chain.read.creation`). Returns its address and the transaction's hash.

    Args:
        confirmed: wait until the chain has confirmed this transaction and all earlier ones.
    """
    code, web3 = contract.init_code(*args), sender.web3
    salt, address = next((salt, address) for salt in count() if not web3.eth.get_code(address := made_at(salt, code)))
    with translated(contract.name):  # the deployer does not pass on why a constructor reverted
        web3.eth.call({"from": sender.address, "data": code})
    return address, _make(salt, code, address, contract.name, sender, confirmed)


def establish_peer_directory(sender: Purse) -> None:
    """Where participants announce where they serve their content: one for all federations of the chain, and its
    address follows from the code that these programs ship."""
    if sender.web3.eth.get_code(peer_directory.ADDRESS):
        say(f"PeerDirectory: {peer_directory.ADDRESS} (it is there already)")
    else:
        _make(0, peer_directory.creation_code(), peer_directory.ADDRESS, "PeerDirectory", sender)


def _make(salt: int, code: bytes, address: str, name: str, sender: Purse, confirmed: bool = False) -> str:
    """Have the deployer make it; returns the transaction's hash."""
    web3 = sender.web3
    _ensure_deployer(sender)
    say(f"{name}: being deployed")
    making = _Making(salt.to_bytes(32, "big") + code)
    receipt = sender.send(making, f"deploy {name}", confirmed=confirmed)  # type: ignore[arg-type]
    transaction = str(web3.to_hex(receipt["transactionHash"]))
    if not web3.eth.get_code(web3.to_checksum_address(address)):
        raise SponsorError(f"{name}: transaction {transaction} went well and there is nothing at {address}")
    say(f"{name}: {address} ({gas_used(receipt):,} gas, transaction {transaction})")
    return transaction


def _ensure_deployer(sender: Purse) -> None:
    """Deploy the deployer itself if the chain does not have it; most have."""
    web3 = sender.web3
    if web3.eth.get_code(DEPLOYER):
        return
    missing = DEPLOYER_COST - web3.eth.get_balance(DEPLOYER_MAKER)
    if missing > 0:
        sender.give(DEPLOYER_MAKER, missing)
    try:
        web3.eth.wait_for_transaction_receipt(web3.eth.send_raw_transaction(DEPLOYER_TRANSACTION))
    except Web3Exception as error:
        raise SponsorError(
            f"there is no deployer at {DEPLOYER} on this chain, and its node does not take the transaction that makes "
            f"it: {error}. It is valid on every chain and so names none: geth takes it with "
            "--rpc.allow-unprotected-txs"
        ) from error
    if not web3.eth.get_code(DEPLOYER):
        raise SponsorError(f"the transaction that makes the deployer at {DEPLOYER} failed on this chain")
