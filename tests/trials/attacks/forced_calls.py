"""Calls that no careful program would send: nobody asks beforehand whether they would succeed."""

from __future__ import annotations

from typing import Any

from hexbytes import HexBytes
from support.synthetic import SyntheticClient

from attacks.actors import Actor
from attacks.mempool import GWEI, push

GAS = 1_000_000


def force(actor: Actor | SyntheticClient, call: Any, max_fee: int = 100 * GWEI) -> str:
    """Sign and send `call`; returns its hash, and waits for nothing."""
    return push(actor, call.address, bytes(HexBytes(call._encode_transaction_data())), GAS, max_fee)
