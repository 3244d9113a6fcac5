"""A node that looks ahead and joins late: which global comes before the one it trains on, and what if nobody has it."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path
from typing import Any

import numpy as np
from fednode.cli.common import open_session
from fednode.daemon.actions import registry as do
from fednode.data import load_data
from fednode.training import AdapterModel
from fednode.training.look_ahead import ahead
from fednode.training.optimizers import FACTORED
from fednode.training.update import make_update
from fedprotocol.chain.read.snapshot import take_snapshot
from fedprotocol.types import Phase
from numpy.typing import NDArray
from support.evm import Anvil
from support.in_process_nodes import running, until
from support.sites import Prepared, Sites, choices
from support.synthetic import SyntheticClient, expected_global, play_inputs

SHARE = 0.5
ROUND = 3


def test_a_late_node_looks_ahead_past_a_void_round(tiny_folder: Path, tmp_path: Path) -> None:
    options = {"optimizer": FACTORED, "look_ahead": SHARE, "rate_ratio_b": 2.0, "rounds": ROUND}
    prepared = Prepared.on(tiny_folder, training={**choices().training.model_dump(), **options})
    homes = [tmp_path / f"client-{seed}" for seed in range(2)]
    stores = [home / "store" for home in homes]
    with Anvil() as chain:
        sites = Sites(chain, tmp_path, 1, {"data": {"test": None}}, None, prepared, stores, minClients=2)
        [site], federation, spec = sites.sites, sites.federation, sites.spec.spec
        clients = [SyntheticClient(federation, home, seed) for seed, home in enumerate(homes)]
        for client in clients:
            client.join()
        play_inputs(clients, 1, sites.spec.genesis.root)
        genesis = spec.layout.weights(sites.spec.genesis)
        values = expected_global(federation, genesis, clients, 1)
        prior = clients[0].propose(1, values)
        federation.pass_time(600)
        clients[0].commit(2, prior)  # alone
        federation.pass_time(600)
        site.command("join")
        assert [federation.phase(number) for number in (1, 2)] == [Phase.FINAL, Phase.VOID]

        model = AdapterModel.load(spec, str(sites.model), "cpu", threads=1)

        def update_from(start: NDArray[np.float32] | None) -> bytes:
            model.set_global(values)
            result = model.train(spec, load_data(site.folder / "train.jsonl"), ROUND, seed=0, start=start)
            return make_update(result.units_delta, spec, 0, ROUND).leaves.root

        expected, without = update_from(ahead(values, genesis, SHARE)), update_from(None)
        with open_session(site.config) as session, running(session) as daemon:
            until(daemon, lambda action: isinstance(action, do.Commit), seconds=120)
            assert [update.root for update in session.journal.updates(ROUND)] == [expected] != [without]
            assert daemon._memory.fetched == {1: prior, 2: prior}, "that of round 1 is unpinned with that round"

            shutil.rmtree(tmp_path / "sponsor/trees")
            session.store.unpin(sites.spec.genesis.root)
            found = take_snapshot(session.coordinator, session.address)
            work = do.Train(ROUND, prior)
            result: Any = work.job(daemon._tools, found, daemon._facts(found))(threading.Event())
            work.ended(daemon._tools, result, found)
            assert session.journal.updates(ROUND)[0].root == without
            daemon._cycle()
            assert "trained from the global itself, not ahead of it" in site.command("status", check=False).stdout
        for client in clients:
            client.close()
