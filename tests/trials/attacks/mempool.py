"""The pool as anybody with a node sees it: what waits there, transactions put in front of it, and what came of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from eth_typing import HexStr
from eth_utils.abi import function_abi_to_4byte_selector
from support.evm import Anvil, compiled
from web3 import Web3
from web3.types import TxReceipt

from attacks.actors import Actor

CONTRACTS = ("FederationCoordinator", "Disputes", "DemoToken")
NO_REASON = "no reason"
PATIENCE = 30.0  # seconds
GWEI = 10**9
DEAREST = 200 * GWEI  # a gas: anvil orders a block by this bound, and no honest program goes so far


@dataclass(frozen=True)
class Transaction:
    """A call that is signed and sent. Fees: wei a gas."""

    hash: str
    sender: str
    to: str
    data: bytes
    gas: int
    max_fee: int

    @classmethod
    def of(cls, found: dict[str, Any]) -> Transaction:
        """From a node's JSON."""
        data = bytes.fromhex(found["input"].removeprefix("0x"))
        numbers = (int(found[key], 16) for key in ("gas", "maxFeePerGas"))
        return cls(found["hash"], *map(Web3.to_checksum_address, (found["from"], found["to"])), data, *numbers)


def waiting(chain: Anvil, sender: str) -> list[Transaction]:
    """What `sender` has in the pool, by nonce."""
    by_sender = {account.lower(): found for account, found in chain.rpc("txpool_content")["pending"].items()}
    by_nonce = by_sender.get(sender.lower(), {})
    return [Transaction.of(by_nonce[nonce]) for nonce in sorted(by_nonce, key=lambda nonce: int(nonce, 0))]


def mined(chain: Anvil, sender: str, to: str, first_block: int) -> list[Transaction]:
    """What `sender` called `to` with in the blocks since `first_block`."""
    blocks = range(first_block, chain.web3.eth.block_number + 1)
    found = [tx for n in blocks for tx in chain.rpc("eth_getBlockByNumber", hex(n), True)["transactions"]]
    return [Transaction.of(tx) for tx in found if (tx["from"].lower(), (tx["to"] or "").lower()) == _lower(sender, to)]


def push(actor: Actor, to: str, data: bytes, gas: int, max_fee: int = 100 * GWEI) -> str:
    """Sign and send a call, whether or not it would succeed; returns its hash, and waits for nothing."""
    eth = actor.coordinator.web3.eth
    signed = actor.account.sign_transaction(
        {
            "type": 2,
            "chainId": actor.coordinator.chain_id,
            "nonce": eth.get_transaction_count(actor.account.address, "pending"),
            "to": Web3.to_checksum_address(to),
            "data": data,
            "value": 0,
            "gas": gas,
            "maxFeePerGas": max_fee,
            "maxPriorityFeePerGas": GWEI,
        }
    )
    return eth.send_raw_transaction(signed.raw_transaction).to_0x_hex()


def outrun(actor: Actor, other: Transaction) -> str:
    """Send the same call as `other`, to be mined before it."""
    return push(actor, other.to, other.data, other.gas, DEAREST)


def refusal(chain: Anvil, tx_hash: str) -> str:
    """Name of the error that a transaction, once mined, reverted with, as the node traced it; empty if it did not.

    NO_REASON if it gave none, the data in hex if it is no error of these contracts.
    """
    if receipt(chain, tx_hash)["status"]:
        return ""
    trace = chain.rpc("debug_traceTransaction", tx_hash, {"tracer": "callTracer"})
    answer = bytes.fromhex(trace.get("output", "0x")[2:])
    return _errors().get(answer[:4], answer.hex() or NO_REASON)


def place(chain: Anvil, tx_hash: str) -> tuple[int, int]:
    """Block and index of a transaction, once it is mined."""
    mined_at = receipt(chain, tx_hash)
    return mined_at["blockNumber"], mined_at["transactionIndex"]


def receipt(chain: Anvil, tx_hash: str) -> TxReceipt:
    """Raises TimeExhausted if it is not mined soon."""
    return chain.web3.eth.wait_for_transaction_receipt(HexStr(tx_hash), PATIENCE, 0.02)


def _lower(*addresses: str) -> tuple[str, ...]:
    return tuple(address.lower() for address in addresses)


@cache
def _errors() -> dict[bytes, str]:
    """Names by selector; unlike the shipped ABIs, the compiled ones have those of libraries."""
    entries = [e for name in CONTRACTS for e in compiled(name)["abi"] if e["type"] == "error"]
    return {function_abi_to_4byte_selector(entry): entry["name"] for entry in entries}
