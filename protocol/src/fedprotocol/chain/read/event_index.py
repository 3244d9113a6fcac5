"""The coordinator's events on disk: a program that runs for weeks reads every block once, and re-orgs are followed.

Far below the head logs are asked for by ranges. The last blocks are read one at a time, by their hash: an endpoint
that lags behind, or has another block there, says so where a range would silently lack what it has not seen. Each
block must be the child of the one before; if it is not, the index goes back to the last block that the chain still has.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Self

from eth_typing import BlockNumber
from hexbytes import HexBytes
from web3.exceptions import BlockNotFound
from web3.types import BlockIdentifier, LogReceipt

from fedprotocol.chain.errors import ChainError, RpcRefused, translated
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.event_schema import connect
from fedprotocol.chain.read.events import BlockTimes, Event, chunks, decode, first_round_block, headline, logs_of_block
from fedprotocol.errors import FedError
from fedprotocol.files.sqlite_errors import describe_database_error
from fedprotocol.foreign_errors import in_a_line

log = logging.getLogger(__name__)

NEAR = 64  # blocks below the head that are read by their hash: two epochs of Ethereum, which are final then
KEPT = 256  # block hashes: a re-org that replaces them all has everything read anew
TRIES = 20  # looks in a row at a chain that changes with each
TOPIC_BYTES = 32
AT_ONCE = 64  # rows in memory: a page of a proposal is 64 KiB


class EventIndexError(FedError):
    """The index file cannot be used."""


class _Damaged(EventIndexError):
    """The file was no index, and is gone."""


class Block(NamedTuple):
    """A block on the chain; `hash` is empty for the one before the first that is read."""

    number: int
    hash: bytes
    parent: bytes = b""
    time: int = 0


class EventIndex:
    """The events of one coordinator from `first_block` on (a function: asked once, when the index is new) in `path`,
    or in memory if there is none. Any number of threads and processes may share one file.

    Errors of every method: EventIndexError, and those of `chunks`.
    """

    def __init__(
        self, coordinator: Coordinator, path: Path | None = None, first_block: Callable[[], int] = lambda: 0
    ) -> None:
        self.coordinator = coordinator
        self._path = path
        self._first_block = first_block
        self._times = BlockTimes(coordinator)
        self._lock = threading.RLock()
        self._open: sqlite3.Connection | None = None
        self._is_ours = False
        self._reached = -1

    def close(self) -> None:
        with self._lock:
            if self._open is not None:
                self._open.close()
                self._open = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def sync(self) -> int:
        """Read what is new; returns the newest block that is in. What lies under enough blocks the caller decides.

        Raises ChainError too: the chain is another one with every look.
        """
        try:
            return self._sync()
        except _Damaged:
            return self._sync()

    def _sync(self) -> int:
        with self._lock, self._wrapped():
            if not self._is_ours:
                self._check_identity()
            for _ in range(TRIES):
                latest = self._block("latest")
                if latest is not None and self._follow(latest):
                    self._reached = latest.number
                    return latest.number
            raise ChainError("the chain's last blocks change with every look: do the RPC endpoints disagree?")

    def events(
        self, names: Collection[str] = (), round_number: int | None = None, to_block: int | None = None
    ) -> list[Event]:
        """What was in the chain when `sync` looked last, in order of the log: all, or those called one of `names`, of
        one round, in blocks up to `to_block`. What may be of any size is better had by `stream`."""
        return list(self.stream(names, round_number, to_block))

    def stream(
        self, names: Collection[str] = (), round_number: int | None = None, to_block: int | None = None
    ) -> Iterator[Event]:
        """The same, a few at a time in memory: a page of a proposal holds 2,048 digests."""
        codec = self.coordinator.web3.codec
        for log, time in self._rows(names, round_number, to_block):
            yield decode(log, codec, time)

    def logs(self, names: Collection[str], round_number: int, account: str) -> Iterator[LogReceipt]:
        """Those called one of `names`, of one round, whose second indexed argument is `account`, a few at a time in
        memory and undecoded: anybody may have filled the log with any number of them."""
        for log, _ in self._rows(names, round_number, None, bytes(12) + bytes.fromhex(account.removeprefix("0x"))):
            yield log

    def _rows(
        self, names: Collection[str], round_number: int | None, to_block: int | None, second: bytes | None = None
    ) -> Iterator[tuple[LogReceipt, int]]:
        """Log entries, each with its block's time."""
        where = ["block <= ?"]
        values: list[Any] = [self._reached if to_block is None else min(to_block, self._reached)]
        if names:
            where.append(f"name IN ({', '.join('?' * len(names))})")
            values += names
        if round_number is not None:
            where.append("round = ?")
            values.append(round_number)
        if second is not None:
            where.append(f"substr(topics, {2 * TOPIC_BYTES + 1}, {TOPIC_BYTES}) = ?")
            values.append(second)
        query = (
            f"SELECT * FROM events WHERE {' AND '.join(where)} AND (block, log_index) > (?, ?) "  # noqa: S608 (own words)
            f"ORDER BY block, log_index LIMIT {AT_ONCE}"
        )
        after = (-1, -1)
        while True:
            with self._lock, self._wrapped():
                rows = self._db.execute(query, [*values, *after]).fetchall()
            for row in rows:
                log, time = self._entry(row)
                yield log, time
                after = (log["blockNumber"], log["logIndex"])
            if len(rows) < AT_ONCE:
                return

    # --------------------------------------------------------------- following

    def _follow(self, latest: Block) -> bool:
        """Read up to `latest`; False if the chain changed meanwhile, and is to be looked at again."""
        while (head := self._head()).number < latest.number:
            far = latest.number - NEAR
            if not (self._read_far(head, far) if head.number < far else self._read_near(head)):
                return False
        kept = self._kept(latest.number)
        if kept is None:  # so far behind what was read: an endpoint that lags, or another chain
            self._check_identity()
            return self._head().number >= latest.number
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
            logs = logs_of_block(self.coordinator, block.hash)
        except RpcRefused:
            if self._block(BlockNumber(block.number)) != block:
                return False
            raise
        self._append(head, block, [(entry, block.time) for entry in logs])
        return True

    def _read_far(self, head: Block, last: int) -> bool:
        """The next blocks up to `last`, in chunks."""
        for end, logs in chunks(self.coordinator, head.number + 1, last):
            first, block = self._block(BlockNumber(head.number + 1)), self._block(BlockNumber(end))
            if first is None or block is None or not self._is_child(first, head):
                return False
            if any(bytes(entry["blockHash"]) != block.hash for entry in logs if entry["blockNumber"] == end):
                return False
            timed = [(entry, self._times.of(bytes(entry["blockHash"]))) for entry in logs]
            if not self._append(head, block, timed):
                return True  # another process goes on from there
            head = block
        return True

    def _is_child(self, block: Block, head: Block) -> bool:
        """Whether `block` follows what was read last; otherwise that is no longer in the chain, and is taken back."""
        if block.parent == head.hash or not head.hash:
            return True
        self._rewind(head.number)
        return False

    def _rewind(self, number: int) -> None:
        """Forget all after the newest block up to `number` that the chain still has."""
        rows = self._db.execute("SELECT number, hash FROM blocks WHERE number <= ? ORDER BY number DESC", [number])
        for kept, kept_hash in rows.fetchall():
            block = self._block(BlockNumber(kept))
            if block is not None and block.hash == kept_hash:
                log.info("a re-org: reading the events after block %d again", kept)
                with self._transaction():
                    self._db.execute("DELETE FROM blocks WHERE number > ?", [kept])
                    self._db.execute("DELETE FROM events WHERE block > ?", [kept])
                return
        log.warning("no block that was read is in the chain any more: reading all events again")
        with self._transaction():
            self._forget()
        self._check_identity()

    # ----------------------------------------------------------------- storing

    def _append(self, head: Block, block: Block, logs: Iterable[tuple[LogReceipt, int]]) -> bool:
        """Add what is after `head` up to `block`; False if another process has gone on from `head`."""
        rows = []
        for entry, time in logs:
            name, round_number = headline(entry)
            place = (
                bytes(entry["blockHash"]),
                bytes(entry["transactionHash"]),
                entry["logIndex"],
                entry["blockNumber"],
            )
            topics, data = b"".join(map(bytes, entry["topics"])), bytes(entry["data"])
            rows.append((*place, time, name, round_number, topics, data))
        with self._transaction():
            if self._head()[:2] != head[:2]:
                return False
            self._db.executemany("INSERT OR IGNORE INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
            self._db.execute("INSERT INTO blocks VALUES (?, ?)", [block.number, block.hash])
            self._db.execute(
                "DELETE FROM blocks WHERE number <= (SELECT number FROM blocks ORDER BY number DESC LIMIT 1 OFFSET ?)",
                [KEPT],
            )
            return True

    def _check_identity(self) -> None:
        """Make the index that of this chain and coordinator: what is of another, or of a chain before it was started
        anew, is forgotten."""
        genesis = self._block(BlockNumber(0))
        if genesis is None:
            raise ChainError("the RPC endpoint has no block 0")
        mine = (self.coordinator.chain_id, self.coordinator.address, genesis.hash)
        known = self._db.execute("SELECT chain_id, coordinator, genesis FROM identity").fetchone()
        if known != mine:
            if known is not None:
                log.warning("the events in %s are of another chain or coordinator: reading anew", self._path)
            first = self._first_block()
            with self._transaction():
                self._forget()
                self._db.execute("DELETE FROM identity")
                self._db.execute("INSERT INTO identity VALUES (?, ?, ?, ?)", [*mine, first])
        self._is_ours = True

    def _forget(self) -> None:
        self._db.execute("DELETE FROM blocks")
        self._db.execute("DELETE FROM events")

    def _head(self) -> Block:
        """The last block that was read."""
        row = self._db.execute("SELECT number, hash FROM blocks ORDER BY number DESC LIMIT 1").fetchone()
        return Block(*row) if row else Block(self._db.execute("SELECT first FROM identity").fetchone()[0] - 1, b"")

    def _kept(self, number: int) -> bytes | None:
        row = self._db.execute("SELECT hash FROM blocks WHERE number = ?", [number]).fetchone()
        return row[0] if row else None

    def _entry(self, row: tuple[Any, ...]) -> tuple[LogReceipt, int]:
        block_hash, tx_hash, log_index, block, time, _, _, topics, data = row
        entry: Any = {
            "address": self.coordinator.address,
            "blockHash": HexBytes(block_hash),
            "transactionHash": HexBytes(tx_hash),
            "transactionIndex": 0,
            "logIndex": log_index,
            "blockNumber": block,
            "topics": [HexBytes(topics[i : i + TOPIC_BYTES]) for i in range(0, len(topics), TOPIC_BYTES)],
            "data": HexBytes(data),
        }
        return entry, time

    # ---------------------------------------------------------------- plumbing

    def _block(self, which: BlockIdentifier) -> Block | None:
        with translated("eth_getBlockByNumber"):
            try:
                found = self.coordinator.web3.eth.get_block(which)
            except BlockNotFound:
                return None
        return Block(found["number"], bytes(found["hash"]), bytes(found["parentHash"]), int(found["timestamp"]))

    @property
    def _db(self) -> sqlite3.Connection:
        if self._open is None:
            if self._path is not None:
                self._path.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._open = connect(str(self._path or ":memory:"))
            except sqlite3.Error:
                raise
            except Exception as error:
                raise EventIndexError(f"the event index {self._path} cannot be opened: {in_a_line(error)}") from error
        return self._open

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            self._db.execute("ROLLBACK")
            raise

    @contextmanager
    def _wrapped(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            message = (
                f"the event index {self._path} cannot be used: {describe_database_error(self._path or Path(), error)}"
            )
            if type(error) is sqlite3.DatabaseError:
                self._discard()
                raise _Damaged(message) from error
            raise EventIndexError(message) from error

    def _discard(self) -> None:
        """Start anew: all that was in it is on the chain too."""
        self.close()
        self._is_ours, self._reached = False, -1
        if self._path is not None:
            log.warning("the event index %s is damaged: reading all events again", self._path)
            for suffix in ("", "-wal", "-shm"):
                self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)


def index_at(coordinator: Coordinator, path: Path) -> EventIndex:
    """The index that a daemon and its commands share: from round 1 on."""
    return EventIndex(coordinator, path, lambda: first_round_block(coordinator))
