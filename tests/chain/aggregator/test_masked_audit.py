"""Audit bundles of masked rounds: they recompute with another program, and garbage gives none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from fedaggregator.audit import AuditError, write_bundle
from fedaggregator.compute.spec import spec_of
from fedlab.demo.recheck import BundleWrong, recheck
from fedprotocol.leaves import MemoryLeaves
from fedprotocol.numbers import split_leaves
from fedprotocol.spec import SpecMismatch
from fedprotocol.store.base import Store
from fedprotocol.store.open import open_store
from support.evm import Anvil
from support.live_federation import directory_url
from support.masked_clients import BOUND, SCALE, MaskedFederation

K = 32


@pytest.fixture
def made(tmp_path: Path) -> Iterator[MaskedFederation]:
    with Anvil() as chain:
        made = MaskedFederation(chain, tmp_path, clients=4)
        yield made
        made.close()


@pytest.fixture
def store(made: MaskedFederation, tmp_path: Path) -> Store:
    return open_store(directory_url(tmp_path / "own"), tmp_path / "cache", [directory_url(p) for p in made.stores])


def test_a_bundle_recomputes_without_the_programs_that_made_it(
    made: MaskedFederation, store: Store, tmp_path: Path
) -> None:
    played, out = made.play(1), tmp_path / "bundle"
    made.clients[0].propose(1, played.right())
    made.federation.pass_time(10_000)
    result = write_bundle(made.coordinator, store, spec_of(made.coordinator, store), 1, out)
    assert result.right and not result.absent
    facts = json.loads((out / "round.json").read_text())
    assert (facts["mantissa_bits"], facts["scale"], facts["bound"]) == (32, SCALE, BOUND)
    assert recheck(out) == "0x" + MemoryLeaves(split_leaves(played.right(), K)).root.hex()
    (out / "round.json").write_text(json.dumps({**facts, "scale": SCALE + 1}))
    with pytest.raises(BundleWrong, match="values of the global are wrong"):
        recheck(out)
    (out / "round.json").write_text(json.dumps({**facts, "bound": 1}))
    with pytest.raises(BundleWrong, match="the sum of all updates at leaf 0 is out of range"):
        recheck(out)


def test_garbage_that_became_final_is_named(made: MaskedFederation, store: Store, tmp_path: Path) -> None:
    played = made.play(1, garbage_from=1)
    made.clients[0].propose(1, played.right())
    made.federation.pass_time(10_000)
    with pytest.raises(AuditError, match="round 1 should have become void, and nobody impeached it"):
        write_bundle(made.coordinator, store, spec_of(made.coordinator, store), 1, tmp_path / "bundle")


def test_a_spec_of_another_scale_than_the_contract_is_refused(made: MaskedFederation, tmp_path: Path) -> None:
    chain = made.federation.chain
    contract = chain.deploy("MaskedMean", SCALE + 1, BOUND).address
    with closing(MaskedFederation(chain, tmp_path / "other", rule_at=contract)) as other:
        store = open_store(directory_url(other.stores[0]), tmp_path / "cache")
        with pytest.raises(SpecMismatch, match=r"bound \(4, 1000\), the contract's rule \(5, 1000\)"):
            spec_of(other.coordinator, store)
