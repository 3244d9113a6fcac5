"""Where the entries of an event index come from: one contract's log, or a part of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from web3.types import LogReceipt

from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.events import Event, chunks, decode, headline, logs_of_block


class LogSource(Protocol):
    """A part of the log. Errors of every method that asks the node: those of `in_ranges`."""

    @property
    def address(self) -> str:
        """The contract that wrote it, checksummed."""

    @property
    def identity(self) -> str:
        """What tells this part from any other of the same chain."""

    def chunks(self, from_block: int, to_block: int) -> Iterator[tuple[int, list[LogReceipt]]]:
        """The entries in these blocks, in pieces, each with its last block."""

    def of_block(self, block_hash: bytes) -> list[LogReceipt]:
        """The entries in one block. Raises RpcRefused if the node does not have that very block."""

    def headline(self, log: LogReceipt) -> tuple[str, int | None]:
        """The name and the round of an entry. Raises ChainError if it is none of this log."""

    def decode(self, log: LogReceipt, time: int) -> Event:
        """An entry in a block of `time`. Raises ChainError if it cannot be decoded."""


class CoordinatorLog:
    """All events of a coordinator."""

    def __init__(self, coordinator: Coordinator) -> None:
        self._coordinator = coordinator
        self.address = self.identity = str(coordinator.address)

    def chunks(self, from_block: int, to_block: int) -> Iterator[tuple[int, list[LogReceipt]]]:
        return chunks(self._coordinator, from_block, to_block)

    def of_block(self, block_hash: bytes) -> list[LogReceipt]:
        return logs_of_block(self._coordinator, block_hash)

    def headline(self, log: LogReceipt) -> tuple[str, int | None]:
        return headline(log)

    def decode(self, log: LogReceipt, time: int) -> Event:
        return decode(log, time)
