"""The calldata of a proposal: 32 bytes are the page root that the chain names, the rest is searched for its digests."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError
from eth_utils.abi import function_abi_to_4byte_selector
from fedaggregator.proposals import page_in
from fedprotocol.chain.abi import entry
from fedprotocol.tree import PAGE_LEAVES, page_root

from fuzz.mutations import bytes_or, repeated
from fuzz.target import Linear, Raw, Target

ROUND, PAGE = 3, 0
ARGUMENTS = ["uint256", "uint256", "bytes32[]"]
SELECTOR = function_abi_to_4byte_selector(entry("coordinator", "function", "propose"))  # type: ignore[arg-type]
CALL = SELECTOR + encode(ARGUMENTS[:2], [ROUND, PAGE])
WORD = 32


def parse(data: bytes) -> list[bytes] | None:
    return page_in(data[WORD:], ROUND, PAGE, data[:WORD])


def check(data: bytes, found: list[bytes] | None) -> None:
    """What is found is there; what the ABI's own decoder finds in a direct call is found."""
    if found is not None:
        assert page_root(found) == data[:WORD]
        assert b"".join(found) in data
    digests = decoded(data[WORD:])
    if digests and page_root(digests) == data[:WORD]:
        assert found == digests


def decoded(call: bytes) -> list[bytes]:
    if not call.startswith(CALL):
        return []
    try:
        digests = list(decode(ARGUMENTS, call[4:])[2])
    except (DecodingError, OverflowError):
        return []
    return digests if len(digests) <= PAGE_LEAVES else []


def seeds() -> Iterator[bytes]:
    for count in (1, 2, 5, 100):
        digests = [i.to_bytes(WORD, "big") for i in range(count)]
        call = SELECTOR + encode(ARGUMENTS, [ROUND, PAGE, digests])
        yield page_root(digests) + call
        yield page_root(digests) + b"\xaa" * 36 + CALL + call + b"\0" * 28


def by_words(data: bytes, largest: int, rng: Random, raw: Raw) -> bytes | None:
    """A word changed, or calls repeated; then perhaps the root of what the first call points to."""
    body = data[WORD:]
    at = body.find(CALL)
    if at < 0:
        return None
    match rng.randrange(3):
        case 0:
            body = body[:at] + repeated(body[at:], largest - len(data), rng)
        case 1:
            times = rng.randrange(largest // len(CALL))
            body = body[:at] + (CALL + encode(["uint256"], [rng.randrange(2 * largest)])) * times + body[at:]
        case _:
            word = at + 4 + WORD * rng.choice((2, 3, rng.randrange(2 + len(body) // WORD)))
            body = body[:word] + raw(body[word : word + WORD], WORD).rjust(WORD, b"\0")[:WORD] + body[word + WORD :]
    digests = decoded(body[at:])
    if digests and rng.random() < 0.7:
        return page_root(digests) + body
    return data[:WORD] + body


TARGET = Target(
    parse,
    errors=(),
    seeds=seeds,
    largest=1 << 12,
    memory=Linear(64 << 10, 16),
    seconds=Linear(2.0, 60e-6),  # 64 pages of up to 120 digests, hashed by code under observation
    check=check,
    features=lambda found: ("none",) if found is None else (f"{len(found).bit_length()} bits",),
    mutate=bytes_or(by_words),
)
