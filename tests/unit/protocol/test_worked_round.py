"""The round that opens docs/protocol.md: every number on the page is what the programs' own functions make of the first
ones, the global before the round and what each site's training changed."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fedaggregator.rules import rule_named
from fednode.sponsor import leaf_size
from fedprotocol import tree
from fedprotocol.hashes import commit_hash
from fedprotocol.numbers import (
    UNIT,
    dequantize_global,
    divide_round,
    encode_delta,
    quantize_global,
    split_leaves,
)
from fedprotocol.reference import Federation
from fedprotocol.types import Phase
from support.documents import Section, section
from support.federation import CONFIG

PAGE = Path(__file__).parents[3] / "docs" / "protocol.md"
LEAF_VALUES = 2
BITS = 8
SERVER_LR = 2**16
TOKEN = 10**18
HEADING = re.compile(r"(?P<site>\w+), (?P<examples>\d+) examples, shift (?P<shift>\d+)")


class Site:
    """One of the three, read from its table: name, examples, changes. The rest is computed."""

    def __init__(self, table: list[list[str]], seed: int) -> None:
        heading = HEADING.fullmatch(table[0][0])
        assert heading
        self.name, self.examples = heading["site"], int(heading["examples"])
        self.units = numbers(table[1]) / UNIT
        delta = encode_delta(
            self.units, BITS, np.random.default_rng([seed, 1])
        )  # as a node of this seed does in round 1
        assert delta.clipped == 0
        self.mantissas, self.shift = delta.mantissas, delta.shift
        self.leaves = split_leaves(self.mantissas, LEAF_VALUES)
        self.digests = [tree.leaf_digest(leaf) for leaf in self.leaves]
        self.root = tree.root(self.digests)

    def rows(self) -> list[list[str]]:
        """The table as it must be, but for the row of the changes."""
        return [
            ["change, units", *(f"{unit:.1f}" for unit in self.units)],
            [f"units / 2^{self.shift}", *(f"{unit:.1f}" for unit in self.units / 2**self.shift)],
            ["mantissa", *map(str, self.mantissas)],
        ]


class Worked:
    """The whole round, from what the page gives."""

    def __init__(self, page: Section) -> None:
        before, *sites, _after, _money = page.tables
        rule = rule_named("fedavg")
        self.sites = [Site(table, seed) for seed, table in enumerate(sites, 1)]
        self.prior = quantize_global(numbers(before[1]).astype(np.float32))
        self.weight = sum(site.examples for site in self.sites)
        sums = None
        for site in self.sites:
            sums = rule.accumulate(sums, site.mantissas.reshape(-1, LEAF_VALUES), site.examples, site.shift)
        assert sums is not None
        self.sums = sums.ravel()
        self.after = rule.finish(sums, self.prior.reshape(1, -1, LEAF_VALUES), self.weight, SERVER_LR).ravel()
        self.means = divide_round(self.sums, self.weight)
        self.leaves, self.digests = leaves_of(self.after)
        lie = self.after.copy()
        lie[2] += 1
        self.lie = lie
        self.lie_leaves, self.lie_digests = leaves_of(lie)


@pytest.fixture(scope="module")
def page() -> Section:
    return section(PAGE.read_text(), "One round in numbers")


@pytest.fixture(scope="module")
def worked(page: Section) -> Worked:
    return Worked(page)


def test_the_tables_before_the_average(page: Section, worked: Worked) -> None:
    before, *sites, _after, _money = page.tables
    assert before[2:] == [["units", *map(str, worked.prior)]]
    assert len(sites) == len(worked.sites) == 3
    for table, site in zip(sites, worked.sites, strict=True):
        assert table[0][0] == f"{site.name}, {site.examples} examples, shift {site.shift}"
        assert table[2:] == site.rows()


def test_the_sums_and_the_rounding(page: Section, worked: Worked) -> None:
    sums, means, _tree, _lie = page.fences
    terms = [
        " + ".join(f"({site.examples} << {site.shift}) * {site.mantissas[i]}" for site in worked.sites)
        for i in range(worked.sums.size)
    ]
    assert sums == [
        f"W = {' + '.join(str(site.examples) for site in worked.sites)} = {worked.weight}",
        *(f"S{i} = {term} = {total}" for i, (term, total) in enumerate(zip(terms, worked.sums, strict=True), 1)),
    ]
    assert means == [
        f"R({total}, {worked.weight}) = {mean} from {total / worked.weight:g}"
        for total, mean in zip(worked.sums.tolist(), worked.means.tolist(), strict=True)
    ]
    halves = worked.sums[worked.sums % worked.weight * 2 == worked.weight]
    assert (halves > 0).any() and (halves < 0).any(), "the page says where halves go, above zero and below"


def test_the_global_after_the_round(page: Section, worked: Worked) -> None:
    after = page.tables[-2]
    assert after[1:] == [
        ["units before", *map(str, worked.prior)],
        ["step", *map(str, divide_round(worked.means * SERVER_LR, 2**16))],
        ["units after", *map(str, worked.after)],
        ["real", *(f"{value:.8f}" for value in dequantize_global(worked.after))],
    ]


def test_leaves_nodes_and_roots(page: Section, worked: Worked) -> None:
    _sums, _means, trees, lie = page.fences
    expected = []
    for site in worked.sites:
        expected += [
            f"{site.name} leaf 0 {site.leaves[0].hex()} digest {site.digests[0].hex()}",
            f"leaf 1 {site.leaves[1].hex()} digest {site.digests[1].hex()}",
            f"root {site.root.hex()}",
        ]
    first, second = worked.digests
    node = tree.inner_node(first, True, second, True).hex()
    root = tree.root(worked.digests)
    expected += [
        f"global leaf 0 {worked.leaves[0].hex()} digest {first.hex()}",
        f"leaf 1 {worked.leaves[1].hex()} digest {second.hex()}",
        "node "
        + node.replace(first.hex(), " (digest 0) ").replace(second.hex(), " (digest 1)").replace("82", "82 ", 1),
        f"root {root.hex()}",
        f"CID {tree.cid(root)}",
    ]
    assert trees == expected
    assert worked.lie_digests[0] == first
    assert lie == [
        f"lie leaf 1 {worked.lie_leaves[1].hex()} digest {worked.lie_digests[1].hex()}",
        f"root {tree.root(worked.lie_digests).hex()}",
    ]


def test_one_leaf_is_enough_to_convict(worked: Worked) -> None:
    rule, of_leaf_1 = rule_named("fedavg"), np.s_[np.newaxis, LEAF_VALUES:]
    sums = None
    for site in worked.sites:
        path = tree.path(site.digests, 1)
        assert tree.root_from_path(2, 1, tree.leaf_digest(site.leaves[1]), path) == site.root
        sums = rule.accumulate(sums, site.mantissas[of_leaf_1], site.examples, site.shift)
    assert sums is not None
    right = rule.finish(sums, worked.prior[of_leaf_1][np.newaxis], worked.weight, SERVER_LR)
    assert tree.leaf_digest(split_leaves(right.ravel(), LEAF_VALUES)[0]) == worked.digests[1] != worked.lie_digests[1]


def test_the_money(page: Section, worked: Worked) -> None:
    """The same round in the pure model of the contract, with a liar, and a challenger who convicts it."""
    reward, bond = (int(re.search(pattern, page.prose)[1]) for pattern in (r"pays (\d+) tokens", r"of (\d+) tokens"))  # type: ignore[index]
    genesis = tree.root(leaves_of(worked.prior)[1])
    amounts = {"round_reward": reward * TOKEN, "bond_base": bond * TOKEN, "aggregator_bps": 1000}
    config = replace(CONFIG, genesis_root=genesis, **amounts)  # type: ignore[arg-type]
    federation = Federation(config, chain_id=1, address="0x" + "a" * 40, now=1)
    names = [*(site.name for site in worked.sites), "proposer", "liar", "challenger"]
    accounts = {name: f"0x{i:040x}" for i, name in enumerate(names, 1)}
    federation.wallets.update(dict.fromkeys(accounts.values(), 1000 * TOKEN))
    federation.fund(accounts["proposer"], reward * TOKEN)
    for site in worked.sites:
        federation.join(accounts[site.name], config.min_stake)
    start = {name: wealth(federation, account) for name, account in accounts.items()}

    for site in worked.sites:
        account = accounts[site.name]
        opening = (site.root, site.shift, site.examples, bytes(32))
        federation.commit(account, 1, genesis, commit_hash(1, federation.address, 1, account, genesis, *opening))
    for site in worked.sites:
        federation.reveal(accounts[site.name], 1, site.root, site.shift, site.examples, bytes(32))
    for site in worked.sites:
        federation.attest(accounts[site.name], 1, federation.round_view(1).inputs_hash, 0b111)
    view = federation.round_view(1)
    for name, digests in (("liar", worked.lie_digests), ("proposer", worked.digests)):
        federation.propose(accounts[name], 1, view.inputs_hash, view.accepted_mask, 0, digests)
    federation.convict(config.disputes, 1, tree.root(worked.lie_digests), accounts["challenger"])
    federation.now += config.challenge_length + config.min_window
    for account in accounts.values():
        federation.settle(account, account)
    assert federation.round_view(1).phase == Phase.FINAL
    assert federation.latest_final() == (1, tree.root(worked.digests))

    gained = {name: wealth(federation, account) - start[name] for name, account in accounts.items()}
    shown = {"proposer of the right global": "proposer", "challenger of the lie": "challenger"}
    table = {shown.get(name, name): round(float(tokens) * 10**4) for name, tokens in page.tables[-1][1:]}
    assert {name: units / (TOKEN // 10**4) for name, units in gained.items()} == table


def test_the_sentences(page: Section, worked: Worked) -> None:
    """What the sentences say in numbers is right, and they say nothing else in numbers."""
    clinic = worked.sites[0]
    step = worked.means[0] * SERVER_LR // 2**16
    said = [
        f"cut into leaves of {leaf_size.LEAST:,} by default",
        f"a unit is 2^{np.log2(UNIT):.0f}",
        f"here of {BITS} bits",
        f"the {clinic.name}'s {clinic.units[3] / 2**clinic.shift:.1f} became {clinic.mantissas[3]}",
        f"all of it: {SERVER_LR} / 2^16",
        f"`R({worked.means[0]} * {SERVER_LR}, 2^16) = {step}`",
        f"{len(clinic.root)} bytes however large the model is",
        f"{worked.lie[2]} in place of {worked.after[2]}",
        "pays 100 tokens",  # test_the_money plays with the two amounts
        "here of 25 tokens",
    ]
    prose = " ".join(page.prose.split())
    for words in said:
        assert words in prose
        prose = prose.replace(words, "")
    assert not re.findall(r"[^.]*\d[^.]*", re.sub(r"sha2-256|`S[14]`|[Ll]eaf 1", "", prose))


def numbers(row: list[str]) -> np.ndarray:
    return np.array([float(cell) for cell in row[1:]])


def leaves_of(units: np.ndarray) -> tuple[list[bytes], list[bytes]]:
    leaves = split_leaves(units, LEAF_VALUES)
    return leaves, [tree.leaf_digest(leaf) for leaf in leaves]


def wealth(federation: Federation, account: str) -> int:
    """Wallet and what is owed, in token units."""
    return federation.wallets[account] + federation.owed_to[account]
