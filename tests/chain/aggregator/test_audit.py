"""`fedaggregator audit` on rounds of a real chain, in a process that has neither torch nor the node's package."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from fedlab.demo.recheck import BundleWrong, recheck
from fedprotocol import tree
from fedprotocol.leaves import MemoryLeaves
from fedprotocol.numbers import split_leaves
from fedprotocol.spec import spec_digest
from fedprotocol.store.directory import DirectoryStore
from support.command_lines import resolve
from support.deployed import CHAIN_ID, Deployed
from support.evm import Anvil
from support.leaf_round import INT32, LeafRound
from support.specs import small_spec

VALUES, K, LEAVES = 150, 32, 5  # the last leaf is padded
NOT_THERE = ("torch", "transformers", "peft", "bitsandbytes", "datasets", "pyarrow", "fednode")
PROGRAM = f"""
import sys
sys.modules.update(dict.fromkeys({NOT_THERE}))  # importing one of these is an ImportError
from fedaggregator.cli.app import main
main()
"""


class Settled:
    """A final round of three clients, one of whose updates was not accepted and is served by nobody."""

    def __init__(self, chain: Anvil, folder: Path, lie: int | None = None) -> None:
        prior = np.random.default_rng(3).integers(*INT32, VALUES, endpoint=True, dtype=np.int32)
        genesis = MemoryLeaves(split_leaves(prior, K))
        spec = small_spec(
            layout={"tensors": [{"name": "a", "shape": [10, 15]}], "leaf_values": K, "mantissa_bits": 8, "parts": 1},
            bounds={"max_shift": 23, "max_norm": 1.5, "min_norm": 1e-3},
            genesis_root="0x" + genesis.root.hex(),
        )
        own = {"genesisRoot": genesis.root, "specDigest": spec_digest(spec), "leafCount": LEAVES}
        federation = Deployed.on(chain, **own, minWindow=1, challengeLength=60)
        game = LeafRound(federation, prior, 3, rejected=[1])
        values = game.right_global()
        if lie is not None:
            values[lie] += 1 if values[lie] < 0 else -1
        proposed = game.tree_of(values)
        game.propose(proposed, game.accounts[0])
        chain.set_time(chain.now() + 1_000)
        self.root, self.folder = proposed.root, folder
        store = DirectoryStore(folder / "store")
        store.put_block(spec)
        for kept in (game.prior_tree, proposed, *(game.updates[i].tree for i in game.accepted)):
            store.put(MemoryLeaves(kept.leaves))
        (folder / "aggregator.toml").write_text(
            f'[chain]\nrpc = ["{chain.url}"]\nchain_id = {CHAIN_ID}\ncoordinator = "{federation.contract.address}"\n'
            f'[store]\nurl = "dir:store"\n'
        )

    def audit(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", PROGRAM, "audit", *words]
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=120)


@pytest.fixture(scope="module")
def chain() -> Iterator[Anvil]:
    with Anvil("--order", "fifo") as chain:
        yield chain


def test_a_right_global(chain: Anvil, tmp_path: Path) -> None:
    settled = Settled(chain, tmp_path)
    done = settled.audit("1", "--out", "bundle")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"round 1 is right: the bundle in bundle recomputes to {tree.cid(settled.root)}\n"
    assert {file.name for file in (tmp_path / "bundle").iterdir()} == {
        *("round.json", "prior.car", "update-0.car", "update-2.car", "global.car")
    }


def test_a_lie_that_became_final(chain: Anvil, tmp_path: Path) -> None:
    settled = Settled(chain, tmp_path, lie=2 * K + 7)
    done = settled.audit("1", "--out", "bundle", "--json")
    said = json.loads(done.stdout)
    assert done.returncode == 1
    assert (said["right"], said["global_root"], said["absent"]) == (False, "0x" + settled.root.hex(), [1])
    described = tmp_path / "bundle/round.json"
    facts = json.loads(described.read_text())
    facts["updates"] = [update for update in facts["updates"] if update["accepted"]]
    described.write_text(json.dumps(facts))
    with pytest.raises(BundleWrong, match=rf"the first is value {2 * K + 7} \(leaf 2\)"):
        recheck(tmp_path / "bundle")


def test_what_cannot_be_audited(chain: Anvil, tmp_path: Path) -> None:
    settled = Settled(chain, tmp_path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full/file").touch()
    DirectoryStore(tmp_path / "store").unpin(settled.root)
    for words, reason in {
        ("9", "--out", "none"): "error: there is no round 9; the last one that was opened is 1",
        ("1", "--out", "full"): "error: full is not an empty folder: choose another --out",
        ("1", "--out", "lost"): f"error: the round's global, {tree.cid(settled.root)}, is served by nobody",
    }.items():
        done = settled.audit(*words)
        assert done.returncode == 1
        assert done.stderr.startswith(reason)


def test_a_node_has_the_same_command() -> None:
    theirs, ours = (resolve([program, "audit"])[0] for program in ("fednode", "fedaggregator"))
    assert theirs.help == ours.help
    assert [option.opts for option in theirs.params] == [option.opts for option in ours.params]
