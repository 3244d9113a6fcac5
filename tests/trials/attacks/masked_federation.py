"""What a masked federation has that others have not: its own rule, a gate, and nodes that name peers of their own."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from fedprotocol.masks.document import MASKED_RULE, Masking
from fedprotocol.types import MASKED_BITS
from support.evm import Anvil
from web3.contract import Contract

CHOICES: dict[str, Any] = {"rule": MASKED_RULE, "mantissa_bits": MASKED_BITS}
"""Of the spec."""


class Gate:
    """The list of accounts that may take a seat; the sponsor keeps it."""

    def __init__(self, chain: Anvil) -> None:
        self._chain = chain
        self._contract: Contract = chain.deploy("AllowlistGate", chain.accounts[0], [])
        self.address = self._contract.address

    def admit(self, *accounts: str) -> None:
        self._chain.do(self._contract.functions.setAllowed(list(accounts), True))

    def refuse(self, *accounts: str) -> None:
        """Who is seated stays so until somebody drops it."""
        self._chain.do(self._contract.functions.setAllowed(list(accounts), False))


def terms(chain: Anvil, gate: Gate, masking: Masking) -> dict[str, Any]:
    """Of the contract."""
    rule = chain.deploy("MaskedMean", masking.scale, masking.bound)
    return {
        "rule_at": rule.address,
        "gate": gate.address,
        "mantissaBits": MASKED_BITS,
        "maxShift": 0,
        "minClients": 3,
        "maxClients": 8,
    }


def name_peers(config: Path, peers: Collection[str], at_least: int, changed_in: Collection[int] = ()) -> None:
    """What an operator writes into `[private]`, which comes last in a node's config; it replaces what stood there."""
    kept = config.read_text().split("[private]\n")[0]
    lines = ["[private]", f"peers = {json.dumps(sorted(peers))}", f"at_least = {at_least}"]
    lines.append(f"changed_in = {json.dumps(sorted(changed_in))}")
    config.write_text(kept + "\n".join(lines) + "\n")
