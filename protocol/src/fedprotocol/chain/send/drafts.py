"""A transaction before it is signed: gas, fees, nonce, its form, and whether its account can pay for it."""

from __future__ import annotations

from typing import Any

from eth_typing import ChecksumAddress
from hexbytes import HexBytes
from web3 import Web3
from web3.contract.contract import ContractFunction
from web3.eth import Eth
from web3.types import TxParams

from fedprotocol.chain.errors import OutOfFunds, translated
from fedprotocol.chain.send.fees import FeePolicy, Fees, market_fees
from fedprotocol.chain.send.gas import advisory, gas_for
from fedprotocol.journal import OutboxTx

RLP_LIST = 0xC0  # the smallest first byte of an RLP list


def drafted(
    eth: Eth,
    policy: FeePolicy,
    sender: ChecksumAddress,
    chain_id: int,
    call: ContractFunction,
    label: str,
    deadline: int | None,
    gas_bound: int | None,
) -> tuple[OutboxTx, bool]:
    """The transaction of `call` without hash and signature, and whether it must be signed in the legacy form.
    Arguments: those of `Sender.send`.

    Raises ContractReverted, OutOfFunds, FeesTooHigh, ChainUnreachable, RpcRefused.
    """
    data = HexBytes(call._encode_transaction_data())
    request = TxParams({"from": sender, "to": call.address, "data": data})
    gas = gas_for(eth, request, label, gas_bound)
    with translated(label):
        nonce = eth.get_transaction_count(sender, "pending")
    fees = market_fees(eth, policy)
    draft = OutboxTx(
        hash=b"",
        chain_id=chain_id,
        sender=sender,
        nonce=nonce,
        label=label,
        to=call.address,
        data=bytes(data),
        gas=gas,
        max_fee=fees.max_fee,
        tip=fees.tip,
        raw=b"",
        deadline=deadline,
    )
    with advisory(label, gas_bound is not None):
        check_funds(eth, draft)
    return draft, fees.legacy


def unsigned(tx: OutboxTx, legacy: bool) -> dict[str, Any]:
    """The fields that a Signer needs."""
    fields = {"chainId": tx.chain_id, "nonce": tx.nonce, "to": HexBytes(tx.to), "data": tx.data, "value": 0}
    return fields | {"gas": tx.gas} | Fees(tx.max_fee, tx.tip, legacy).fields()


def is_legacy(tx: OutboxTx) -> bool:
    """Whether a signed transaction has the form from before EIP-2718: which is an RLP list with no type before it."""
    return tx.raw[0] >= RLP_LIST


def check_funds(eth: Eth, tx: OutboxTx) -> None:
    """Raises OutOfFunds, ChainUnreachable, RpcRefused."""
    with translated(tx.label):
        balance = eth.get_balance(Web3.to_checksum_address(tx.sender), "pending")
    if balance < tx.gas * tx.max_fee:
        raise OutOfFunds(tx.sender, tx.gas * tx.max_fee, balance)
