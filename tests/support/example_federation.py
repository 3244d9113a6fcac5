"""The smallest federation that shows everything: three sites, three rounds, a lie that is convicted in the second."""

from __future__ import annotations

import hashlib
from pathlib import Path

from fedaggregator.rules import RULES, Rule
from fedprotocol.spec import load_spec
from fedprotocol.store.directory import DirectoryStore
from support.evm import Anvil
from support.live_federation import TOKEN
from support.played.content import Landscape, tree_of
from support.played.federation import PlayedFederation
from support.played.history import History
from support.played.plan import ORDINARY, Plan
from support.specs import small_spec

SITES = {"clinic": 120, "bank": 72, "law office": 64}  # and their examples
BANK = 1
LIE, PENALTY = 2, 3
PLANS = (ORDINARY, Plan(lies=1), Plan(mute=[BANK]))
"""Of the rounds 1, LIE and PENALTY, in which the bank does not attest."""
LEAF_VALUES = 32
BEGAN = 1_788_253_200  # seconds since 1970: 2026-09-01 09:00 UTC
ANVIL_OPTIONS = ("--accounts", "8", "--timestamp", str(BEGAN))


class ExampleFederation:
    """On `chain`, made with ANVIL_OPTIONS, with its content in `folder`; all rounds are settled."""

    def __init__(self, chain: Anvil, folder: Path, rule: Rule = RULES["fedavg"]) -> None:
        landscape = Landscape([(32, 0.004), (32, 0.02)], len(SITES), pace=0.4, seed=3)
        document = _document(tree_of(landscape.first_global(rule.parts), LEAF_VALUES).root, rule)
        spec = load_spec(document)
        self.store = DirectoryStore(folder)
        self.federation = f = PlayedFederation(
            chain,
            landscape,
            clients=len(SITES),
            rule=rule,
            per_block=len(SITES),
            store=self.store,
            specDigest=hashlib.sha256(document).digest(),
            leafValues=LEAF_VALUES,
            maxShift=spec.bounds.max_shift,
            maxClients=4,
            totalRounds=len(PLANS),
            roundReward=100 * TOKEN,
        )
        for client, examples in zip(f.clients, SITES.values(), strict=True):
            client.examples = examples
        self.store.put_block(document)
        self.history = history = History(f)
        f.fund(len(PLANS))
        f.provide_bonds()
        f.join(f.clients)
        for plan in PLANS:
            history.play(plan)
        history.finish()
        f.claim([client.address for client in f.clients])

    @property
    def address(self) -> str:
        """Of the coordinator."""
        return self.federation.coordinator.address

    @property
    def names(self) -> dict[str, str]:
        """What people call the accounts."""
        return self.federation.named(SITES)


def _document(genesis_root: bytes, rule: Rule) -> bytes:
    tensors = [
        {"name": f"model.layers.0.self_attn.q_proj.lora_{factor}.weight", "shape": shape}
        for factor, shape in (("A", [2, 16]), ("B", [16, 2]))
    ]
    return small_spec(
        name="Three sites",
        lora={"r": 2, "alpha": 4, "dropout": 0.0, "target_modules": ["q_proj"], "factors": "both"},
        layout={"tensors": tensors, "leaf_values": LEAF_VALUES, "mantissa_bits": 8, "parts": rule.parts},
        bounds={"max_shift": 16, "max_norm": 1.5, "min_norm": 1e-4},
        rule=rule.name,
        genesis_root="0x" + genesis_root.hex(),
    )
