"""A transaction, its receipt and its block, as far as the pages show them. Addresses are checksummed, amounts are in
wei, times are the chain's, in seconds since 1970. What a node may leave out is None."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import ConfigDict

AS_JSON = ConfigDict(ser_json_bytes="hex", val_json_bytes="hex")


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One entry of a receipt's log, undecoded."""

    address: str
    topics: tuple[bytes, ...]
    data: bytes
    index: int | None  # in the block


@dataclass(frozen=True, slots=True)
class Receipt:
    """How a transaction ended. `extra_fee` is what a rollup takes besides, for its data on the chain below it.
    `logs` are those of the federation's contracts other than the coordinator, whose log the event index has;
    `left_out` of them are not here."""

    succeeded: bool | None
    gas_used: int | None
    gas_price: int | None
    extra_fee: int
    creates: str | None
    logs: tuple[LogEntry, ...]
    left_out: int

    @property
    def cost(self) -> int | None:
        """What the sender paid, in wei."""
        if self.gas_used is None or self.gas_price is None:
            return None
        return self.gas_used * self.gas_price + self.extra_fee


@dataclass(frozen=True, slots=True)
class Revert:
    """Why a transaction failed. `is_exact`: the node told what it returned; otherwise it is what the same call returned
    on the state before its block."""

    name: str
    text: str
    is_exact: bool


@dataclass(frozen=True, slots=True)
class Transaction:
    """One transaction. Without a receipt it is not in a block yet, and may never be."""

    hash: bytes
    sender: str
    to: str | None  # None: it makes a contract
    value: int
    nonce: int | None
    gas_limit: int | None
    input: bytes
    block: int | None = None
    block_hash: bytes | None = None
    position: int | None = None  # in the block, from 0
    receipt: Receipt | None = None
    revert: Revert | None = None

    __pydantic_config__ = AS_JSON


@dataclass(frozen=True, slots=True)
class Line:
    """A transaction of a block that calls one of the federation's contracts."""

    hash: bytes
    sender: str
    to: str
    position: int
    selector: bytes


@dataclass(frozen=True, slots=True)
class Header:
    """A block. `lines`: its transactions to the federation's contracts; None if there are too many
    transactions in it to be read."""

    number: int
    hash: bytes
    parent: bytes
    time: int
    fee_recipient: str | None
    gas_used: int | None
    gas_limit: int | None
    base_fee: int | None
    size: int | None
    transactions: int
    lines: tuple[Line, ...] | None

    __pydantic_config__ = AS_JSON
