"""What each call costs, in a small federation and in the largest one, held to `gas_calls.json` and to docs/gas.md."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from eth_utils.crypto import keccak
from fedprotocol import tree
from fedprotocol.hashes import commit_hash
from fedprotocol.numbers import split_leaves
from fedprotocol.types import FederationConfig, Phase
from support import deployed
from support.evm import Anvil, compiled
from support.federation import CONFIG, MASKED, Call, Deployed, Done
from support.gas_figures import compare, differences
from support.histories import digests, global_root
from support.leaf_round import INT32, LeafRound

FIGURES = Path(__file__).with_name("gas_calls.json")
TABLE = Path(__file__).resolve().parents[3] / "docs/gas.md"
SMALL, PAGED, DISPUTED, LARGEST = "4 clients, 450 leaves", "2,500 leaves", "Disputes, 4 clients", "256 clients"
SIZE_LIMIT = 24_576  # EIP-170
ROOM = 1_536  # kept for what comes next
TRANSACTION_LIMIT = 1 << 24  # EIP-7825
SALT = b"\7" * 32

Record = Callable[[str, object], None]


class Meter:
    """Calls on a federation, each of which must succeed; remembers the dearest of each kind."""

    def __init__(self, deployed: Deployed) -> None:
        self.deployed = deployed
        self.gas: defaultdict[str, int] = defaultdict(int)
        self.now = deployed.now()

    def block(self, label: str, *calls: Call, at: int | None = None) -> None:
        self.now = at or self.now + 1
        for call, outcome in zip(calls, self.deployed.block(calls, self.now), strict=True):
            assert isinstance(outcome, Done), f"{call}: {outcome}"
            self.gas[label] = max(self.gas[label], outcome.gas)

    def each(self, label: str, calls: Sequence[Call], size: int = 32) -> None:
        for start in range(0, len(calls), size):
            self.block(label, *calls[start : start + size])

    def view(self, name: str, *args: Any) -> Any:
        return self.deployed.view(name, *args)

    def opening(self, number: int, client: str) -> tuple[bytes, int, int, bytes]:
        return keccak(text=f"{client} {number}"), 12, 100, SALT

    def commits(self, number: int, clients: Sequence[str], prior: bytes) -> list[Call]:
        d = self.deployed
        hashes = {c: commit_hash(d.chain_id, d.address, number, c, prior, *self.opening(number, c)) for c in clients}
        return [Call(c, "commit", (number, prior, hash_)) for c, hash_ in hashes.items()]

    def reveals(self, number: int, clients: Sequence[str]) -> list[Call]:
        return [Call(c, "reveal", (number, *self.opening(number, c), 4_170_000, 1_750_000)) for c in clients]

    def proposal(self, proposer: str, number: int, page: int, leaves: Sequence[bytes]) -> Call:
        view = self.view("round_view", number)
        return Call(proposer, "propose", (number, view.inputs_hash, view.accepted_mask, page, leaves))

    def attests(self, number: int, clients: Sequence[str]) -> list[Call]:
        view = self.view("round_view", number)
        return [Call(c, "attest", (number, view.inputs_hash, (1 << view.revealed) - 1)) for c in clients]


@pytest.fixture(scope="module")
def roomy() -> Iterator[Anvil]:
    """Accounts for the largest federation, blocks for all their calls."""
    options = (
        "--order",
        "fifo",
        "--base-fee",
        "0",
        "--gas-price",
        "0",
        "--gas-limit",
        "600000000",
        "--accounts",
        "258",
    )
    with Anvil(*options) as chain:
        yield chain


def test_the_code_fits_a_contract(record_property: Record) -> None:
    size = len(bytes.fromhex(compiled("FederationCoordinator")["bin-runtime"]))
    record_property("coordinator: bytes of code", size)
    assert size <= SIZE_LIMIT - ROOM


def test_gas_of_a_small_federation(chain: Anvil, record_property: Record) -> None:
    """Four clients and the demo's adapter (450 leaves): a final round, an abandoned one, another final one."""
    meter = small(chain, replace(CONFIG, leaf_count=450))
    d = meter.deployed
    sponsor, *clients, aggregator, rival, idle = d.accounts[:8]
    outsider = d.accounts[8]
    meter.block("fund", Call(sponsor, "fund", (8_000,)))
    meter.each("join", [Call(c, "join", (400,)) for c in [*clients, idle]], size=1)
    meter.block("open", Call(outsider, "open"))
    meter.each("commit", meter.commits(1, clients, d.config.genesis_root), size=1)
    meter.block("settle, nothing due", Call(outsider, "settle", (outsider,)), at=meter.now + 100)
    meter.each("reveal", meter.reveals(1, clients), size=1)
    meter.each("attest", meter.attests(1, clients), size=1)
    meter.block("propose", meter.proposal(rival, 1, 0, digests(1, 450)))
    meter.block("convict", Call(d.config.disputes, "convict", (1, global_root(1, 450), outsider)))
    meter.block("propose", meter.proposal(aggregator, 1, 0, digests(0, 450)))
    root = global_root(0, 450)
    opening, *more = meter.commits(2, clients, root)
    meter.block("commit, the first of a round", opening)
    meter.each("commit", more, size=1)
    meter.block("settle, a round is final", Call(outsider, "settle", (outsider,)), at=meter.now + 50)
    meter.block("claim", Call(aggregator, "claim"))
    meter.block("settle, a client", Call(outsider, "settle", (clients[0],)))
    meter.block("claim, a client not settled", Call(clients[1], "claim"))
    meter.block("settle, nothing due", Call(outsider, "settle", (outsider,)), at=meter.now + 50)
    meter.each("reveal", meter.reveals(2, clients), size=1)
    meter.each("attest", meter.attests(2, clients), size=1)
    meter.block("abandon", Call(outsider, "abandon", (2,)), at=meter.now + 300)
    final_round(meter, 3, clients, root)
    meter.block("drop", Call(outsider, "drop", (idle,)))
    meter.block("withdraw", Call(idle, "withdraw"))
    meter.block("exit", Call(clients[0], "exit"))
    meter.block("addStake", Call(clients[1], "add_stake", (10,)))
    meter.block("close", Call(sponsor, "close"))
    publish(meter.gas, SMALL, record_property)


def test_a_masked_round_costs_its_clients_no_more_than_a_public_one(chain: Anvil, record_property: Record) -> None:
    """docs/costs.md says so, by the figures of the small federation."""
    meter = small(chain, replace(MASKED, leaf_count=450))
    sponsor, *clients, outsider = meter.deployed.accounts[:6]
    meter.block("fund", Call(sponsor, "fund", (8_032,)))
    meter.each("join", [Call(c, "join", (MASKED.min_stake,)) for c in clients], size=1)
    meter.block("open", Call(outsider, "open"))
    meter.each("commit", meter.commits(1, clients, meter.deployed.config.genesis_root), size=1)
    reveals = [Call(c, "reveal", (1, keccak(text=c), 0, 100, bytes(32), 0, 0)) for c in clients]
    meter.each("reveal", reveals, size=1)
    meter.each("attest", meter.attests(1, clients), size=1)
    assert meter.view("round_view", 1).accepted_mask == 0b1111
    public = json.loads(FIGURES.read_text())[SMALL]
    for label in ("commit", "reveal", "attest"):
        record_property(f"gas, masked, 4 clients: {label}", meter.gas[label])
        assert meter.gas[label] <= 1.02 * public[label], label


def to_aggregate(meter: Meter, number: int, clients: Sequence[str], prior: bytes) -> None:
    """A round in which not all who may take part do, up to the end of Attest."""
    opening, *more = meter.commits(number, clients, prior)
    meter.block("commit, the first of a round", opening)
    meter.each("commit", more, size=1)
    first, *rest = meter.reveals(number, clients)
    meter.block("reveal", first, at=meter.now + meter.deployed.config.train_length)
    meter.each("reveal", rest, size=1)
    meter.each("attest", meter.attests(number, clients), size=1)


def final_round(meter: Meter, number: int, clients: Sequence[str], prior: bytes) -> bytes:
    """The same up to its settlement; returns its root."""
    config, outsider = meter.deployed.config, meter.deployed.accounts[-1]
    to_aggregate(meter, number, clients, prior)
    meter.block("propose", meter.proposal(clients[0], number, 0, digests(number, config.leaf_count)))
    at = meter.now + config.challenge_length
    meter.block("settle, a round is final", Call(outsider, "settle", (outsider,)), at=at)
    return global_root(number, config.leaf_count)


def publish(gas: dict[str, int], case: str, record_property: Record) -> None:
    """Shows the figures, and holds them to a transaction's limit and to those that are committed."""
    for label, figure in gas.items():
        record_property(f"gas, {case}: {label}", figure)
        assert figure < TRANSACTION_LIMIT, label
    compare(FIGURES, case, gas)


def small(chain: Anvil, config: FederationConfig) -> Meter:
    return Meter(Deployed(chain, replace(config, max_clients=6)))


def test_gas_of_a_page(chain: Anvil, record_property: Record) -> None:
    meter = small(chain, replace(CONFIG, leaf_count=2_500))
    clients = meter.deployed.accounts[1:3]
    meter.block("", Call(clients[0], "fund", (2_000,)), *(Call(c, "join", (400,)) for c in clients))
    for calls in (meter.commits(1, clients, meter.deployed.config.genesis_root), meter.reveals(1, clients)):
        meter.block("", *calls)
    meter.block("", *meter.attests(1, clients))
    leaves = digests(0, 2_500)
    meter.block("propose, a page of 2,048", meter.proposal(clients[0], 1, 0, leaves[:2048]))
    meter.block("propose, last page of 452", meter.proposal(clients[0], 1, 1, leaves[2048:]))
    assert meter.view("proposals", 1, 1)[0].root == global_root(0, 2_500)
    publish({label: gas for label, gas in meter.gas.items() if label}, PAGED, record_property)


def test_gas_of_disputes(chain: Anvil, record_property: Record) -> None:
    """Leaves of 1,024 values of 8 bits; larger cases are in test_proof_gas.py."""
    leaves, k, leaf = 450, 1024, 300
    prior = np.random.default_rng(2).integers(*INT32, leaves * k, endpoint=True, dtype=np.int32)
    genesis = tree.root([tree.leaf_digest(part) for part in split_leaves(prior, k)])
    federation = deployed.Deployed.on(chain, genesisRoot=genesis, leafCount=leaves, leafValues=k)
    game = LeafRound(federation, prior, 4, only=leaf)
    wrong = game.right_global()
    wrong[leaf * k] ^= 1
    game.propose(game.tree_of(wrong), game.accounts[0])
    disputes = chain.web3.eth.contract(address=game.config.disputes, abi=compiled("Disputes")["abi"]).functions
    proof = game.proof(game.tree_of(wrong), leaf)
    step = {key: proof[key] for key in ("round", "inputsHash", "leafIndex", "start", "updates")}
    here, anybody = game.contract.address, chain.accounts[0]
    gas = {
        "carry": game.send(disputes.carry(here, step), anybody)["gasUsed"],
        "challenge": game.send(disputes.challenge(here, proof), anybody)["gasUsed"],
    }
    publish(gas, DISPUTED, record_property)


def test_the_largest_federation_stays_far_below_a_transactions_limit(roomy: Anvil, record_property: Record) -> None:
    """256 clients, all of whom reveal and vouch for all; eight live proposals; then rounds of two of them."""
    config = replace(CONFIG, max_clients=256, train_length=3_000, reveal_length=3_000, attest_length=3_000)
    meter = Meter(Deployed(roomy, config))
    d = meter.deployed
    sponsor, *clients = d.accounts[:257]
    outsider = d.accounts[257]
    meter.block("fund", Call(sponsor, "fund", (8_000,)))
    meter.each("join", [Call(c, "join", (400,)) for c in clients])
    meter.block("open", Call(outsider, "open"))
    meter.each("commit", meter.commits(1, clients, config.genesis_root))
    meter.each("reveal", meter.reveals(1, clients))
    meter.each("attest", meter.attests(1, clients))
    view = meter.view("round_view", 1)
    assert (view.phase, view.accepted_mask, view.total_weight) == (Phase.AGGREGATE, 2**256 - 1, 25_600)
    assert {u.yes for u in meter.view("updates", 1)} == {25_600}
    for label, proposer in enumerate(clients[:8]):
        meter.block("propose", meter.proposal(proposer, 1, 0, digests(10 + label, 2)))
    meter.block("convict", Call(d.config.disputes, "convict", (1, global_root(10, 2), outsider)))
    meter.block("propose", meter.proposal(clients[8], 1, 0, digests(1, 2)))
    settlement = Call(outsider, "settle", (clients[255],))
    end = meter.view("round_view", 1).phase_end
    meter.block("settle, a round is final", settlement, at=end)
    assert meter.view("owed", clients[255]) == 904 * 100 // 25_600
    root = meter.view("latest_final")[1]
    meter.block("settle, nothing due", Call(outsider, "settle", (outsider,)))
    meter.block("settle, a client", Call(outsider, "settle", (clients[254],)))
    meter.block("claim", Call(clients[255], "claim"))
    meter.block("claim, a client not settled", Call(clients[253], "claim"))
    for number in (2, 3):
        root = final_round(meter, number, clients[:2], root)
    meter.block("drop", Call(outsider, "drop", (clients[200],)))
    meter.block("withdraw", Call(clients[200], "withdraw"))
    meter.block("exit", Call(clients[100], "exit"))
    meter.block("addStake", Call(clients[101], "add_stake", (10,)))
    to_aggregate(meter, 4, clients[:2], root)
    meter.block("abandon", Call(outsider, "abandon", (4,)), at=meter.now + config.abandon_after)
    meter.block("close", Call(sponsor, "close"))
    publish(meter.gas, LARGEST, record_property)
    assert max(meter.gas.values()) < TRANSACTION_LIMIT // 4


def test_the_page_shows_the_committed_figures() -> None:
    """docs/gas.md: a row for every call, in the small federation and in the largest one."""
    figures = json.loads(FIGURES.read_text())
    few, many = figures[SMALL] | figures[PAGED] | figures[DISPUTED], figures[LARGEST]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in TABLE.read_text().splitlines()]
    for call in few | many:
        row = [call, *(f"{figures[call]:,}" if call in figures else "" for figures in (few, many))]
        assert row in rows, f"docs/gas.md: | {' | '.join(row)} |"


def test_a_change_of_more_than_half_a_percent_is_shown() -> None:
    before = {"join": 100_000, "exit": 50_000, "open": 7}
    assert differences(before, {"join": 100_500, "exit": 49_750, "open": 7}) == []
    assert differences(before, {"join": 100_501, "exit": 49_000, "close": 9}) == [
        "  join: 100,000 -> 100,501 (+0.5%)",
        "  exit: 50,000 -> 49,000 (-2.0%)",
        "  open: 7 -> not there",
        "  close: not there -> 9",
    ]
