#!/usr/bin/env python3
"""Check one round of a federation with none of the project's code: Python's standard library and NumPy are enough.

    python recheck.py http://127.0.0.1:8545 0xCOORDINATOR 3 /var/lib/fednode/store

It asks a chain node what went into the round, takes the global model before the round and every revealed update from a
store's folder or a trustless IPFS gateway, verifies each of these trees against the root that the chain has, averages
the accepted updates by the federation's rule, and compares the result with the global model that the chain has, leaf by
leaf. docs/protocol.md says the same in words and works a round through in numbers.

It trusts the chain node, so ask your own, or ask several. It trusts nothing and nobody else: everything that a store or
gateway sends is hashed. Exit status: 0 the global is right, 1 it is wrong, 2 it could not be checked.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import http.client
import json
import sys
import urllib.request
from math import isqrt
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

# Ethereum's names for what interfaces/ declares: the keccak-256 of the signature, and for a function its first four
# bytes.
CONFIG, INPUTS, NAME = "0x79502c55", "0xddef9ea1", "0x06fdde03"  # config(), inputs(uint256), the rule's name()
SCALE, BOUND = "0xf51e181a", "0xbe4df7d6"  # the rule's scale() and bound(), in a masked federation
REVEALED = "0x73e741b75542d3eefafe875f421ef67f80a79d0d049f941c3cda74fd6a981d1a"
PAGED = "0xeef70a2a5634c4d4434e256e41aef1e796649f3fc838ac8d0397fb05a9ff0e2c"  # ProposalPaged
PROPOSED = "0x6296d2484adbf9d860f140eb0fbd38ec1ef79dd2f56d4ec05f94d5f077cbc713"
CONVICTED = "0x0b3ba1f1d35b583a36b152c0d8641ddb9fd5affe71c38ad91f8a852be5b8b668"
FINALIZED = "0x9ce34a60347f51b85e8f77030e3b8da9d7ab5b3c453cb780fb0d1260687aa043"  # RoundFinalized

RAW, DAG_CBOR = 0x55, 0x71  # the codecs of a leaf and of a node
SECONDS = 60  # seconds to wait for each answer from the network
ONE = 1 << 16  # what a learning rate, a momentum or a factor of one is as an integer
MOMENTUM = 19661  # of the rule fedavgm: 0.3
MASKED_BITS = 32  # of a value whose update is masked


class Unchecked(Exception):
    """The round cannot be checked; the message says why."""


class Garbage(Exception):
    """The updates of a masked round add up to what no honest ones do; the message says where."""


class Update(NamedTuple):
    client: str
    root: bytes
    weight: int
    shift: int
    accepted: bool


class Round(NamedTuple):
    """What the chain says about a round. `claimed`: the leaf digests of its global, which has the root `root`.
    `scale` and `bound`: of the rule, where updates are masked."""

    rule: str
    leaf_count: int
    leaf_values: int
    bits: int
    server_lr: int  # in units of 2^-16
    prior: bytes
    updates: list[Update]
    root: bytes
    claimed: list[bytes]
    is_final: bool
    scale: int = 0
    bound: int = 0


class Node:
    """A chain node that is asked about the contract `coordinator`, at the block that was the newest when this object
    was made."""

    def __init__(self, url: str, coordinator: str) -> None:
        self.url, self.coordinator = url, coordinator
        self.block = int(self.ask("eth_blockNumber"), 16)

    def ask(self, method: str, *parameters: Any) -> Any:
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}).encode()
        request = urllib.request.Request(self.url, body, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as reply:
                answer = json.load(reply)
            return answer["result"]
        except KeyError:
            raise Unchecked(f"{self.url} refuses {method}: {answer.get('error')}") from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Unchecked(f"{self.url} does not answer {method}: {error}") from error

    def call(self, contract: str, data: str) -> list[bytes]:
        """The words of 32 bytes that a view returns."""
        return words(self.ask("eth_call", {"to": contract, "data": data}, hex(self.block)))

    def logs(self, number: int, first: int, last: int) -> list[Any]:
        """All logs of a round, in order. If a node does not serve a range of blocks, it is asked for the two halves."""
        where = {"address": self.coordinator, "topics": [None, f"0x{number:064x}"]}
        try:
            return list(self.ask("eth_getLogs", where | {"fromBlock": hex(first), "toBlock": hex(last)}))
        except Unchecked:
            if first >= last:
                raise
            middle = (first + last) // 2
            return self.logs(number, first, middle) + self.logs(number, middle + 1, last)


def read_round(node: Node, number: int, first_block: int) -> Round:
    config = node.call(node.coordinator, CONFIG)
    if len(config) != 27:
        raise Unchecked(f"{node.coordinator} is no coordinator: it has no configuration")
    contract = "0x" + config[1][12:].hex()
    rule = b"".join(node.call(contract, NAME)[2:]).rstrip(b"\0").decode(errors="replace")
    if rule not in RULES:
        raise Unchecked(f"the federation's rule is {rule!r}, and this program knows {', '.join(RULES)}")
    leaf_count, leaf_values, bits, server_lr = map(whole, (*config[7:10], config[11]))
    scale, bound = (whole(node.call(contract, name)[0]) if bits == MASKED_BITS else 0 for name in (SCALE, BOUND))
    inputs_hash, mask, prior = node.call(node.coordinator, INPUTS + f"{number:064x}")
    updates: list[Update] = []
    pages: dict[str, list[bytes]] = {}  # the leaf digests that each proposer has handed in so far
    live: dict[bytes, list[bytes]] = {}  # the leaf digests of each live proposal, the oldest first
    final, last_hash = b"", bytes(32)
    for log in node.logs(number, first_block, node.block):
        (event, _, *topics), data = log["topics"], words(log["data"])
        if event == REVEALED:
            _, root, shift, _, weight, _, _, last_hash = data
            accepted = bool(whole(mask) >> len(updates) & 1)
            updates.append(Update("0x" + topics[0][-40:], root, whole(weight), whole(shift), accepted))
        elif event == PAGED:  # page 0 starts over
            pages[topics[0]] = (pages.get(topics[0], []) if whole(data[0]) else []) + data[4:]
        elif event == PROPOSED:
            live[bytes.fromhex(topics[1][2:])] = pages.get(topics[0], [])
        elif event == CONVICTED:
            live.pop(data[0], None)
        elif event == FINALIZED:
            final = data[0]
    root = final or next(iter(live), b"")
    if not root:
        raise Unchecked(f"the chain has no global for round {number}: no proposal stands")
    claimed = live.get(root, [])
    if last_hash != inputs_hash or len(claimed) != leaf_count * PARTS.get(rule, 1) or root_of(claimed) != root:
        raise Unchecked("the log of the round is not whole: name an earlier --from-block, or ask another node")
    of_chain = Round(rule, leaf_count, leaf_values, bits, server_lr, prior, updates, root, claimed, bool(final))
    return of_chain._replace(scale=scale, bound=bound)


def words(data: str) -> list[bytes]:
    raw = bytes.fromhex(data[2:])
    return [raw[at : at + 32] for at in range(0, len(raw), 32)]


def whole(word: bytes) -> int:
    return int.from_bytes(word, "big")


def link(digest: bytes, leaves: int) -> bytes:
    return bytes.fromhex("d82a58250001") + bytes((RAW if leaves == 1 else DAG_CBOR, 0x12, 0x20)) + digest


def left_part(count: int) -> int:
    """How many of a tree's leaves lie under its left link: the largest power of two that leaves some for the right."""
    return 1 << (count - 1).bit_length() - 1


def root_of(digests: list[bytes]) -> bytes:
    if len(digests) == 1:
        return digests[0]
    at = left_part(len(digests))
    node = b"\x82" + link(root_of(digests[:at]), at) + link(root_of(digests[at:]), len(digests) - at)
    return hashlib.sha256(node).digest()


def leaves_of(blocks: dict[bytes, bytes], digest: bytes, count: int) -> list[bytes]:
    """The `count` leaves under `digest`. Every node must be the one that a tree of this many leaves has there."""
    block = blocks.get(digest)
    if block is None:
        raise Unchecked(f"the block {digest.hex()} is missing")
    if count == 1:
        return [block]
    left, right, at = block[10:42], block[51:83], left_part(count)
    if block != b"\x82" + link(left, at) + link(right, count - at):
        raise Unchecked(f"the block {digest.hex()} is no node over {count} leaves")
    return leaves_of(blocks, left, at) + leaves_of(blocks, right, count - at)


def blocks_of(car: bytes) -> dict[bytes, bytes]:
    """The blocks of a CAR v1 by their digests, which are computed here: the digests that the file names do not
    count."""
    blocks, at = {}, 0
    while at < len(car):
        length = shift = 0
        more = 0x80
        while more and at < len(car):  # each byte has seven bits of the length, the lowest first
            length, shift, more, at = length | (car[at] & 0x7F) << shift, shift + 7, car[at] & 0x80, at + 1
        # the block comes after a CID of 36 bytes; for the header, which is not used, this gives a wrong digest
        block = car[at + 36 : at + length]
        blocks[hashlib.sha256(block).digest()] = block
        at += length
    return blocks


def cid(root: bytes) -> str:
    return "b" + base64.b32encode(bytes((1, DAG_CBOR, 0x12, 0x20)) + root).decode().lower().rstrip("=")


def read_car(source: str, root: bytes, most: int) -> bytes:
    """At most `most` bytes of the source."""
    if not source.startswith(("http://", "https://")):
        with Path(source, "trees", f"{cid(root)}.car").open("rb") as file:
            return file.read(most)
    request = urllib.request.Request(f"{source.rstrip('/')}/ipfs/{cid(root)}?format=car")
    request.add_header("Accept", "application/vnd.ipld.car; version=1; order=dfs; dups=n")
    with urllib.request.urlopen(request, timeout=SECONDS) as reply:
        return bytes(reply.read(most))


def read_tree(sources: list[str], root: bytes, count: int, size: int) -> bytes:
    """The `count` leaves of `size` bytes under `root`, one after the other, from the first source that has all of
    them."""
    reasons = []
    for source in sources:
        try:
            leaves = leaves_of(blocks_of(read_car(source, root, 1000 + count * (size + 200))), root, count)
            if all(len(leaf) == size for leaf in leaves):
                return b"".join(leaves)
            reasons.append(f"{source}: not all leaves have {size} bytes")
        except (Unchecked, OSError, http.client.HTTPException, ValueError) as error:
            reasons.append(f"{source}: {error}")
    raise Unchecked(f"no source has the whole of {cid(root)}: {'; '.join(reasons)}")


class Leaf(NamedTuple):
    """What a rule makes one leaf of the next global from, in int64 arrays: the parts of this leaf in the global before
    [parts, K], in units of 2^-24, and the accepted updates' mantissas [n, K], shifts [n, 1] and weights [n, 1]. `scale`
    and `bound`: of masked updates, whose mantissas are whole words."""

    prior: np.ndarray
    mantissas: np.ndarray
    shifts: np.ndarray
    weights: np.ndarray
    server_lr: int
    scale: int = 0
    bound: int = 0

    @property
    def values(self) -> np.ndarray:
        """What each update wants to change, [n, K], in units."""
        return np.asarray(self.mantissas << self.shifts)

    def mean(self, values: np.ndarray) -> np.ndarray:
        """The mean of `values` [n, K] by the updates' weights."""
        return divide((self.weights * values).sum(0), int(self.weights.sum()))

    def moved(self, change: np.ndarray) -> np.ndarray:
        """The weights of the global after a step of `change`, [K]."""
        return clamp(self.prior[0] + divide(change * self.server_lr, ONE))


def divide(a: np.ndarray, b: int) -> np.ndarray:
    """R(a, b): division, rounded to the nearest whole number, a half away from zero."""
    return np.asarray(np.sign(a) * ((2 * np.abs(a) + b) // (2 * b)))


def clamp(values: np.ndarray) -> np.ndarray:
    return np.asarray(np.clip(values, -(2**31), 2**31 - 1))


def fedavg(leaf: Leaf) -> list[np.ndarray]:
    """The mean by weight."""
    return [leaf.moved(leaf.mean(leaf.values))]


def fedavgm(leaf: Leaf) -> list[np.ndarray]:
    """The mean by weight, with Nesterov's momentum. The second part is the velocity."""
    mean = leaf.mean(leaf.values)
    velocity = clamp(divide(leaf.prior[1] * MOMENTUM, ONE) + mean)
    return [leaf.moved(mean + divide(velocity * MOMENTUM, ONE)), velocity]


def trimmed_mean(leaf: Leaf) -> list[np.ndarray]:
    """The mean of what is left, value by value, when a quarter of the updates is left out at either end."""
    n = len(leaf.values)
    kept = np.sort(leaf.values, axis=0)[n // 4 : n - n // 4]
    return [leaf.moved(divide(kept.sum(0), len(kept)))]


def median(leaf: Leaf) -> list[np.ndarray]:
    """The middle one, value by value, or the mean of the two in the middle."""
    n = len(leaf.values)
    middle = np.sort(leaf.values, axis=0)[(n - 1) // 2 : n // 2 + 1]
    return [leaf.moved(divide(middle.sum(0), len(middle)))]


def norm_bounded(leaf: Leaf) -> list[np.ndarray]:
    """The mean by weight of leaves that are made no longer than the lower median of their lengths."""
    squares = (leaf.mantissas**2).sum(1)
    lengths = [isqrt(int(square) << 2 * int(shift)) for square, shift in zip(squares, leaf.shifts[:, 0], strict=True)]
    bound = sorted(lengths)[(len(lengths) - 1) // 2]
    factors = np.array([[ONE if length <= bound else bound * ONE // length] for length in lengths])
    return [leaf.moved(leaf.mean((leaf.values * factors + ONE // 2) // ONE))]


def masked_mean(leaf: Leaf) -> list[np.ndarray]:
    """The mean of updates that were weighted before they were masked. In the sum of all of them, modulo 2^32, the masks
    cancel."""
    sums, weight = (leaf.mantissas.sum(0) + 2**31) % 2**32 - 2**31, int(leaf.weights.sum())
    if (np.abs(sums) > weight * leaf.bound).any():
        raise Garbage("somebody sent something else than a masked update, and the round should have become void")
    return [leaf.moved(divide(sums << leaf.scale, weight))]


RULES = {
    "fedavg": fedavg,
    "fedavgm": fedavgm,
    "trimmed-mean": trimmed_mean,
    "median": median,
    "norm-bounded": norm_bounded,
    "masked-mean": masked_mean,
}
PARTS = {"fedavgm": 2}  # of a global, where a rule keeps more than the weights


def right_digests(inputs: Round, sources: list[str]) -> list[bytes]:
    """The leaf digests of the global that follows from the round's inputs."""
    count, k, width, parts = inputs.leaf_count, inputs.leaf_values, inputs.bits // 8, PARTS.get(inputs.rule, 1)
    prior = np.frombuffer(read_tree(sources, inputs.prior, count * parts, 4 * k), ">i4").reshape(parts, count, k)
    trees: list[np.ndarray] = []
    for index, update in enumerate(inputs.updates):
        found = "its tree is whole"
        try:
            leaves = read_tree(sources, update.root, count, k * width)
        except Unchecked as error:
            if update.accepted:
                raise
            found = str(error)
        if update.accepted:
            trees.append(np.frombuffer(leaves, f">i{width}").reshape(count, k))
        verdict = "accepted" if update.accepted else "not accepted"
        print(f"update {index} of {update.client}: {verdict}, weight {update.weight}, {cid(update.root)}: {found}")
    accepted = [update for update in inputs.updates if update.accepted]
    shifts, weights = np.array([[u.shift] for u in accepted]), np.array([[u.weight] for u in accepted])
    digests: list[list[bytes]] = [[] for _ in range(parts)]
    for i in range(count):
        mantissas = np.array([tree[i] for tree in trees], np.int64)
        of_rule = (inputs.server_lr, inputs.scale, inputs.bound)
        try:
            right = RULES[inputs.rule](Leaf(prior[:, i].astype(np.int64), mantissas, shifts, weights, *of_rule))
        except Garbage as garbage:
            raise Garbage(f"the sum of all updates at leaf {i} is out of range: {garbage}") from None
        for own, values in zip(digests, right, strict=True):
            own.append(hashlib.sha256(values.astype(">i4").tobytes()).digest())
    return [digest for part in digests for digest in part]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rpc", help="URL of a chain node's JSON-RPC")
    parser.add_argument("coordinator", help="address of the federation's contract")
    parser.add_argument("round", type=int, help="number of the round, from 1")
    parser.add_argument("source", nargs="+", help="a store's folder, or the URL of a trustless IPFS gateway")
    parser.add_argument("--from-block", type=int, default=0, help="a block before the round opened (default: 0)")
    given = parser.parse_args()
    for stream in (sys.stdout, sys.stderr):  # a path may hold what a terminal cannot show
        stream.reconfigure(errors="backslashreplace")
    node = Node(given.rpc, given.coordinator)
    inputs = read_round(node, given.round, given.from_block)
    digests = right_digests(inputs, given.source)
    state = "final" if inputs.is_final else "not final yet: the oldest proposal that stands"
    print(f"global of round {given.round} as of block {node.block} ({state}): {cid(inputs.root)}")
    wrong = [leaf for leaf in range(len(digests)) if digests[leaf] != inputs.claimed[leaf]]
    if not wrong:
        print("RIGHT: the accepted updates give this global")
        return 0
    print(f"WRONG: the accepted updates give {cid(root_of(digests))}; {len(wrong)} of {len(digests)} leaves differ")
    theirs, right = inputs.claimed[wrong[0]].hex(), digests[wrong[0]].hex()
    print(f"first wrong leaf: {wrong[0]}; the chain has {theirs}, right is {right}")
    return 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Garbage as found:
        print(f"WRONG: {found}")
        sys.exit(1)
    except Unchecked as reason:
        print(f"NOT CHECKED: {reason}", file=sys.stderr)
        sys.exit(2)
