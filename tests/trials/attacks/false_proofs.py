"""Every way we can think of to challenge a right global: each a call, and the error that it must be refused with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from fedprotocol import tree
from fedprotocol.chain.read.disputes import Opening, Proof, Sums
from fedprotocol.leaves import Leaves

from attacks.proofs import Evidence, opening

LEAF = 1  # the leaf that most of them are about; its neighbour in the tree is leaf 0
KEPT = 2  # updates whose sums at that leaf the chain keeps


@dataclass(frozen=True)
class Attempt:
    """One call. `to`: address; `error`: name in Solidity."""

    what: str
    to: str
    data: bytes
    error: str


def false_proofs(
    right: Leaves, now: Evidence, past: Evidence, past_right: Leaves, rejected: Leaves, unproposed: Leaves
) -> Iterator[tuple[str, Proof, str]]:
    """What each does, the proof, the error.

    Args:
        right: the global that is proposed; it follows from `now`.
        past, past_right: the round before, which is settled, and its global.
        rejected: an update of the round that was not accepted.
        unproposed: a wrong global that nobody has proposed.
    """
    true = now.proof(right, LEAF)
    for leaf in range(len(right)):
        yield f"the true proof of leaf {leaf}", now.proof(right, leaf), "LeafIsCorrect"
    yield "the true proof, from sums that were carried", now.proof(right, LEAF, KEPT), "LeafIsCorrect"
    yield "the true proof of the round before", past.proof(past_right, LEAF), "LeafIsCorrect"

    # Another round.
    yield "a made-up inputs hash", replace(true, inputs_hash=bytes(32)), "WrongInputs"
    yield "the inputs of the round before", replace(true, inputs_hash=past.inputs_hash), "WrongInputs"
    yield "this round's proof under the number of the one before", replace(true, round=past.round), "WrongInputs"
    old = past.proof(right, LEAF)
    yield "the updates of the round before", replace(true, updates=old.updates), "WrongPath"
    yield "the prior of the round before", replace(true, prior=old.prior), "WrongPath"
    yield "a round that never was", replace(true, round=10**6), "WrongInputs"

    # Other updates.
    first, second, *others = true.updates
    yield "two clients' updates in each other's place", replace(true, updates=(second, first, *others)), "WrongPath"
    swapped = replace(first, leaf=second.leaf)
    yield "a client's leaf on another's path", replace(true, updates=(swapped, second, *others)), "WrongPath"
    yield "an update left out", replace(true, updates=true.updates[1:]), "WrongCount"
    yield "no updates", replace(true, updates=()), "WrongCount"
    yield "an update twice", replace(true, updates=(first, *true.updates)), "WrongCount"
    yield "an update in another's stead", replace(true, updates=(first, first, *others)), "WrongPath"
    extra = opening(rejected, LEAF)
    yield "the rejected update beside the others", replace(true, updates=(*true.updates, extra)), "WrongCount"
    yield "the rejected update in one's stead", replace(true, updates=(extra, second, *others)), "WrongPath"

    # Other bytes.
    for name, leaf in (("changed", _flipped(first.leaf)), ("cut off", first.leaf[:-1]), ("added", first.leaf + b"\0")):
        yield f"a byte {name} in an update", _with_first(true, Opening(leaf, first.path)), "WrongPath"
    [prior] = true.prior
    changed = Opening(_flipped(prior.leaf), prior.path)
    yield "a byte changed in the prior", replace(true, prior=(changed,)), "WrongPath"
    yield "no prior", replace(true, prior=()), "WrongParts"
    yield "the prior twice", replace(true, prior=(prior, prior)), "WrongParts"
    yield "a part that the rule has not", replace(true, part=1), "WrongParts"

    # Other places in the tree.
    yield "a sibling too many", _with_first(true, replace(first, path=(*first.path, bytes(32)))), "WrongPathLength"
    yield "a sibling too few", _with_first(true, replace(first, path=first.path[1:])), "WrongPathLength"
    yield "a claimed path too long", replace(true, claimed_path=(*true.claimed_path, bytes(32))), "WrongPathLength"
    yield "an update's leaf from elsewhere", _with_first(true, opening(now.updates[0], 0)), "WrongPath"
    yield "the prior's leaf from elsewhere", replace(true, prior=(opening(now.prior, 0),)), "WrongPath"
    yield "the proof at another index", replace(true, leaf_index=0), "WrongPath"
    yield "a leaf beyond the last", replace(true, leaf_index=len(right)), "LeafOutOfRange"
    yield "an inner node as an update's leaf", _with_first(true, _node(now.updates[0])), "WrongPathLength"
    last = now.proof(right, len(right) - 1)
    yield "the node beside the last leaf as that leaf", _with_first(last, _node_in_last(now.updates[0])), "WrongPath"

    # Other claims.
    yield "another leaf's digest", replace(true, claimed_digest=right.digest(0)), "WrongPath"
    yield "the sibling's digest with its own path", _claim(true, right, 0), "WrongPath"
    yield "an inner node's digest", replace(last, claimed_digest=_over_others(right)), "WrongPath"
    yield "a random digest", replace(true, claimed_digest=bytes(32)), "WrongPath"
    yield "a wrong global that nobody proposed", now.proof(unproposed, LEAF), "NoSuchProposal"
    mixed = replace(now.proof(unproposed, LEAF), proposal_root=right.root)
    yield "a wrong leaf under the right root", mixed, "WrongPath"

    # Other sums.
    known = now.sums(LEAF, KEPT)
    rest = now.proof(right, LEAF, KEPT)
    yield "made-up sums", replace(rest, start=replace(known, values=_flipped(known.values))), "UnknownSums"
    yield "the sums with another weight", replace(rest, start=replace(known, weight=known.weight + 1)), "UnknownSums"
    yield "the sums under another count", replace(rest, start=replace(known, count=KEPT - 1)), "UnknownSums"
    yield "sums that nobody carried", now.proof(right, LEAF, KEPT + 1), "UnknownSums"
    yield "a beginning that is not empty", replace(true, start=replace(known, count=0)), "UnknownSums"
    yield "a beginning with a weight", replace(true, start=Sums(0, 1, b"")), "UnknownSums"
    yield "the sums of another leaf", replace(now.proof(right, 0, KEPT), start=known), "UnknownSums"
    yield "all updates after the sums over two", replace(true, start=known), "WrongCount"


def _with_first(proof: Proof, update: Opening) -> Proof:
    return replace(proof, updates=(update, *proof.updates[1:]))


def _claim(proof: Proof, leaves: Leaves, index: int) -> Proof:
    """The claim about leaf `index` in a proof of another one."""
    other = opening(leaves, index)
    return replace(proof, claimed_digest=leaves.digest(index), claimed_path=other.path)


def _flipped(data: bytes) -> bytes:
    return bytes([data[0] ^ 1]) + data[1:]


def _node(leaves: Leaves) -> Opening:
    """The 83 bytes above leaves 0 and 1, with what is left of their path."""
    return Opening(tree.inner_node(leaves.digest(0), True, leaves.digest(1), True), opening(leaves, LEAF).path[1:])


def _node_in_last(leaves: Leaves) -> Opening:
    """The bytes of the node over all leaves but the last, with a path as long as the last one's."""
    levels = tree.levels([leaves.digest(i) for i in range(len(leaves))])
    left, right = levels[-3][:2]
    return Opening(tree.inner_node(left, False, right, False), (leaves.digest(len(leaves) - 1),))


def _over_others(leaves: Leaves) -> bytes:
    """Digest of the node over all leaves but the last, which is promoted to stand beside it."""
    return tree.levels([leaves.digest(i) for i in range(len(leaves))])[-2][0]
