"""The arguments of log entries, by decoders that are made once for each event. web3 makes them anew for each entry,
which takes eight times as long."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from eth_abi.decoding import BaseDecoder, ContextFramesBytesIO, TupleDecoder
from eth_abi.exceptions import DecodingError
from eth_abi.registry import registry
from eth_utils.abi import collapse_if_tuple, event_abi_to_log_topic

from fedprotocol.address import checksummed
from fedprotocol.chain.abi import WORD, Entry, load, snake
from fedprotocol.chain.errors import ENUMS

Convert = Callable[[Any], Any]
Decode = Callable[[bytes], tuple[Any, ...]]


class EventCodec:
    """Decodes the entries of one event of the coordinator, whose arguments are all of types that fit into a topic, or
    arrays of these in the data."""

    def __init__(self, abi: Entry) -> None:
        inputs: Sequence[Entry] = abi["inputs"]
        self.name: str = abi["name"]
        self._names = tuple(snake(i["name"]) for i in inputs)
        in_topics, in_data = ([i for i in inputs if bool(i["indexed"]) is where] for where in (True, False))
        self.indexed = tuple(snake(i["name"]) for i in in_topics)
        self.accounts = tuple(snake(i["name"]) for i in in_topics if i["type"] == "address")
        self._topics, self._data = _decoder(in_topics), _decoder(in_data)
        found = [i["name"] for i in (*in_topics, *in_data)]
        self._order = tuple(found.index(i["name"]) for i in inputs)
        self._convert = tuple(_converter(i) for i in inputs)

    def arguments(self, topics: Sequence[bytes], data: bytes) -> dict[str, Any]:
        """The arguments by snake_case name, in the order of the declaration: addresses checksummed, bytes32 as bytes,
        enums as IntEnums. `topics` has the event's own first.

        Raises DecodingError if these are no topics and data of the event; UnknownValue for an enum's value.
        """
        if len(topics) != 1 + len(self.indexed) or any(len(topic) != WORD for topic in topics):
            raise DecodingError(f"{self.name} has {len(self.indexed)} indexed arguments of {WORD} bytes")
        values = (*self._topics(b"".join(topics[1:])), *self._data(data))
        return {
            name: convert(values[place]) if convert else values[place]
            for name, place, convert in zip(self._names, self._order, self._convert, strict=True)
        }


@cache
def event_codecs() -> dict[bytes, EventCodec]:
    """All events of the coordinator, by their first topic."""
    return {event_abi_to_log_topic(e): EventCodec(e) for e in load("coordinator") if e["type"] == "event"}


@cache
def account_arguments(name: str) -> tuple[str, ...]:
    """Which arguments of the event `name` are accounts."""
    return next(codec.accounts for codec in event_codecs().values() if codec.name == name)


def _decoder(inputs: Sequence[Entry]) -> Decode:
    decoders: list[BaseDecoder] = [registry.get_decoder(collapse_if_tuple(dict(i))) for i in inputs]
    decoder = TupleDecoder(decoders=decoders)  # type: ignore[no-untyped-call]

    def decode(data: bytes) -> tuple[Any, ...]:
        return decoder(ContextFramesBytesIO(data))  # type: ignore[no-untyped-call, no-any-return]

    return decode


def _converter(abi: Entry) -> Convert | None:
    if abi["type"].endswith("[]"):
        return list
    kind: Convert | None = ENUMS.get(abi.get("internalType", "").rpartition(".")[2])
    return checksummed if abi["type"] == "address" else kind
