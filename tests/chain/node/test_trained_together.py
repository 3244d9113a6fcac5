"""A node whose update is trained by what `[training] launch` starts, on a real chain."""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path

import pytest
from fednode.cli.common import open_session
from fedprotocol.types import Phase
from support.evm import Anvil
from support.in_process_nodes import running, until
from support.sites import Prepared, Sites
from support.synthetic import SyntheticClient


@pytest.mark.model
def test_it_measures_trains_commits_and_scores_by_it(tiny_folder: Path, tmp_path: Path) -> None:
    with Anvil() as chain:
        home = tmp_path / "client"
        sites = Sites(
            chain,
            tmp_path,
            1,
            config={"training": {"launch": "torchrun", "processes": 1}},
            prepared=Prepared.on(tiny_folder),
            peers=[home / "store"],
            minClients=2,
        )
        [site] = sites.sites
        site.command("join")
        looked = site.command("doctor").stdout
        assert re.search("ok +training .* here by 1 process; Train lasts", looked), looked
        with closing(SyntheticClient(sites.federation, home, 0)) as client:
            client.join()
            with open_session(site.config) as session, running(session) as daemon:
                until(daemon, lambda _: sites.coordinator.round_view(1).phase is Phase.TRAIN, seconds=180)
                until(daemon, lambda _: (site.home / "metrics" / "rounds.jsonl").exists(), seconds=60)
                own = session.journal.update(1)
                assert own is not None and own.loss_after > 0
                assert daemon._reporter._progress.base.endswith("by 1 process")
        steps = (site.home / "metrics" / "round_1.csv").read_text().splitlines()
        assert len(steps) == 1 + sites.spec.spec.training.steps
        assert (site.home / "logs" / "workers.log").exists()
        assert not (site.home / "workers").exists(), "they ended with the node"
