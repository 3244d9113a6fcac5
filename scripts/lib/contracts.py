"""Deploying contracts that brownie compiled, without brownie's own records of them, which break every later run once a
development chain has been started again. The records are in `deployments/`."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import Any

from brownie.network.contract import ContractContainer
from fedprotocol.chain.errors import translated
from fedprotocol.chain.read import peer_directory
from fedprotocol.chain.read.creation import DEPLOYER, DEPLOYER_COST, DEPLOYER_MAKER, DEPLOYER_TRANSACTION, made_at
from fedprotocol.chain.send.receipts import gas_used
from web3.exceptions import Web3Exception

from scripts.lib.network import ScriptError
from scripts.lib.purse import Purse


@dataclass(frozen=True)
class _Making:
    """A call of the deployer, which has no ABI. It has the parts of a ContractFunction that the sender needs."""

    data: bytes
    address: str = DEPLOYER

    def _encode_transaction_data(self) -> str:
        return "0x" + self.data.hex()


def establish(
    container: ContractContainer, sender: Purse, *args: Any, confirmed: bool = False
) -> tuple[str, str | None]:
    """Deploy a contract at an address that shows what made it, so that programs recognise it
    (`fedprotocol.chain.read.creation`). A contract without arguments serves every federation of the chain and is only
    deployed if it does not exist yet. Returns its address and the transaction's hash, or None if no transaction was
    needed.

    Args:
        confirmed: wait until the chain has confirmed this transaction and all earlier ones.
    """
    code = bytes.fromhex(container.deploy.encode_input(*args).removeprefix("0x"))
    web3, name = sender.web3, container._name
    print(f"{name}: ", end="", flush=True)
    for salt in count():
        address = made_at(salt, code)
        if not web3.eth.get_code(address):
            break
        if not args:
            print(f"{address} (it is there already)")
            return address, None
    with translated(name):  # the deployer does not pass on why a constructor reverted
        sender.web3.eth.call({"from": sender.address, "data": "0x" + code.hex()})
    return address, _make(salt, code, address, name, sender, confirmed)


def establish_peer_directory(sender: Purse) -> None:
    """Where participants announce where they serve their content: one for all federations of the chain, and its
    address follows from the code that these programs ship."""
    print("PeerDirectory: ", end="", flush=True)
    if sender.web3.eth.get_code(peer_directory.ADDRESS):
        print(f"{peer_directory.ADDRESS} (it is there already)")
    else:
        _make(0, peer_directory.creation_code(), peer_directory.ADDRESS, "PeerDirectory", sender)


def _make(salt: int, code: bytes, address: str, name: str, sender: Purse, confirmed: bool = False) -> str:
    """Have the deployer make it; returns the transaction's hash."""
    web3 = sender.web3
    _ensure_deployer(sender)
    making = _Making(salt.to_bytes(32, "big") + code)
    receipt = sender.send(making, f"deploy {name}", confirmed=confirmed)
    transaction = str(web3.to_hex(receipt["transactionHash"]))
    if not web3.eth.get_code(web3.to_checksum_address(address)):
        raise ScriptError(f"{name}: transaction {transaction} went well and there is nothing at {address}")
    print(f"{address} ({gas_used(receipt):,} gas, transaction {transaction})")
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
        raise ScriptError(
            f"there is no deployer at {DEPLOYER} on this chain, and its node does not take the transaction that makes "
            f"it: {error}. It is valid on every chain and so names none: geth takes it with "
            "--rpc.allow-unprotected-txs"
        ) from error
    if not web3.eth.get_code(DEPLOYER):
        raise ScriptError(f"the transaction that makes the deployer at {DEPLOYER} failed on this chain")
