"""A node's loop turns when a block is announced, and need not wait for its next poll."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from fednode.cli.common import open_session
from fednode.daemon.actions import registry as do
from fednode.daemon.loop import Daemon
from support.evm import Anvil
from support.in_process_nodes import running
from support.sites import Prepared, Sites


def test_a_node_that_hardly_polls_sees_each_block(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns, over, turn = threading.Semaphore(0), threading.Event(), Daemon._cycle

    def counted(daemon: Daemon) -> do.Action | None:
        action = do.Finish("the test is over") if over.is_set() else turn(daemon)
        turns.release()
        return action

    monkeypatch.setattr(Daemon, "_cycle", counted)
    with Anvil() as chain:
        config = {"chain": {"poll_seconds": 600.0}, "data": {"test": None}}
        sites = Sites(chain, tmp_path, 1, config=config, prepared=Prepared.on(tiny_folder), minClients=2)
        sites.sites[0].command("join")
        with open_session(sites.sites[0].config) as session, running(session) as daemon:
            loop = threading.Thread(target=daemon.run, daemon=True)
            loop.start()
            while turns.acquire(timeout=2):
                pass  # until it waits
            for _ in range(2):
                chain.rpc("evm_mine")
                assert turns.acquire(timeout=60)
            over.set()
            chain.rpc("evm_mine")
            loop.join(60)
            assert not loop.is_alive()
