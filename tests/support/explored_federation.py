"""A small federation to look at: four sites, a spec, content in a folder, and rounds in which things go wrong."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from fedprotocol.leaves import MemoryLeaves
from fedprotocol.numbers import split_leaves
from fedprotocol.spec import Spec, load_spec
from fedprotocol.store.directory import DirectoryStore
from fedprotocol.types import Phase
from support.evm import Anvil
from support.live_federation import TOKEN
from support.played.content import Landscape
from support.played.federation import PlayedFederation
from support.played.history import History
from support.played.plan import ORDINARY, Plan
from support.specs import DOCUMENT, small_spec

SITES = {"clinic": 320, "bank": 210, "law office": 140, "software house": 260}  # and their examples
CLINIC, BANK, LAW, SOFTWARE = range(4)
ACCOUNTS = 10
ROUNDS = 12
LEAF_VALUES = 128

FINAL, REFUSED, LIE, PENALTY, VOID, RECOVERED = range(1, 7)
OPEN = 7
"""Numbers of rounds. In REFUSED the law office's update is not accepted; in LIE a wrong proposal is convicted, with
sums that were carried; in PENALTY the bank does not attest; VOID has too few reveals; OPEN is still open."""

PLANS = {
    REFUSED: Plan(refused=[LAW]),
    LIE: Plan(lies=1, carried=True),
    PENALTY: Plan(mute=[BANK]),
    VOID: Plan(hidden=[CLINIC, SOFTWARE]),
}


class ExploredFederation:
    """On `chain`, made with `anvil_options`, with its content in `folder` / store. The rounds up to RECOVERED are
    played, and OPEN as far as the phase `until`, in which half of the sites have acted."""

    def __init__(self, chain: Anvil, folder: Path, until: Phase = Phase.TRAIN, **terms: Any) -> None:
        landscape = Landscape([(256, 0.004), (256, 0.02)] * 2, len(SITES), pace=0.4, seed=7)
        genesis = MemoryLeaves(split_leaves(landscape.genesis, LEAF_VALUES))
        self.chain, self.folder = chain, folder
        self.document = _document(genesis.root)
        self.store = DirectoryStore(folder / "store")
        self.federation = PlayedFederation(
            chain, landscape, clients=len(SITES), store=self.store, **{**_terms(self.document), **terms}
        )
        for client, examples in zip(self.federation.clients, SITES.values(), strict=True):
            client.examples = examples
        self.store.put_block(self.document)
        self.history = History(self.federation)
        self._play(until)

    @property
    def spec(self) -> Spec:
        return load_spec(self.document)

    @property
    def address(self) -> str:
        """Of the coordinator."""
        return self.federation.coordinator.address

    @property
    def names(self) -> dict[str, str]:
        """What people call the accounts."""
        return self.federation.named(SITES)

    def go_on(self, until: Phase) -> None:
        """With the open round, to that phase."""
        self.history.go_on(until)

    def _play(self, until: Phase) -> None:
        f = self.federation
        f.fund(ROUNDS)
        f.provide_bonds()
        f.join(f.clients)
        for number in range(FINAL, OPEN):
            self.history.play(PLANS.get(number, ORDINARY))
            if number == LIE:
                f.claim([f.clients[CLINIC].address, f.aggregator])
        self.history.play(until=until)


def anvil_options(now: int) -> list[str]:
    """Of the chain: it begins so long before `now` (seconds since 1970) that OPEN is played at about that time."""
    return ["--accounts", str(ACCOUNTS), "--timestamp", str(now - 7_000)]


def _document(genesis_root: bytes) -> bytes:
    modules = [f"layers.{layer}.self_attn.{name}" for layer in range(2) for name in ("q_proj", "v_proj")]
    shapes = {"A": [4, 32], "B": [32, 4]}
    tensors = [
        {"name": f"model.{module}.lora_{factor}.weight", "shape": shapes[factor]}
        for module in modules
        for factor in shapes
    ]
    return small_spec(
        name="Example of four sites",
        lora={"r": 4, "alpha": 8, "dropout": 0.0, "target_modules": ["q_proj", "v_proj"], "factors": "both"},
        layout={"tensors": tensors, "leaf_values": LEAF_VALUES, "mantissa_bits": 8, "parts": 1},
        bounds={"max_shift": 16, "max_norm": 1.5, "min_norm": 1e-3},
        genesis_root="0x" + genesis_root.hex(),
        training={**DOCUMENT["training"], "rounds": ROUNDS},
    )


def _terms(document: bytes) -> dict[str, Any]:
    spec = load_spec(document)
    return {
        "specDigest": hashlib.sha256(document).digest(),
        "leafValues": spec.layout.leaf_values,
        "maxShift": spec.bounds.max_shift,
        "maxClients": 8,
        "totalRounds": ROUNDS,
        "roundReward": 200 * TOKEN,
    }
