"""An aggregator whose round's inputs change under it: it merges, judges and proposes anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from fedaggregator.daemon.actions import BuildCase, Challenge, Merge, ProposePage, Report
from fedaggregator.daemon.journal_facts import Memory
from fedaggregator.daemon.run import Aggregator
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.snapshot import RoundState
from fedprotocol.journal import Journal
from fedprotocol.tree import PAGE_LEAVES
from fedprotocol.types import Phase, RoundView
from support.aggregators import AggregatorSite
from support.evm import Anvil
from support.live_federation import TOKEN, LiveFederation
from support.synthetic import SyntheticClient
from web3.contract.contract import ContractFunction

LEAVES = PAGE_LEAVES + 2  # two pages


def fix_inputs(federation: LiveFederation, clients: Sequence[SyntheticClient]) -> None:
    """Only these reveal, in this order; all of them vouch for all."""
    for client in clients:
        client.reveal(1)
    if federation.phase(1) is Phase.REVEAL:
        federation.pass_time(601)
    for client in clients:
        client.attest(1)
    assert federation.phase(1) is Phase.AGGREGATE


def test_other_inputs_make_another_global_and_pages_begin_again(tmp_path: Path) -> None:
    with Anvil() as chain:
        federation = LiveFederation(chain, leaf_count=LEAVES)
        coordinator = federation.coordinator
        clients = [SyntheticClient(federation, tmp_path / f"client-{seed}", seed) for seed in range(3)]
        for client in clients:
            client.join()
        clients[0].store.put(federation.genesis)
        for client in clients:
            client.commit(1, federation.genesis.root)
        site = AggregatorSite(federation, tmp_path / "aggregator", [client.store_path for client in clients])
        liar = chain.accounts[1]
        federation.mint(liar, 1_000 * TOKEN)
        federation.transact(federation.token.functions.approve(coordinator.address, 10**30), liar)
        before_inputs = chain.web3.eth.block_number

        fix_inputs(federation, clients)
        with Aggregator.open(site.config(), site.account) as aggregator:
            actions = [aggregator.step() for _ in range(3)]
            assert isinstance(actions[0], Merge) and actions[2] == ProposePage(1, 0)
            first = aggregator.memory._note(1)["own"]
            [*_, page] = aggregator.memory._journal.outbox_all()
            sent = [tx.raw for tx in aggregator.memory._journal.outbox_all()]
        with aggregator.store.get(bytes.fromhex(first), aggregator._global_shape) as own:
            digests = [own.digest(leaf) for leaf in range(LEAVES)]

        chain.rpc("anvil_reorg", chain.web3.eth.block_number - before_inputs, [])
        chain.rpc("anvil_dropAllTransactions")
        fix_inputs(federation, clients[1:])
        for raw in sent:  # some node still had them: the page of the old inputs is refused
            chain.web3.eth.send_raw_transaction(raw)
        assert page.label.endswith("page 0") and coordinator.pages_of(1, site.address) == 0
        for number, start in enumerate((0, PAGE_LEAVES)):  # what was right before is proposed, and wrong now
            federation.transact(proposal_of(coordinator, number, digests[start : start + PAGE_LEAVES]), liar)
        chain.set_time(chain.now() + 1)

        with Aggregator.open(site.config(), site.account) as aggregator:
            aggregator.sender.resume()
            assert isinstance(aggregator.step(), Merge)
            second = aggregator.memory._note(1)["own"]
            assert second != first
            assert [aggregator.step() for _ in range(2)] == [ProposePage(1, 0), ProposePage(1, 1)]
            assert [p.root.hex() for p in coordinator.proposals(1)] == [first, second]
            report = aggregator.step()
            assert isinstance(report, Report) and report.proposal.root.hex() == first
            while isinstance(aggregator.step(), BuildCase | Challenge):
                pass
        assert [p.root.hex() for p in coordinator.proposals(1)] == [second]
        for client in clients:
            client.close()


def proposal_of(coordinator: Coordinator, page: int, digests: list[bytes]) -> ContractFunction:
    """A page of a proposal in round 1, of the inputs that it has now."""
    view = coordinator.round_view(1)
    return coordinator.calls.propose(1, view.inputs_hash, view.accepted_mask, page, digests)


def round_with(inputs_hash: bytes) -> RoundState:
    zeros: dict[str, Any] = {field.name: 0 for field in fields(RoundView)}
    view = RoundView(**zeros | {"prior_root": bytes(32), "inputs_hash": inputs_hash})
    return RoundState(1, view, (), (), None, None, 0)


def test_what_was_wrong_beside_another_global_is_looked_at_again(tmp_path: Path) -> None:
    """Its first wrong leaf may be another one by now."""
    with Journal(tmp_path / "journal.sqlite") as journal:
        memory = Memory(journal, 8)
        memory.merged(round_with(b"1"), b"a" * 32)
        memory.reported(1, b"x" * 32, 7)
        memory.merged(round_with(b"2"), b"a" * 32)
        assert memory._round_facts(round_with(b"1"), True).own_root is None
        assert memory._round_facts(round_with(b"2"), True).reported == {b"x" * 32}
        memory.merged(round_with(b"3"), b"b" * 32)
        assert memory._round_facts(round_with(b"3"), True).reported == frozenset()
