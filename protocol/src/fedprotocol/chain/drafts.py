"""A transaction before it is signed: gas, fees, nonce, and whether its account can pay for it."""

from __future__ import annotations

from eth_typing import ChecksumAddress
from hexbytes import HexBytes
from web3 import Web3
from web3.contract.contract import ContractFunction
from web3.eth import Eth
from web3.types import Nonce, TxParams, Wei

from fedprotocol.chain.errors import OutOfFunds, translated
from fedprotocol.chain.fees import FeePolicy, market_fees
from fedprotocol.chain.gas import advisory, gas_for
from fedprotocol.journal import OutboxTx


def drafted(
    eth: Eth,
    policy: FeePolicy,
    sender: ChecksumAddress,
    chain_id: int,
    call: ContractFunction,
    label: str,
    deadline: int | None,
    gas_bound: int | None,
) -> OutboxTx:
    """The transaction of `call` without hash and signature. Arguments: those of `Sender.send`.

    Raises ContractReverted, OutOfFunds, FeesTooHigh, ChainUnreachable, RpcRefused.
    """
    built = call.build_transaction(
        {"from": sender, "gas": 0, "nonce": Nonce(0), "maxFeePerGas": Wei(0), "maxPriorityFeePerGas": Wei(0)}
    )
    request = TxParams({"from": sender, "to": built["to"], "data": built["data"]})
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
        to=str(built["to"]),
        data=bytes(HexBytes(built["data"])),
        gas=gas,
        max_fee=fees.max_fee,
        tip=fees.tip,
        raw=b"",
        deadline=deadline,
    )
    with advisory(label, gas_bound is not None):
        check_funds(eth, draft)
    return draft


def check_funds(eth: Eth, tx: OutboxTx) -> None:
    """Raises OutOfFunds, ChainUnreachable, RpcRefused."""
    with translated(tx.label):
        balance = eth.get_balance(Web3.to_checksum_address(tx.sender), "pending")
    if balance < tx.gas * tx.max_fee:
        raise OutOfFunds(tx.sender, tx.gas * tx.max_fee, balance)
