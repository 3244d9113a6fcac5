"""A node's loop on a real chain whose inputs change under it: nothing that followed from the old ones is used."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from fednode.cli.common import open_session
from fednode.daemon.actions import registry as do
from fednode.daemon.facts import ProposalVerdict
from fednode.daemon.journal_facts import Memory
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.journal import Journal
from fedprotocol.types import Phase
from support.evm import Anvil
from support.in_process_nodes import running, until
from support.live_federation import TOKEN
from support.sites import Prepared, Sites
from support.synthetic import SyntheticClient
from web3.contract.contract import ContractFunction

GIVEN = 10_000 * TOKEN


def fix_inputs(sites: Sites, clients: Sequence[SyntheticClient]) -> None:
    """Only these reveal, in this order; all of them vouch for all."""
    for client in clients:
        client.reveal(1)
    if sites.federation.phase(1) is Phase.REVEAL:
        sites.federation.pass_time(601)
    for client in clients:
        client.attest(1)
    assert sites.federation.phase(1) is Phase.AGGREGATE


def proposal_of(coordinator: Coordinator, digests: list[bytes]) -> ContractFunction:
    """A proposal in round 1, of the inputs that it has now."""
    view = coordinator.round_view(1)
    return coordinator.calls.propose(1, view.inputs_hash, view.accepted_mask, 0, digests)


def test_inputs_that_change_under_the_node(tiny_folder: Path, tmp_path: Path) -> None:
    homes = [tmp_path / f"client-{seed}" for seed in range(3)]
    with Anvil() as chain:
        sites = Sites(
            chain,
            tmp_path,
            1,
            config={"data": {"test": None}, "node": {"propose_after": 10**6}},
            prepared=Prepared.on(tiny_folder),
            peers=[home / "store" for home in homes],
            challengeLength=600,
            revealLength=600,
        )
        [site] = sites.sites
        clients = [SyntheticClient(sites.federation, home, seed) for seed, home in enumerate(homes)]
        with open_session(site.config) as session, running(session) as daemon:
            memory, coordinator = daemon._memory, session.coordinator
            for client in clients:
                client.join()
            for client in clients:
                client.commit(1, sites.spec.genesis.root)
            proposer = chain.accounts[1]
            sites.federation.mint(proposer, GIVEN)
            sites.federation.transact(sites.federation.token.functions.approve(coordinator.address, GIVEN), proposer)
            before_inputs = chain.web3.eth.block_number

            fix_inputs(sites, clients)
            until(daemon, lambda action: isinstance(action, do.Recompute))
            chain.rpc("anvil_reorg", chain.web3.eth.block_number - before_inputs, [])  # while it is being merged
            assert coordinator.round_view(1).phase is Phase.REVEAL
            fix_inputs(sites, clients[::-1])
            until(daemon, lambda _: len(memory.merged.get(1, {})) == 2)
            [first] = {*memory.merged[1].values()}  # a sum does not know the order
            with session.store.get(first, session.spec.layout.global_shape) as own:
                digests = [own.digest(leaf) for leaf in range(len(own))]
            sites.federation.transact(proposal_of(coordinator, digests), proposer)
            chain.set_time(chain.now() + 1)
            until(daemon, lambda _: memory.verdicts.get((1, first)) == ProposalVerdict(first))

            chain.rpc("anvil_reorg", chain.web3.eth.block_number - before_inputs, [])
            chain.rpc("anvil_dropAllTransactions")
            fix_inputs(sites, clients[1:])
            sites.federation.transact(proposal_of(coordinator, digests), proposer)
            chain.set_time(chain.now() + 1)
            until(daemon, lambda action: isinstance(action, do.Propose))
            [wrong, right] = coordinator.proposals(1)
            second = memory.merged[1][coordinator.round_view(1).inputs]
            assert (wrong.root, wrong.proposer) == (first, proposer)
            assert (right.root, right.proposer) == (second, site.account.address) and second != first
            until(daemon, lambda _: (1, first) in memory.verdicts_by({1: second}))
            found = memory.verdicts[1, first]
            assert found.own_root == second and found.leaf is not None and "WRONG PROPOSAL" in found.text
            until(daemon, lambda _: memory.has_bounty)
            assert [p.root for p in coordinator.proposals(1)] == [second]
        for client in clients:
            client.close()


def test_what_is_remembered_is_of_these_inputs(tmp_path: Path) -> None:
    with closing(Journal(tmp_path / "journal.sqlite")) as journal:
        memory = Memory(journal)
        one, other = bytes([1]) * 32, bytes([2]) * 32
        memory.note_recomputed(1, "inputs", one)
        memory.note_judged(1, other, ProposalVerdict(one, "wrong", 3))
        memory.note_judged(1, one, ProposalVerdict(one))
        memory.note_recomputed(1, "others", other)
        memory.note_evaluated(1, one)
        for known in (memory, Memory(journal)):
            assert known.merged == {1: {"inputs": one, "others": other}}
            assert known.verdicts_by({1: one}) == {
                (1, other): ProposalVerdict(one, "wrong", 3),
                (1, one): ProposalVerdict(one),
            }
            assert known.verdicts_by({1: other}) == known.verdicts_by({}) == {}
            assert known.evaluated == {1: one}


@pytest.mark.parametrize("text", ["", "it cannot be read"])
def test_what_could_not_be_read_is_looked_at_again(tmp_path: Path, text: str) -> None:
    with closing(Journal(tmp_path / "journal.sqlite")) as journal:
        Memory(journal).note_judged(1, bytes(32), ProposalVerdict(bytes(32), text))
        assert bool(Memory(journal).verdicts) is (text == "")
