"""The event index as a file: whose it is, who shares it, what becomes of a damaged one. On a real anvil."""

from __future__ import annotations

import os
import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from fedprotocol.chain.read import event_index
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.event_index import EventIndex
from fedprotocol.chain.read.event_table import EventIndexError
from fedprotocol.chain.read.events import first_round_block
from support.deployed import CHAIN_ID, Deployed, sender
from support.event_logs import assert_same, first_of, fresh, from_now, fund, play
from support.evm import Anvil
from support.proxy import Proxy


@pytest.fixture(scope="module")
def federation() -> Iterator[Deployed]:
    with Anvil() as chain:
        yield fresh(chain)


@pytest.fixture(autouse=True)
def near(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few, so that short chains have a far part too."""
    monkeypatch.setattr(event_index, "NEAR", 12)


def test_a_chain_started_anew(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Same chain id, same address, another genesis: nothing of before is left. So it is with another contract."""
    path = tmp_path / "events.sqlite"
    for timestamp, blocks in (("1700000000", 30), ("1800000000", 3)):
        with Anvil("--timestamp", timestamp) as chain:
            federation = fresh(chain)
            play(federation, blocks, random.Random(8))
            fund(federation)
            with EventIndex(federation.coordinator(), path) as index:
                assert_same(index)
                assert index.events()
    assert "of another chain or coordinator: reading anew" in caplog.text
    caplog.clear()
    with Anvil("--timestamp", "1800000000") as chain:
        fresh(chain)
        other = fresh(chain)
        fund(other, 9)
        with EventIndex(other.coordinator(), path) as index:
            assert_same(index)
    assert "of another chain or coordinator" in caplog.text


def test_a_chain_started_anew_under_a_running_program() -> None:
    with Anvil("--timestamp", "1700000000") as chain, Proxy(chain.url) as proxy:
        federation = fresh(chain)
        play(federation, 40, random.Random(9))
        index = EventIndex(Coordinator.connect(proxy.url, federation.contract.address, CHAIN_ID))
        assert_same(index)
        with Anvil("--timestamp", "1800000000") as other:
            proxy.target = other.url
            again = fresh(other)
            assert again.contract.address == federation.contract.address
            fund(again, 3)
            assert_same(index)
            play(again, 60, random.Random(10))
            assert_same(index)


def test_two_programs_share_a_file(federation: Deployed, tmp_path: Path) -> None:
    path, dice = tmp_path / "events.sqlite", random.Random(11)
    with from_now(federation, path) as one, from_now(federation, path) as two:
        for step in range(6):
            play(federation, 3, dice)
            if step % 2:
                federation.chain.rpc("anvil_reorg", 3, [])
                federation.chain.rpc("anvil_dropAllTransactions")
            assert_same(two if step % 3 else one)
            assert_same(one)
        head = one._table.head()
        two._table.append(head, head._replace(number=head.number + 1), [])
        assert not one._table.append(head, head._replace(number=head.number + 1, hash=b"other"), []), (
            "it was not the first"
        )


@pytest.mark.parametrize("damage", [b"not a database, by far" * 400, None])
def test_a_damaged_file_is_made_anew(
    federation: Deployed, tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: bytes | None
) -> None:
    path = tmp_path / "events.sqlite"
    with from_now(federation, path) as index:
        fund(federation)
        index.sync()
        index._table.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = path.read_bytes()
    path.write_bytes(damage or content[:4096] + os.urandom(len(content) - 4096))
    with from_now(federation, path) as index:
        assert_same(index)
    assert "is damaged" in caplog.text


def test_a_full_disk_is_an_error_and_loses_nothing(federation: Deployed, tmp_path: Path) -> None:
    with from_now(federation, tmp_path / "events.sqlite") as index:
        index.sync()
        pages = index._table.db.execute("PRAGMA page_count").fetchone()[0]
        index._table.db.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(EventIndexError, match="full"):
            for _ in range(200):
                fund(federation)
                index.sync()
        index._table.db.execute(f"PRAGMA max_page_count = {10 * pages}")
        assert_same(index)
    with pytest.raises(EventIndexError, match="cannot be used"):
        EventIndex(federation.coordinator(), tmp_path).sync()
    assert sqlite3.connect(tmp_path / "events.sqlite").execute("PRAGMA quick_check").fetchone() == ("ok",)


def test_the_block_of_the_first_round(tmp_path: Path) -> None:
    with Anvil() as chain:
        federation = fresh(chain)
        coordinator = federation.coordinator()
        assert first_round_block(coordinator) == chain.web3.eth.block_number
        for number in range(2):
            member = sender(chain, federation.account(), tmp_path / f"{number}.sqlite")
            coordinator.token.ensure_allowance(member, coordinator.address, 1_000)
            member.send(coordinator.calls.join(1_000), "join")
        fund(federation, 1_000)
        opened = member.send(coordinator.calls.open(), "open")["blockNumber"]
        play(federation, 7, random.Random(12))
        with EventIndex(coordinator, first_block=lambda: first_round_block(coordinator)) as index:
            index.sync()
            assert first_of(index) <= opened
            assert chain.web3.eth.get_block(first_of(index))["timestamp"] >= coordinator.round_view(1).opened_at
            assert [event.name for event in index.events(round_number=1)] == ["RoundOpened"]
