"""The coordinator's log, decoded by its ABI."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from eth_abi.exceptions import DecodingError
from eth_typing import BlockNumber, HexStr
from hexbytes import HexBytes
from web3.types import FilterParams, LogReceipt, TxReceipt

from fedprotocol.chain.errors import MALFORMED, ChainError, ChainUnreachable, RpcRefused, translated
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.event_codec import EventCodec, event_codecs
from fedprotocol.errors import FedError

FIRST_CHUNK = 2_000  # blocks; each node allows another range, so the right size is found by trying
LARGEST_CHUNK = 50_000
# every entry must have these
FIELDS = ("address", "topics", "data", "blockNumber", "blockHash", "transactionHash", "logIndex")
TIME = "blockTimestamp"  # no part of the standard; many nodes have it
# a node may simply not answer a range that is too long; so many times in a row, no answer is taken for that
PATIENCE = 3


@dataclass(frozen=True, slots=True)
class Event:
    """One log entry. `args` by snake_case name: addresses checksummed, bytes32 as bytes, enums as IntEnums."""

    name: str
    args: dict[str, Any]
    block: int
    block_hash: bytes  # it changes with a re-org
    tx_hash: bytes
    log_index: int
    time: int  # time of the block, in the chain's seconds


class BlockTimes:
    """Timestamps by block hash, the last `size` remembered."""

    def __init__(self, coordinator: Coordinator, size: int = 4_096) -> None:
        self._eth = coordinator.web3.eth
        self._size = size
        self._known: OrderedDict[bytes, int] = OrderedDict()

    def of(self, block_hash: bytes) -> int:
        if block_hash not in self._known:
            with translated("eth_getBlockByHash"):
                self._known[block_hash] = int(self._eth.get_block(HexStr("0x" + block_hash.hex()))["timestamp"])
            if len(self._known) > self._size:
                self._known.popitem(last=False)
        return self._known[block_hash]

    def of_entry(self, log: LogReceipt, earliest: int, latest: int) -> int:
        """The time of a log entry, which lies between these two. Many nodes say it in the entry itself, some of them
        wrongly for old blocks: then the block is asked for."""
        stated = _stated_time(log)
        if stated is not None and earliest <= stated <= latest:
            return stated
        return self.of(bytes(log["blockHash"]))


def scan(
    coordinator: Coordinator,
    from_block: int,
    to_block: int,
    names: Collection[str] = (),
    times: BlockTimes | None = None,
) -> Iterator[Event]:
    """Every event (or those called one of `names`) in the blocks from_block … to_block, both included, in order.

    This is for reading a chain once. A program that reads it again and again uses an EventIndex. Pass `times` to keep
    block timestamps between scans.

    Raises:
        ChainError: there is no event of that name.
        ChainUnreachable, RpcRefused: see `in_ranges`.
    """
    unknown = set(names) - {codec.name for codec in event_codecs().values()}
    if unknown:
        raise ChainError(f"the coordinator has no event {', '.join(sorted(unknown))}")
    times = times or BlockTimes(coordinator)
    for _, logs in chunks(coordinator, from_block, to_block, names):
        for log in logs:
            yield decode(log, times.of(bytes(log["blockHash"])))


def chunks(
    coordinator: Coordinator,
    from_block: int,
    to_block: int,
    names: Collection[str] = (),
    indexed: Sequence[bytes] = (),
) -> Iterator[tuple[int, list[LogReceipt]]]:
    """The coordinator's log in pieces, each with its last block. It has all events, or only those with one of `names`,
    or with one of these first indexed arguments (32 bytes each). Errors: those of `in_ranges`.
    """
    return in_ranges(lambda where: _logs(coordinator, names, where, indexed), from_block, to_block)


def in_ranges(
    ask: Callable[[FilterParams], list[LogReceipt]], from_block: int, to_block: int
) -> Iterator[tuple[int, list[LogReceipt]]]:
    """What `ask` gives for the blocks from_block … to_block, both included, in pieces, each with its last block. If the
    node refuses a range, in whatever words, the next one is half as long. If it answers, the next one is longer: twice
    as long until the node has refused once, then longer by a quarter.

    Raises:
        ChainUnreachable: no endpoint answers.
        RpcRefused: the node refuses even a single block.
    """
    start, chunk, growth, silent = from_block, FIRST_CHUNK, 2.0, 0
    while start <= to_block:
        end = min(to_block, start + chunk - 1)
        try:
            logs = ask({"fromBlock": BlockNumber(start), "toBlock": BlockNumber(end)})
        except (RpcRefused, ChainUnreachable) as error:
            silent = silent + 1 if isinstance(error, ChainUnreachable) else 0
            if end == start or silent == PATIENCE:
                raise
            chunk, growth = (end - start + 1) // 2, 1.25
            continue
        yield end, logs
        start, chunk, silent = end + 1, min(LARGEST_CHUNK, math.ceil(chunk * growth)), 0


def logs_of_block(coordinator: Coordinator, block_hash: bytes) -> list[LogReceipt]:
    """The coordinator's log in one block. Raises RpcRefused if the node does not have that very block."""
    return _logs(coordinator, (), {"blockHash": HexBytes(block_hash)})


def first_round_block(coordinator: Coordinator) -> int:
    """The block that round 1 was opened in; the last one if there is no round yet."""
    last = coordinator.head()
    return round_block(coordinator, 1, last) if coordinator.last_opened() else last


def round_block(coordinator: Coordinator, round_number: int, last: int) -> int:
    """The block up to `last` that a round was opened in, by bisection."""
    opened, low, high = coordinator.round_view(round_number).opened_at, 0, last
    while low < high:
        middle = (low + high) // 2
        with translated("eth_getBlockByNumber"):
            time = int(coordinator.web3.eth.get_block(middle)["timestamp"])
        if time < opened:
            low = middle + 1
        else:
            high = middle
    return low


def claimed(coordinator: Coordinator, receipt: TxReceipt) -> int | None:
    """The token units in a transaction's `Claimed` events, to show to people. None if the receipt does not have
    them."""
    try:
        logs = [plain_log(log) for log in receipt["logs"] if log["address"] == coordinator.address]
        events = [decode(log, 0) for log in logs]
    except (ChainError, *MALFORMED):
        return None
    return sum(int(event.args["amount"]) for event in events if event.name == "Claimed")


def headline(log: LogReceipt) -> tuple[str, int | None]:
    """The name and the round of one log entry of the coordinator. Only its topics are read, because its data may be
    long.

    Raises ChainError if it is none of its events.
    """
    codec = _codec(log)
    if len(log["topics"]) != 1 + len(codec.indexed):
        raise ChainError(f"{_place(log)} does not decode as {codec.name}")
    if "round" not in codec.indexed:
        return codec.name, None
    return codec.name, int.from_bytes(bytes(log["topics"][1 + codec.indexed.index("round")]))


def decode(log: LogReceipt, time: int) -> Event:
    """One log entry of the coordinator, in a block of `time`.

    Raises ChainError if its topic or data are not those of one of its events.
    """
    codec = _codec(log)
    try:
        args = codec.arguments(log["topics"], log["data"])
    except FedError:
        raise
    except (DecodingError, *MALFORMED) as error:
        raise ChainError(f"{_place(log)} does not decode as {codec.name}") from error
    return Event(
        name=codec.name,
        args=args,
        block=log["blockNumber"],
        block_hash=bytes(log["blockHash"]),
        tx_hash=bytes(log["transactionHash"]),
        log_index=log["logIndex"],
        time=time,
    )


def _stated_time(log: LogReceipt) -> int | None:
    """The block's time in seconds as the entry itself says it; None if it does not."""
    stated: object = log.get(TIME)
    try:
        return int(stated, 16) if isinstance(stated, str) else stated if isinstance(stated, int) else None
    except ValueError:
        return None


def _codec(log: LogReceipt) -> EventCodec:
    found = event_codecs().get(bytes(log["topics"][0])) if log["topics"] else None
    if found is None:
        raise ChainError(f"{_place(log)} is no event of the coordinator")
    return found


def _place(log: LogReceipt) -> str:
    return f"log {log['logIndex']} of block {log['blockNumber']}"


def _logs(
    coordinator: Coordinator, names: Collection[str], where: FilterParams, indexed: Sequence[bytes] = ()
) -> list[LogReceipt]:
    kinds = [HexStr("0x" + t.hex()) for t, codec in event_codecs().items() if not names or codec.name in names]
    topics: list[Any] = [kinds, *(HexStr("0x" + value.hex()) for value in indexed)]
    query: FilterParams = {"address": coordinator.address, "topics": topics, **where}
    with translated("eth_getLogs"):
        logs = [plain_log(log) for log in coordinator.web3.eth.get_logs(query)]
        return sorted(logs, key=lambda log: (log["blockNumber"], log["logIndex"]))


def plain_log(log: LogReceipt) -> LogReceipt:
    """The fields of an entry that are used. All others do not matter. Raises KeyError."""
    kept: Any = {key: log[key] for key in FIELDS}  # type: ignore[literal-required]
    if TIME in log:
        kept[TIME] = log[TIME]  # type: ignore[literal-required]
    return kept | {"transactionIndex": 0}  # type: ignore[no-any-return]
