"""A site's update under the masks of all its peers."""

from collections.abc import Callable, Collection, Mapping

import numpy as np
from eth_utils.address import to_canonical_address
from fedprotocol.masks.limits import MasksError
from fedprotocol.numbers import leaf_count
from numpy.typing import NDArray

from fednode.masking.keys import pair_seed, public_key
from fednode.masking.stream import leaf_mask


def pair_seeds(transcript: bytes, secret: bytes, account: str, keys: Mapping[str, bytes]) -> dict[str, bytes]:
    """The seed shared with each other member; `keys` are those of the transcript.

    Raises:
        MasksError: the account is no member, or was committed with the key of another secret.
    """
    own = to_canonical_address(account)
    if [key for member, key in keys.items() if to_canonical_address(member) == own] != [public_key(secret)]:
        raise MasksError(f"{account} is not among the members with the key that this node holds; it must not take part")
    peers = {member: key for member, key in keys.items() if to_canonical_address(member) != own}
    return {peer: pair_seed(transcript, secret, account, peer, key) for peer, key in peers.items()}


def masked_leaves(
    values: NDArray[np.int32],
    leaf_values: int,
    account: str,
    seeds: Mapping[str, bytes],
    after_leaf: Callable[[], None] | None = None,
    frozen: Collection[int] = (),
) -> list[bytes]:
    """y as leaves of big-endian uint32: x, plus the masks shared with higher accounts, minus those with lower ones.

    Args:
        values: x, int32 [value count]; the end of the last leaf is filled with zeros, which the masks hide too.
        leaf_values: K, a power of two of at least 32.
        account: this site's, 0x-hex.
        seeds: the seed for each other member's account.
        after_leaf: called after every leaf; an exception from it passes through.
        frozen: leaves that are zeros for every site (`frozen_factors`). They get no masks, which would hide nothing and
            cost four bytes a value.

    Raises MasksError, also if a frozen leaf is not zero.
    """
    if values.dtype != np.int32 or values.ndim != 1:
        raise MasksError(f"an update is a vector of int32, not {values.dtype}{list(values.shape)}")
    own = to_canonical_address(account)
    added = [(seed, to_canonical_address(peer) > own) for peer, seed in seeds.items()]
    padded = np.zeros((leaf_count(values.size, leaf_values), leaf_values), np.uint32)
    padded.reshape(-1)[: values.size] = values.view(np.uint32)
    for leaf, row in enumerate(padded):
        if leaf in frozen and row.any():
            raise MasksError(f"leaf {leaf} holds a value that the round does not train")
        for seed, adds in () if leaf in frozen else added:
            mask = leaf_mask(seed, leaf, leaf_values)
            np.add(row, mask, out=row) if adds else np.subtract(row, mask, out=row)
        if after_leaf is not None:
            after_leaf()
    return [row.astype(">u4").tobytes() for row in padded]
