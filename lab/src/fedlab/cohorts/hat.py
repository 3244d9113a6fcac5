"""Who is drawn for a round: seats leave a hat one after another, none twice. A seed decides everything.

This is the shuffle of Fisher and Yates (Durstenfeld, 1964), stopped after the cohort. A contract need not store it: the
seat at one place follows from the picks up to that place, read backwards.
"""

from __future__ import annotations

from eth_abi.abi import encode
from eth_utils.crypto import keccak


def seed_of(chain_id: int, coordinator: str, round_number: int, mix: bytes) -> bytes:
    """The seed of a round (32 bytes), from the RANDAO mix of a block. It is another one in each federation."""
    types = ["uint256", "address", "uint256", "bytes32"]
    return keccak(encode(types, [chain_id, coordinator, round_number, mix]))


def pick(seed: bytes, place: int, seats: int) -> int:
    """Which of the seats still in the hat is taken at `place`: place <= pick < seats. The rest of a 256-bit number by
    `seats - place` is even to seats / 2^256."""
    number = int.from_bytes(keccak(seed + place.to_bytes(32, "big")), "big")
    return place + number % (seats - place)


def seat_at(seed: bytes, place: int, seats: int) -> int:
    """The seat (0 to seats - 1) at one place of the cohort, as a contract would find it: in `place + 1` hashes, without
    memory. ValueError if there is no such place."""
    if not 0 <= place < seats:
        raise ValueError(f"there is no place {place} among {seats} seats")
    seat = pick(seed, place, seats)
    for earlier in range(place - 1, -1, -1):
        if seat == pick(seed, earlier, seats):
            seat = earlier  # that pick put the seat which lay here into its own place
    return seat


def cohort(seed: bytes, size: int, seats: int) -> list[int]:
    """All seats that are drawn, in the order of their places. There are no more than seats."""
    moved: dict[int, int] = {}
    drawn = []
    for place in range(min(size, seats)):
        taken = pick(seed, place, seats)
        drawn.append(moved.get(taken, taken))
        moved[taken] = moved.get(place, place)
    return drawn
