"""The coordinator's events on disk: a program that runs for weeks reads every block only once, and re-orgs are
followed.

Logs of older blocks are requested in ranges. The last blocks are read one at a time, by their hash: then an endpoint
that lags behind, or has another block there, says so, while its answer about a range would silently lack what it has
not seen. Each block must be the child of the previous one. If it is not, the index goes back to the last block that the
chain still has.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from eth_typing import BlockNumber
from web3.types import BlockIdentifier, LogReceipt

from fedprotocol.chain.errors import ChainError, RpcRefused
from fedprotocol.chain.read.blocks import Block, read_block
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.event_table import DamagedIndex, EventTable
from fedprotocol.chain.read.events import BlockTimes, Event, first_round_block
from fedprotocol.chain.read.log_source import CoordinatorLog, LogSource

log = logging.getLogger(__name__)

NEAR = 64  # blocks below the head that are read by their hash: two epochs of Ethereum, which are final then
TRIES = 20  # looks in a row at a chain that changes with each
AT_ONCE = 64  # log entries in memory: a page of a proposal is 64 KiB

Told = Callable[[int, int], None]
"""Takes the numbers of the block that was read last and of the chain's newest."""


class EventIndex:
    """The events of one coordinator, kept in the file `path`, or in memory without a path. They begin with the block
    that `first_block` returns, which is called only once, when the index is new. Any number of threads and processes
    may share one file. With a `source`, the index is of that log instead.

    Errors of every method: EventIndexError, and those of `chunks`.
    """

    def __init__(
        self,
        coordinator: Coordinator,
        path: Path | None = None,
        first_block: Callable[[], int] = lambda: 0,
        source: LogSource | None = None,
    ) -> None:
        self.coordinator = coordinator
        self._source = source or CoordinatorLog(coordinator)
        self._path = path
        self._first_block = first_block
        self._times = BlockTimes(coordinator)
        self._lock = threading.RLock()
        self._table = EventTable(self._source.address, path, self._source.headline)
        self._is_ours = False
        self._reached = -1

    def close(self) -> None:
        with self._lock:
            self._table.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def sync(self, told: Told = lambda *_: None) -> int:
        """Read what is new, and return the newest block that was read. The caller decides which blocks are old enough
        to rely on. `told` is called on the way, often. Raises ChainError, too, if the chain changes again and again
        while it is read.
        """
        try:
            return self._sync(told)
        except DamagedIndex:
            return self._sync(told)

    def _sync(self, told: Told) -> int:
        with self._using():
            if not self._is_ours:
                self._check_identity()
            for _ in range(TRIES):
                latest = self._block("latest")
                if latest is not None and self._follow(latest, told):
                    self._reached = latest.number
                    return latest.number
            raise ChainError("the chain's last blocks change with every look: do the RPC endpoints disagree?")

    def events(
        self, names: Collection[str] = (), round_number: int | None = None, to_block: int | None = None
    ) -> list[Event]:
        """The events that were in the chain at the last `sync`, in the order of the log: all, or only those with one of
        `names`, of one round, in blocks up to `to_block`. Use `stream` if there may be very many."""
        return list(self.stream(names, round_number, to_block))

    def stream(
        self,
        names: Collection[str] = (),
        round_number: int | None = None,
        to_block: int | None = None,
        after: tuple[int, int] | None = None,
    ) -> Iterator[Event]:
        """The same events, but only a few of them are in memory at a time, because a page of a proposal holds 2,048
        digests. `after`: only those behind this block and index in the log."""
        for log, time in self._rows(names, round_number, to_block, after=after):
            yield self._source.decode(log, time)

    def has(self, event: Event) -> bool:
        """Whether the event was in the chain at the last `sync`: a re-org may have removed it, or moved it to another
        block."""
        return self.entry(event) is not None

    def entry(self, event: Event) -> LogReceipt | None:
        """The event as it stands on the chain, with topics and data; None if it was not there at the last `sync`."""
        with self._using():
            return self._table.entry(event.block_hash, event.tx_hash, event.log_index)

    def hash_of(self, block: int) -> bytes | None:
        """The hash of one of the last blocks that were read; None if it is not kept."""
        with self._using():
            return self._table.hash_of(block)

    def logs(self, names: Collection[str], round_number: int, account: str) -> Iterator[LogReceipt]:
        """The events with one of `names`, of one round, whose second indexed argument is `account`. Only a few are in
        memory at a time, and they are not decoded, because anybody may have put any number of them into the log."""
        for log, _ in self._rows(names, round_number, None, bytes(12) + bytes.fromhex(account.removeprefix("0x"))):
            yield log

    def _rows(
        self,
        names: Collection[str],
        round_number: int | None,
        to_block: int | None,
        second: bytes | None = None,
        after: tuple[int, int] | None = None,
    ) -> Iterator[tuple[LogReceipt, int]]:
        """Log entries, each with its block's time."""
        last = self._reached if to_block is None else min(to_block, self._reached)
        after = after or (-1, -1)
        while True:
            with self._using():
                found = self._table.entries(tuple(names), round_number, last, second, after, AT_ONCE)
            for entry, time in found:
                yield entry, time
                after = (entry["blockNumber"], entry["logIndex"])
            if len(found) < AT_ONCE:
                return

    # --------------------------------------------------------------- following

    def _follow(self, latest: Block, told: Told) -> bool:
        """Read up to `latest`. False if the chain changed meanwhile and has to be read again."""
        while (head := self._table.head()).number < latest.number:
            told(head.number, latest.number)
            is_far = head.number < latest.number - NEAR
            if not (self._read_far(head, latest, told) if is_far else self._read_near(head)):
                return False
        kept = self._table.hash_of(latest.number)
        if kept is None:  # the newest block is far behind what was read: the endpoint lags, or serves another chain
            self._check_identity()
            return self._table.head().number >= latest.number
        if kept == latest.hash:
            return True
        self._rewind(latest.number)
        return False

    def _read_near(self, head: Block) -> bool:
        """The next block."""
        block = self._block(BlockNumber(head.number + 1))
        if block is None or not self._is_child(block, head):
            return False
        try:
            logs = self._source.of_block(block.hash)
        except RpcRefused:
            if self._block(BlockNumber(block.number)) != block:
                return False
            raise
        self._table.append(head, block, [(entry, block.time) for entry in logs])
        return True

    def _read_far(self, head: Block, latest: Block, told: Told) -> bool:
        """The next blocks up to those near `latest`, in chunks."""
        for end, logs in self._source.chunks(head.number + 1, latest.number - NEAR):
            first, block = self._block(BlockNumber(head.number + 1)), self._block(BlockNumber(end))
            if first is None or block is None or not self._is_child(first, head):
                return False
            if any(bytes(entry["blockHash"]) != block.hash for entry in logs if entry["blockNumber"] == end):
                return False
            timed = []
            for entry in logs:
                told(entry["blockNumber"], latest.number)
                timed.append((entry, self._times.of_entry(entry, first.time, block.time)))
            if not self._table.append(head, block, timed):
                return True  # another process has read further
            head = block
        return True

    def _is_child(self, block: Block, head: Block) -> bool:
        """Whether `block` follows the block that was read last. If not, that block is no longer in the chain, and its
        events are removed."""
        if block.parent == head.hash or not head.hash:
            return True
        self._rewind(head.number)
        return False

    def _rewind(self, number: int) -> None:
        """Find the newest block up to `number` that the chain still has, and forget everything after it."""
        for kept, kept_hash in self._table.down_from(number):
            block = self._block(BlockNumber(kept))
            if block is not None and block.hash == kept_hash:
                log.info("a re-org: reading the events after block %d again", kept)
                self._table.forget_after(kept)
                return
        log.warning("no block that was read is in the chain any more: reading all events again")
        self._table.forget_after(None)
        self._check_identity()

    def _check_identity(self) -> None:
        """Make this the index of this chain and coordinator. Events of another coordinator, or of a development chain
        before it was started again, are forgotten."""
        genesis = self._block(BlockNumber(0))
        if genesis is None:
            raise ChainError("the RPC endpoint has no block 0")
        mine = (self.coordinator.chain_id, self._source.identity, genesis.hash)
        known = self._table.identity()
        if known != mine:
            if known is not None:
                log.warning("the events in %s are of another chain or coordinator: reading anew", self._path)
            self._table.begin(mine, self._first_block())
        self._is_ours = True

    def _block(self, which: BlockIdentifier) -> Block | None:
        return read_block(self.coordinator.web3, which)

    @contextmanager
    def _using(self) -> Iterator[None]:
        with self._lock:
            try:
                with self._table.in_use():
                    yield
            except DamagedIndex:
                self._is_ours, self._reached = False, -1
                raise


def index_at(coordinator: Coordinator, path: Path) -> EventIndex:
    """The index that a daemon and its commands share. It begins with round 1."""
    return EventIndex(coordinator, path, lambda: first_round_block(coordinator))
