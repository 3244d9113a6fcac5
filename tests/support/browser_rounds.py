"""Rounds as the check in the visitor's browser gets them: a manifest, and leaves by root."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from fedaggregator.compute.merge import Contribution, merge
from fedaggregator.rules import RULES, Rule
from fedaggregator.rules.masked_mean import MaskedMean
from fedprotocol import tree
from fedprotocol.car import MemoryLeaves
from fedprotocol.hashes import inputs_genesis, inputs_step
from fedprotocol.numbers import split_leaves
from numpy.typing import NDArray

STATIC = Path(__file__).parents[2] / "explorer/src/fedexplorer/static"
SCRIPTS = [STATIC / name for name in ("check_inputs.js", "check_rules.js", "check.js")]
CHAIN_ID, COORDINATOR, ROUND = 31337, "0x" + "C0" * 20, 7


@dataclass(frozen=True)
class Given:
    """An update: mantissas [values], int8 or int16, or int32 if masked; weight, shift, and whether it counts."""

    mantissas: NDArray[np.signedinteger[Any]]
    weight: int
    shift: int
    accepted: bool = True

    @property
    def bits(self) -> int:
        return 8 * self.mantissas.dtype.itemsize


@dataclass
class BrowserRound:
    """`trees`: the leaves by root, as hexadecimal text. A test may change what it likes."""

    manifest: dict[str, Any]
    trees: dict[str, list[bytes]]

    def argument(self) -> dict[str, Any]:
        """What `IN_PAGE` takes."""
        return {
            "manifest": self.manifest,
            "trees": {root: b64encode(b"".join(leaves)).decode() for root, leaves in self.trees.items()},
        }

    def lie(self, leaf: int) -> str:
        """Adds one to the last value of a leaf of the global, and names the root of that; the right root."""
        right = str(self.manifest["global_root"])
        leaves = list(self.trees[right])
        value = int.from_bytes(leaves[leaf][-4:], "big", signed=True) + 1
        leaves[leaf] = leaves[leaf][:-4] + value.to_bytes(4, "big", signed=True)
        root = tree.root(map(tree.leaf_digest, leaves)).hex()
        self.manifest["global_root"], self.trees[root] = root, leaves
        return right


IN_PAGE = """async ({manifest, trees, options}) => {
    const bytes = {};
    for (const [root, text] of Object.entries(trees)) bytes[root] = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    const source = {
        atOnce: options.atOnce,
        leaves: async (root, first, count, size) => {
            if (!bytes[root]) throw new Error(`no leaves of ${root} are here`);
            return bytes[root].slice(first * size, (first + count) * size);
        },
    };
    return FedCheck.checkRound(manifest, source, options);
}"""
"""Checks a round whose leaves lie in memory."""


def browser_round(
    folder: Path,
    prior: NDArray[np.int32],
    given: Sequence[Given],
    leaf_values: int,
    server_lr: int,
    rule: Rule = RULES["fedavg"],
) -> BrowserRound:
    """A right round; its global is what fedaggregator's `merge` makes of `prior` [parts, values], or [values]."""
    before = MemoryLeaves([leaf for part in np.atleast_2d(prior) for leaf in split_leaves(part, leaf_values)])
    leaves = [MemoryLeaves(split_leaves(update.mantissas, leaf_values)) for update in given]
    counted = [
        Contribution(own, update.weight, update.shift)
        for own, update in zip(leaves, given, strict=True)
        if update.accepted
    ]
    with merge(rule, before, counted, given[0].bits, server_lr, folder / "global") as merged:
        after = MemoryLeaves([merged[i] for i in range(len(merged))])
    clients = [f"0x{i + 0xA0:040x}" for i in range(len(given))]
    inputs_hash = inputs_genesis(CHAIN_ID, COORDINATOR, ROUND, before.root)
    updates = []
    for index, (client, own, update) in enumerate(zip(clients, leaves, given, strict=True)):
        inputs_hash = inputs_step(inputs_hash, index, client, own.root, update.shift, update.weight)
        updates.append(
            {
                "index": index,
                "client": client,
                "root": own.root.hex(),
                "weight": update.weight,
                "shift": update.shift,
                "accepted": update.accepted,
            }
        )
    manifest = {
        "leaf_count": len(before) // rule.parts,
        "leaf_values": leaf_values,
        "mantissa_bits": given[0].bits,
        "server_lr": server_lr,
        "rule": rule.name,
        "parts": rule.parts,
        "prior_root": before.root.hex(),
        "global_root": after.root.hex(),
        "updates": updates,
        "chain_id": CHAIN_ID,
        "coordinator": COORDINATOR,
        "round": ROUND,
        "inputs_hash": inputs_hash.hex(),
        "masking": {"scale": rule.scale, "bound": rule.bound} if isinstance(rule, MaskedMean) else None,
    }
    return BrowserRound(
        manifest, {own.root.hex(): [own[i] for i in range(len(own))] for own in (before, after, *leaves)}
    )


def masked_round(
    folder: Path,
    rng: np.random.Generator,
    clients: int,
    values: int,
    leaf_values: int,
    rule: MaskedMean,
    *,
    largest: bool = False,
) -> BrowserRound:
    """Updates as large as they may be, or random ones, under masks that cancel."""
    weight = 2**15 // clients if largest else 40
    _, bound = rule.parameters
    ends = np.array([-weight * bound, weight * bound])
    deltas = rng.choice(ends, (clients, values)) if largest else rng.integers(*ends, (clients, values), endpoint=True)
    if largest:
        deltas[:] = deltas[0]
    masks = rng.integers(0, 2**32, (clients, values), dtype=np.uint64)
    masks[-1] = -masks[:-1].sum(0, dtype=np.uint64)
    sent = (deltas.astype(np.uint64) + masks).astype(np.uint32).view(np.int32)
    prior = rng.integers(-(2**31), 2**31, values).astype(np.int32)
    rate = int(rng.choice([50_000, 2**16, 2**17]))
    return browser_round(folder, prior, [Given(own, weight, 0) for own in sent], leaf_values, rate, rule)


def random_round(
    folder: Path,
    seed: int,
    clients: int,
    bits: int,
    values: int,
    leaf_values: int,
    *,
    largest: bool = False,
    rule: Rule = RULES["fedavg"],
) -> BrowserRound:
    """Random numbers over all of their range; `largest` takes the ends of it only. For the rule of masked updates
    `bits` do not matter: they are 32."""
    rng = np.random.default_rng(seed)
    if isinstance(rule, MaskedMean):
        return masked_round(folder, rng, clients, values, leaf_values, rule, largest=largest)
    ends = np.array([-(2 ** (bits - 1)), 2 ** (bits - 1) - 1])
    given = [
        Given(
            (rng.choice(ends, values) if largest else rng.integers(ends[0], ends[1] + 1, values)).astype(
                f"i{bits // 8}"
            ),
            2**20 - 1 if largest else int(rng.choice([1, 2, 3, 64, 2**20 - 1, int(rng.integers(1, 2**20))])),
            31 - bits if largest else int(rng.integers(0, 32 - bits)),
            largest or client == 0 or bool(rng.random() < 0.8),
        )
        for client in range(clients)
    ]
    if largest:  # the sums themselves reach the ends: every client has the same mantissas in the first half
        for update in given:
            update.mantissas[: values // 2] = given[0].mantissas[: values // 2]
    prior = rng.integers(-(2**31), 2**31, (rule.parts, values))
    prior[:, :2] = -(2**31), 2**31 - 1
    lr = int(rng.choice([1, 50_000, 2**16, 2**17]))
    return browser_round(folder, prior.astype(np.int32), given, leaf_values, lr, rule)
