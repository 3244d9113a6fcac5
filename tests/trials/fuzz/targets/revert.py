"""What a contract of somebody else's answers when it refuses: bytes, or the text that a node made of them."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from eth_utils.abi import function_abi_to_4byte_selector
from fedprotocol.chain.abi import load
from fedprotocol.chain.errors import ContractReverted, decode_revert

from fuzz.mutations import bytes_or, repeated
from fuzz.target import Linear, Raw, Target


def parse(data: bytes) -> ContractReverted:
    return decode_revert(data[1:] if data[:1] < b"\x80" else data[1:].decode("latin-1"), "reverted", "call")


def check(data: bytes, reverted: ContractReverted) -> None:
    assert str(reverted).startswith("call: ")
    assert len(str(reverted)) < 1000 + 3 * len(data)


def seeds() -> Iterator[bytes]:
    for abi in ("coordinator", "disputes", "rule", "errors"):
        for error in load(abi):
            if error["type"] == "error":
                call = function_abi_to_4byte_selector(error) + (bytes(31) + b"\x01") * len(error["inputs"])
                yield b"\0" + call
    yield b"\x80" + b"0x" + call.hex().encode()
    yield b"\0" + bytes.fromhex("08c379a0") + bytes(31) + b" " + bytes(31) + b"\x02no" + bytes(30)
    yield b"\0" + bytes.fromhex("4e487b71") + bytes(31) + b"\x11"


def by_words(data: bytes, largest: int, rng: Random, raw: Raw) -> bytes | None:
    if len(data) < 5 + 32:
        return None
    if rng.random() < 0.1:
        return repeated(data, largest, rng)
    at = 5 + 32 * rng.randrange((len(data) - 5) // 32)
    return data[:at] + raw(data[at : at + 32], 32).rjust(32, b"\0") + data[at + 32 :]


TARGET = Target(
    parse,
    errors=(),
    seeds=seeds,
    largest=4096,
    memory=Linear(128 << 10, 64),
    check=check,
    features=lambda reverted: (reverted.name,),
    mutate=bytes_or(by_words),
)
