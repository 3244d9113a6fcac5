"""Log entries of one proposer: 32 bytes are the root that the chain names, the rest says what the entries hold."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

from eth_abi.abi import encode
from fedaggregator.disputes.proposed_leaves import assembled
from fedprotocol.chain.abi import entry
from fedprotocol.chain.errors import ChainError
from fedprotocol.tree import page_root, root
from hexbytes import HexBytes
from web3 import Web3
from web3.types import LogReceipt

from fuzz.mutations import bytes_or, repeated
from fuzz.target import Linear, Raw, Target

WORD = 32
HEAD = 4  # bytes before an entry's data: kind, topics, length
KINDS = ("ProposalPaged", "Proposed", "Convicted")
PAGE_TYPES = ("uint256", "bytes32", "bytes32[]")


def _topic(name: str) -> bytes:
    inputs = ",".join(i["type"] for i in entry("coordinator", "event", name)["inputs"])
    return bytes(Web3.keccak(text=f"{name}({inputs})"))


TOPICS = [_topic(name) for name in KINDS]


def logs(data: bytes) -> Iterator[LogReceipt]:
    """An entry for every (kind, topics, length, data) in what follows the root."""
    proposed, at = data[:WORD].rjust(WORD, b"\0"), WORD
    while at + HEAD <= len(data):
        kind, topics, length = data[at], data[at + 1], int.from_bytes(data[at + 2 : at + HEAD])
        body = data[at + HEAD : at + HEAD + length]
        words = [TOPICS[kind % len(KINDS)], bytes(WORD), bytes(WORD), proposed][: 1 + topics % 5]
        log: Any = {"topics": [HexBytes(word) for word in words], "data": HexBytes(body), "address": "0x"}
        log |= {"blockNumber": 1, "logIndex": at, "transactionIndex": 0}
        yield log | {"blockHash": bytes(WORD), "transactionHash": bytes(WORD)}
        at += HEAD + length


def parse(data: bytes) -> list[bytes] | None:
    return assembled(logs(data), data[:WORD])


def check(data: bytes, found: list[bytes] | None) -> None:
    """What is found is under the root, and there."""
    if found is not None:
        assert root(found) == data[:WORD]
        assert all(digest in data for digest in found)


def _entry(kind: int, topics: int, body: bytes) -> bytes:
    return bytes((kind, topics)) + len(body).to_bytes(2) + body


def _page(number: int, digests: list[bytes]) -> bytes:
    return _entry(0, 2, encode(PAGE_TYPES, (number, page_root(digests), digests)))


DONE = _entry(1, 3, encode(("uint256", "uint64"), (1, 1)))


def seeds() -> Iterator[bytes]:
    for count in (2, 5, 60):
        digests = [i.to_bytes(WORD) for i in range(count)]
        yield root(digests) + _page(0, digests) + DONE
        yield root(digests) + _page(0, digests[:1]) + DONE + _page(0, digests) + _page(1, digests) + DONE


def by_entries(data: bytes, largest: int, rng: Random, raw: Raw) -> bytes | None:
    """An entry repeated or changed; then perhaps the root of what the first page holds."""
    entries, at = [], WORD
    while at + HEAD <= len(data):
        end = at + HEAD + int.from_bytes(data[at + 2 : at + HEAD])
        entries.append(data[at:end])
        at = end
    if not entries:
        return None
    place = rng.randrange(len(entries))
    match rng.randrange(4):
        case 0:
            entries.insert(place, entries[rng.randrange(len(entries))])
        case 1:
            del entries[place]
        case 2:
            entries[place] = repeated(entries[place], largest - len(data), rng)
        case _:
            body = raw(entries[place][HEAD:], largest - len(data)) if len(entries[place]) > HEAD else b""
            entries[place] = _entry(entries[place][0], entries[place][1], body[: 2**16 - 1])
    return data[:WORD] + b"".join(entries)


TARGET = Target(
    parse,
    errors=(ChainError,),
    seeds=seeds,
    largest=1 << 12,
    memory=Linear(256 << 10, 64),
    seconds=Linear(2.0, 60e-6),
    check=check,
    features=lambda found: ("none",) if found is None else (f"{type(found).__name__} {len(str(found)).bit_length()}",),
    mutate=bytes_or(by_entries),
)
