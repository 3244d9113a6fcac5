"""The transcript: one digest of a round, its prior and the fixed set of its members with their keys.

Masks are derived from it. So two sites that believe in different members have masks that do not cancel, and what they
publish opens nothing.
"""

import hashlib
from collections.abc import Mapping

from eth_utils.address import to_canonical_address

from fedprotocol.masks.limits import MasksError

KEY_BYTES = 32
ROOT_BYTES = 32
MIN_MEMBERS = 3
MAX_MEMBERS = 64

_LABEL = b"fedq/masks/v1"


def transcript(
    chain_id: int, coordinator: str, round_number: int, prior_root: bytes, keys: Mapping[str, bytes]
) -> bytes:
    """T, 32 bytes.

    Args:
        chain_id: of the chain.
        coordinator: its address, 0x-hex.
        round_number: from 1.
        prior_root: root of the settled prior, 32 bytes.
        keys: for each member's account (0x-hex) its X25519 public key, 32 bytes, as it was committed.

    Raises:
        MasksError: fewer than 3 or more than 64 members, an account twice, or a key or root of another length.
    """
    if not MIN_MEMBERS <= len(keys) <= MAX_MEMBERS:
        raise MasksError(f"a masked round has {MIN_MEMBERS} to {MAX_MEMBERS} members, not {len(keys)}")
    if len(prior_root) != ROOT_BYTES:
        raise MasksError(f"a root has {ROOT_BYTES} bytes, not {len(prior_root)}")
    members = sorted((to_canonical_address(account), key) for account, key in keys.items())
    if len({account for account, _ in members}) < len(members):
        raise MasksError("an account stands among the members more than once, in different spellings")
    digest = hashlib.sha256(_LABEL + chain_id.to_bytes(32, "big") + to_canonical_address(coordinator))
    digest.update(round_number.to_bytes(32, "big") + prior_root)
    for account, key in members:
        if len(key) != KEY_BYTES:
            raise MasksError(f"the key of 0x{account.hex()} has {len(key)} bytes, not {KEY_BYTES}")
        digest.update(account + key)
    return digest.digest()
