"""A second implementation of masks that shares no code with the packages: RFC 7748, RFC 5869, hashlib.

`python tests/support/second_masks.py` writes tests/vectors/masks.json.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

VECTORS = Path(__file__).parents[1] / "vectors" / "masks.json"
P = 2**255 - 19


def sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def x25519(secret: bytes, point: bytes) -> bytes:
    k = int.from_bytes(secret, "little") & ((1 << 254) - 8) | 1 << 254
    u = int.from_bytes(point, "little") % 2**255
    x2, z2, x3, z3 = 1, 0, u, 1
    for t in range(254, -1, -1):
        bit = k >> t & 1
        if bit:
            x2, z2, x3, z3 = x3, z3, x2, z2
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        aa, bb, da, cb = a * a % P, b * b % P, d * a % P, c * b % P
        x3, z3 = (da + cb) ** 2 % P, u * (da - cb) ** 2 % P
        x2, z2 = aa * bb % P, (aa - bb) * (aa + 121665 * (aa - bb)) % P
        if bit:
            x2, z2, x3, z3 = x3, z3, x2, z2
    return (x2 * pow(z2, P - 2, P) % P).to_bytes(32, "little")


def hmac(key: bytes, data: bytes) -> bytes:
    key = key.ljust(64, b"\0")
    return sha(bytes(b ^ 0x5C for b in key) + sha(bytes(b ^ 0x36 for b in key) + data))


def hkdf(ikm: bytes, salt: bytes, info: bytes) -> bytes:
    return hmac(hmac(salt, ikm), info + b"\1")


def words(seed: bytes, leaf: int, count: int) -> list[int]:
    start = sha(b"fedq/leaf/v1" + seed + leaf.to_bytes(4, "big"))
    data = b"".join(sha(start + c.to_bytes(4, "big")) for c in range(count // 8))
    return [int.from_bytes(data[i : i + 4], "big") for i in range(0, len(data), 4)]


def vectors() -> dict[str, Any]:
    accounts = sorted(sha(bytes([i]))[:20] for i in range(4))
    secrets = {a: sha(b"secret" + a) for a in accounts}
    keys = {a: x25519(s, (9).to_bytes(32, "little")) for a, s in secrets.items()}
    coordinator, prior, k, n = b"\xab" * 20, bytes(range(32)), 32, 40
    head = b"fedq/masks/v1" + (31337).to_bytes(32, "big") + coordinator + (3).to_bytes(32, "big") + prior
    t = sha(head + b"".join(a + keys[a] for a in accounts))
    sites, total = {}, [0] * 2 * k
    for number, a in enumerate(accounts):
        x = [(number + 1) * (j - 20) * 1000 for j in range(n)]
        y, seeds = x + [0] * (2 * k - n), {}
        for b in accounts:
            if b == a:
                continue
            info = b"fedq/pair/v1" + min(a, b) + max(a, b)
            s = hkdf(x25519(secrets[a], keys[b]), t, info)
            seeds["0x" + b.hex()] = s.hex()
            mask = words(s, 0, k) + words(s, 1, k)
            y = [v + m if b > a else v - m for v, m in zip(y, mask, strict=True)]
        y = [v % 2**32 for v in y]
        total = [(v + m) % 2**32 for v, m in zip(total, y, strict=True)]
        sites["0x" + a.hex()] = {"secret": secrets[a].hex(), "key": keys[a].hex(), "seeds": seeds, "x": x, "y": y}
    first = bytes.fromhex(sites["0x" + accounts[0].hex()]["seeds"]["0x" + accounts[1].hex()])
    return {
        "chain_id": 31337, "coordinator": "0x" + coordinator.hex(), "round": 3, "prior": prior.hex(), "leaf_values": k,
        "transcript": t.hex(), "sites": sites, "first_mask": words(first, 1, k), "sum": total,
    }  # fmt: skip


if __name__ == "__main__":
    VECTORS.write_text(json.dumps(vectors(), indent=1) + "\n")
