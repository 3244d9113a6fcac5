"""The token's transfers to and from the coordinator, kept up to date."""

from __future__ import annotations

from pathlib import Path

from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.event_index import EventIndex
from fedprotocol.chain.read.events import Event
from fedprotocol.chain.read.transfers import TRANSFER, TransferLog

from fedexplorer.follow.first_block import first_block
from fedexplorer.history.equation import Transfer


class TransferFollower:
    """Reads them into an index in the file `path`, or in memory without a path. What the coordinator's address was
    sent before the coordinator was created is not seen.

    Errors: those of EventIndex.
    """

    def __init__(self, coordinator: Coordinator, path: Path | None = None) -> None:
        token = coordinator.config().token
        self._source = TransferLog(coordinator.web3, token, coordinator.address)
        self._index = EventIndex(coordinator, path, lambda: first_block(coordinator), self._source)
        self._known: list[tuple[Event, Transfer | None]] = []

    def close(self) -> None:
        self._index.close()

    def look(self) -> int:
        """Read what is new, and return the newest block that was read."""
        reached = self._index.sync()
        while self._known and not self._index.has(self._known[-1][0]):
            self._known.pop()
        last = self._known[-1][0] if self._known else None
        for event in self._index.stream(after=(last.block, last.log_index) if last else None):
            if event.name != TRANSFER:
                self._known.append((event, None))
            elif event.args["value"]:
                self._known.append((event, _transfer(event, self._source.account)))
        return reached

    def hash_of(self, block: int) -> bytes | None:
        """The hash of one of the last blocks that were read; None if it is not kept."""
        return self._index.hash_of(block)

    def up_to(self, block: int) -> tuple[tuple[Transfer, ...], int]:
        """The transfers of more than nothing in the blocks up to `block`, in the order of the log; and how many entries
        look like transfers, but do not have the form that ERC-20 gives them."""
        known = [transfer for event, transfer in self._known if event.block <= block]
        transfers = tuple(transfer for transfer in known if transfer is not None)
        return transfers, len(known) - len(transfers)


def _transfer(event: Event, coordinator: str) -> Transfer:
    source, target, value = event.args["from"], event.args["to"], event.args["value"]
    is_in = target == coordinator
    return Transfer(
        block=event.block,
        block_hash=event.block_hash,
        tx=event.tx_hash,
        log_index=event.log_index,
        time=event.time,
        peer=source if is_in else target,
        amount=value if is_in else -value,
    )
