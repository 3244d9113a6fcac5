"""X25519 keys of a round (RFC 7748), and the seed that two members share (HKDF-SHA256, RFC 5869)."""

import hmac
import secrets

from Crypto.Protocol.DH import import_x25519_private_key, import_x25519_public_key, key_agreement
from eth_utils.address import to_canonical_address
from fedprotocol.masks.limits import MasksError
from fedprotocol.masks.transcript import KEY_BYTES

_PAIR = b"fedq/pair/v1"


def fresh_secret() -> bytes:
    """A new secret key, 32 bytes from the system's random source. Use it in one commit only."""
    return secrets.token_bytes(32)


def public_key(secret: bytes) -> bytes:
    """The public key of a secret one, 32 bytes: what `commit` publishes as its hash."""
    return bytes(import_x25519_private_key(secret).public_key().export_key(format="raw"))


def agreed(secret: bytes, peer_key: bytes) -> bytes:
    """Z, the 32 bytes that both members compute.

    All zero where the peer's key has a small order, which the library refuses. Then the seed is no secret: such a peer
    gives away only the masks that it shares itself.

    Raises:
        MasksError: the peer's key has another length than 32 bytes.
    """
    if len(peer_key) != KEY_BYTES:
        raise MasksError(f"a peer's key has {len(peer_key)} bytes, not {KEY_BYTES}; read its commit again")
    private = import_x25519_private_key(secret)
    try:
        peer = import_x25519_public_key(peer_key)
        return bytes(key_agreement(static_priv=private, static_pub=peer, kdf=bytes))
    except ValueError:
        return bytes(32)


def pair_seed(transcript: bytes, secret: bytes, account: str, peer: str, peer_key: bytes) -> bytes:
    """s_ij, 32 bytes: the same for both members of a pair, and bound to the round's transcript.

    `account` and `peer` are 0x-hex; `secret` belongs to `account`, `peer_key` to `peer`.
    """
    lower, higher = sorted((to_canonical_address(account), to_canonical_address(peer)))
    extracted = hmac.digest(transcript, agreed(secret, peer_key), "sha256")
    return hmac.digest(extracted, _PAIR + lower + higher + b"\x01", "sha256")  # one block of HKDF is enough
