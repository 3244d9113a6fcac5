"""Contracts as brownie objects, without brownie's own records of them: those turn against every later run once a
development chain has been started anew. `deployments/` is the record."""

from __future__ import annotations

from itertools import count
from typing import Any

from brownie import Contract, web3
from brownie.network.contract import ContractContainer
from fedprotocol.chain.abi import load
from fedprotocol.chain.creation import DEPLOYER, DEPLOYER_COST, DEPLOYER_MAKER, DEPLOYER_TRANSACTION, made_at
from fedprotocol.chain.errors import translated
from web3.exceptions import Web3Exception

from scripts.lib.network import ScriptError


def create(container: ContractContainer, account: Any, *args: Any) -> tuple[str, str]:
    """Deploy an instance; its address and the transaction's hash."""
    print(f"{container._name}: ", end="", flush=True)
    receipt = account.transfer(data=container.deploy.encode_input(*args), silent=True)
    if receipt.status != 1 or not receipt.contract_address:
        raise ScriptError(f"{container._name} could not be deployed: transaction {receipt.txid} failed")
    print(f"{receipt.contract_address} ({receipt.gas_used:,} gas, transaction {receipt.txid})")
    return str(receipt.contract_address), str(receipt.txid)


def establish(container: ContractContainer, account: Any, *args: Any) -> tuple[str, str | None]:
    """An instance whose address says what made it, so that programs know it (`fedprotocol.chain.creation`).

    One without arguments serves every federation of the chain and is only deployed if it is not there yet. Returns its
    address and the transaction's hash, None if there was none.
    """
    code = bytes.fromhex(container.deploy.encode_input(*args).removeprefix("0x"))
    print(f"{container._name}: ", end="", flush=True)
    for salt in count():
        address = made_at(salt, code)
        if not web3.eth.get_code(address):
            break
        if not args:
            print(f"{address} (it is there already)")
            return address, None
    with translated(container._name):  # the deployer has no words for what a constructor refuses
        web3.eth.call({"from": account.address, "data": "0x" + code.hex()})
    _ensure_deployer(account)
    receipt = account.transfer(DEPLOYER, data="0x" + (salt.to_bytes(32, "big") + code).hex(), silent=True)
    if receipt.status != 1:
        raise ScriptError(f"{container._name} could not be deployed: transaction {receipt.txid} failed")
    if not web3.eth.get_code(address):
        raise ScriptError(f"{container._name}: transaction {receipt.txid} went well and there is nothing at {address}")
    print(f"{address} ({receipt.gas_used:,} gas, transaction {receipt.txid})")
    return address, str(receipt.txid)


def _ensure_deployer(account: Any) -> None:
    """Most chains have it."""
    if web3.eth.get_code(DEPLOYER):
        return
    missing = DEPLOYER_COST - web3.eth.get_balance(DEPLOYER_MAKER)
    if missing > 0:
        account.transfer(DEPLOYER_MAKER, missing, silent=True)
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


def bound(address: str, abi: str | list[Any]) -> Contract:
    """The contract at `address` with an ABI, or with one that fedprotocol ships by name."""
    return Contract.from_abi("contract", address, load(abi) if isinstance(abi, str) else abi, persist=False)
