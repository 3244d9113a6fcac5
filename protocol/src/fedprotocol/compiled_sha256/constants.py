"""The numbers of SHA-256: the first 32 bits of the fractional parts of the square and cube roots of the first primes
(FIPS 180-4, 4.2.2 and 5.3.3)."""

from __future__ import annotations

from math import isqrt


def _primes(count: int) -> list[int]:
    found: list[int] = []
    number = 2
    while len(found) < count:
        if all(number % prime for prime in found):
            found.append(number)
        number += 1
    return found


def _cube_root(number: int) -> int:
    near = round(number ** (1 / 3))
    return next(root for root in range(near - 2, near + 3) if root**3 <= number < (root + 1) ** 3)


CHUNK = 64
"""Bytes that SHA-256 takes in at a time."""

LENGTH = 8
"""Bytes of a block's length in bits, which ends the padding (FIPS 180-4, 5.1.1)."""

FIRST_STATE = [isqrt(prime << 64) & 0xFFFFFFFF for prime in _primes(8)]
CONSTANTS = [_cube_root(prime << 96) & 0xFFFFFFFF for prime in _primes(64)]
