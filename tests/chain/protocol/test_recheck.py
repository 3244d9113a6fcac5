"""tools/recheck.py on rounds of a real chain: it shares no code with what it checks."""

from __future__ import annotations

import ast
import subprocess
import sys
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
from eth_utils.abi import event_abi_to_log_topic, function_abi_to_4byte_selector
from fedaggregator.rules import RULES
from fedprotocol import tree
from fedprotocol.chain.abi import entry
from fedprotocol.leaves import MemoryLeaves
from fedprotocol.numbers import split_leaves
from fedprotocol.store.directory import DirectoryStore
from support.deployed import Deployed
from support.evm import Anvil
from support.leaf_round import INT32, LeafRound
from support.proxy import Proxy
from support.rules import PUBLIC

PROGRAM = Path(__file__).parents[3] / "tools/recheck.py"
K = 32
REJECTED = 1  # nobody serves this update
RIGHT, WRONG, NOT_CHECKED = 0, 1, 2


class Played:
    """A round of three clients with its trees in a store's folder, and nothing proposed."""

    def __init__(self, chain: Anvil, store: Path, leaves: int, bits: int, name: str = "fedavg") -> None:
        self.rule = rule = RULES[name]
        prior = np.random.default_rng(3).integers(*INT32, rule.parts * leaves * K, endpoint=True, dtype=np.int32)
        genesis = MemoryLeaves(split_leaves(prior, K))
        settings = {"genesisRoot": genesis.root, "leafCount": leaves, "mantissaBits": bits, "maxClients": 4}
        settings["rule"] = chain.standing(rule.contract).address
        self.federation = Deployed.on(chain, **settings, serverLr=70_000, minWindow=1, challengeLength=60)
        self.chain, self.store = chain, DirectoryStore(store)
        self.game = LeafRound(self.federation, prior, 3, rejected=[REJECTED], parts=rule.parts)
        for kept in (genesis, *(MemoryLeaves(self.game.updates[i].tree.leaves) for i in self.game.accepted)):
            self.store.put(kept)

    def right_global(self) -> list[int]:
        """What the programs compute."""
        game, sums = self.game, None
        accepted = [game.updates[i] for i in game.accepted]
        for update in accepted:
            sums = self.rule.accumulate(sums, update.mantissas.reshape(-1, K), update.weight, update.shift)
        assert sums is not None
        total, prior = sum(update.weight for update in accepted), game.prior.reshape(self.rule.parts, -1, K)
        return list(map(int, self.rule.finish(sums, prior, total, game.config.server_lr).flat))

    def propose(self, *errors: int, by: int = 0) -> None:
        """The right global, but for an error of one unit in each of these values."""
        values = self.right_global()
        for at in errors:
            values[at] += 1 if values[at] < 0 else -1
        proposed = self.game.tree_of(values)
        for page, at in enumerate(range(0, len(proposed.digests), tree.PAGE_LEAVES)):
            self.game.propose_digests(proposed.digests[at : at + tree.PAGE_LEAVES], self.game.accounts[by], page)

    def finalize(self) -> None:
        self.chain.set_time(self.chain.now() + 1_000)
        sponsor = self.chain.accounts[0]
        self.game.send(self.game.contract.functions.settle(sponsor), sponsor)

    def recheck(self, *sources: object, rpc: str = "", number: int = 1) -> tuple[int, str]:
        """Exit status and all that it says."""
        where = [str(source) for source in sources] or [str(self.store.path)]
        arguments = [rpc or self.chain.url, self.game.contract.address, str(number), *where]
        done = subprocess.run([sys.executable, "-I", PROGRAM, *arguments], capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("name", [name for name in PUBLIC if name != "fedavg"])
def test_under_any_rule(chain: Anvil, tmp_path: Path, name: str) -> None:
    """The right global is right, and a lie in the last leaf of the last part is found there."""
    played, last = Played(chain, tmp_path / "store", leaves=3, bits=8, name=name), 3 * RULES[name].parts - 1
    before = chain.rpc("evm_snapshot")
    played.propose()
    assert played.recheck()[0] == RIGHT
    chain.rpc("evm_revert", before)
    played.propose(last * K + 7)
    status, said = played.recheck()
    assert (status, f"first wrong leaf: {last}; " in said) == (WRONG, True), said


@pytest.fixture
def played(chain: Anvil, tmp_path: Path) -> Played:
    return Played(chain, tmp_path / "store", leaves=5, bits=16)


def test_it_needs_numpy_alone() -> None:
    names = set()
    for node in ast.walk(ast.parse(PROGRAM.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(str(node.module).partition(".")[0])
    assert names - sys.stdlib_module_names == {"numpy"}


def test_its_names_are_those_of_the_contracts() -> None:
    text = PROGRAM.read_text()
    for abi, name in (("coordinator", "config"), ("coordinator", "inputs"), ("rule", "name")):
        assert f'"0x{function_abi_to_4byte_selector(entry(abi, "function", name)).hex()}"' in text
    for name in ("Revealed", "ProposalPaged", "Proposed", "Convicted", "RoundFinalized"):
        assert f'"0x{event_abi_to_log_topic(entry("coordinator", "event", name)).hex()}"' in text


def test_a_final_global_that_is_right(played: Played) -> None:
    played.propose()
    played.finalize()
    status, said = played.recheck()
    assert status == RIGHT, said
    assert f"(final): {tree.cid(played.federation.coordinator().round_view(1).global_root)}" in said
    assert [line.split(":")[1].split(",")[0] for line in said.splitlines() if line.startswith("update")] == [
        " accepted",
        " not accepted",
        " accepted",
    ]


def test_a_final_global_that_is_a_lie(played: Played) -> None:
    played.propose(3 * K + 5, 2 * K + 31, by=2)
    played.finalize()
    status, said = played.recheck()
    assert status == WRONG
    right = played.game.tree_of(played.game.right_global())
    assert f"WRONG: the accepted updates give {tree.cid(right.root)}; 2 of 5 leaves differ" in said
    assert "first wrong leaf: 2; " in said
    assert said.rstrip().endswith(f"right is {right.digests[2].hex()}")


def test_before_the_round_is_final_it_is_the_oldest_proposal_that_stands(played: Played) -> None:
    assert played.recheck() == (NOT_CHECKED, "NOT CHECKED: the chain has no global for round 1: no proposal stands\n")
    played.propose(0, by=1)
    played.propose(by=0)
    status, said = played.recheck()
    assert (status, "not final yet" in said) == (WRONG, True)
    values = played.game.right_global()
    values[0] += 1 if values[0] < 0 else -1
    proof = played.game.proof(played.game.tree_of(values), 0)
    disputes = played.chain.standing("Disputes").functions
    played.game.send(disputes.challenge(played.game.contract.address, proof), played.game.accounts[2])
    assert played.recheck()[0] == RIGHT


def test_a_global_of_several_pages_one_of_them_handed_in_twice(chain: Anvil, tmp_path: Path) -> None:
    played = Played(chain, tmp_path / "store", leaves=tree.PAGE_LEAVES + 3, bits=8)
    played.game.propose_digests([bytes([9]) * 32] * tree.PAGE_LEAVES, played.game.accounts[0])
    played.propose((tree.PAGE_LEAVES + 1) * K)
    played.propose(by=1)
    status, said = played.recheck()
    assert status == WRONG
    assert f"first wrong leaf: {tree.PAGE_LEAVES + 1}; " in said


def test_a_damaged_tree_is_not_believed(played: Played, tmp_path: Path) -> None:
    played.propose()
    other = DirectoryStore(tmp_path / "other")
    for kept in played.store.path.glob("trees/*.car"):
        (other.path / "trees" / kept.name).write_bytes(kept.read_bytes())
    damaged = played.store.car_path(played.game.updates[0].tree.root)
    content = bytearray(damaged.read_bytes())
    content[-1] ^= 1
    damaged.write_bytes(content)
    status, said = played.recheck()
    assert status == NOT_CHECKED
    assert f"no source has the whole of {tree.cid(played.game.updates[0].tree.root)}" in said
    assert played.recheck(played.store.path, other.path)[0] == RIGHT


def test_a_gateway(played: Played) -> None:
    played.propose()
    folder = played.store.path / "trees"

    class Gateway(SimpleHTTPRequestHandler):
        def translate_path(self, path: str) -> str:
            cid, _, form = path.removeprefix("/ipfs/").partition("?")
            assert (form, self.headers["Accept"].partition(";")[0]) == ("format=car", "application/vnd.ipld.car")
            return str(folder / f"{cid}.car")

    with ThreadingHTTPServer(("127.0.0.1", 0), Gateway) as server:
        Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        status, said = played.recheck(f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
    assert status == RIGHT, said


def test_a_chain_node_that_serves_short_ranges_of_blocks(played: Played) -> None:
    played.propose()

    def short(request: dict[str, Any]) -> dict[str, Any]:
        asked = request["params"][0] if request["method"] == "eth_getLogs" else {}
        too_long = asked and int(asked["toBlock"], 16) - int(asked["fromBlock"], 16) > 9
        return {**request, "method": "eth_refused"} if too_long else request

    with Proxy(played.chain.url, request=short) as proxy:
        status, said = played.recheck(rpc=proxy.url)
        assert status == RIGHT, said
        assert sum(asked["method"] == "eth_getLogs" for asked in proxy.seen) > 2


def test_what_cannot_be_checked_is_said_in_a_line(played: Played) -> None:
    played.propose()
    reasons = {
        "does not answer eth_blockNumber": played.recheck(rpc="http://127.0.0.1:1"),
        "no global for round 7": played.recheck(number=7),
        "no source has the whole of": played.recheck(played.store.path / "elsewhere"),
    }
    for reason, (status, said) in reasons.items():
        assert (status, said.count("\n"), reason in said) == (NOT_CHECKED, 1, True), said
