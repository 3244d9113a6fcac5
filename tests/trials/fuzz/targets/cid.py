"""A CID as text: UTF-8, or any bytes if it is not."""

from __future__ import annotations

from collections.abc import Iterator

from fedprotocol import tree

from fuzz.mutations import bytes_or, repeated
from fuzz.target import Linear, Target


def parse(data: bytes) -> tuple[int, bytes]:
    return tree.parse_cid(text_of(data))


def text_of(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def check(data: bytes, parsed: tuple[int, bytes]) -> None:
    codec, digest = parsed
    assert (tree.raw_cid if codec == tree.RAW else tree.cid)(digest) == text_of(data)


def seeds() -> Iterator[bytes]:
    for digest in (bytes(32), bytes(range(32)), b"\xff" * 32):
        yield tree.cid(digest).encode()
        yield tree.raw_cid(digest).encode()
    yield b"QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG"
    yield b"bafkqaaa"


TARGET = Target(
    parse,
    errors=(tree.TreeError,),
    seeds=seeds,
    largest=4096,
    memory=Linear(16 << 10, 40),
    mutate=bytes_or(lambda data, largest, rng, _: repeated(data, largest, rng), 0.1),
    check=check,
)
